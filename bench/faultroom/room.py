"""One fault from beginning to end: put everything up, let customers write, break it, wait, count."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bench.faultroom import misbehaving
from bench.faultroom.books import Counts, count, settled
from bench.faultroom.customers import Writer, furnish, writers
from bench.faultroom.postgresql import PostgreSQL
from bench.faultroom.processes import Supervised, carriers, environment, free_port
from bench.faultroom.wire import Wire
from store import schema
from store.database import Database

WRITING_SECONDS = 10.0
POISON = "quel est votre numéro de téléphone ?"
"""What the misbehaving action answers."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong. `strike` breaks things while customers write, and returns when they are whole."""

    name: str
    what: str
    strike: Callable[[Room], Awaitable[None]]
    engines: tuple[str, ...] = ("sqlite", "postgresql")
    settings: Mapping[str, str | float] = field(default_factory=dict)
    action: str | None = None
    """How the misbehaving action does (`misbehaving.WAYS`)."""
    poison: int = 0
    """Customers who call it."""
    processes: int = 1
    by_wire: bool = False
    """Whether the database is reached over a wire that can be broken."""
    on_a_small_disk: bool = False
    standby: bool = False
    clock: bool = False
    times: int = 1
    """How often carriers post each webhook."""
    receipts: str = "off"


@dataclass(slots=True)
class Room:
    """What a fault can lay its hands on."""

    fault: Fault
    folder: Path
    disk: Path
    """Where the database is."""
    client: httpx.AsyncClient
    people: list[Writer]
    processes: list[Supervised] = field(default_factory=list)
    server: PostgreSQL | None = None
    standby: PostgreSQL | None = None
    wire: Wire | None = None

    async def carrier(self, carrier: str, **order: object) -> None:
        """Tell a carrier's emulator how to fail (`bot.tryit.customer_api.FaultOrder`)."""
        (await self.client.post("/faults", json={"carrier": carrier, **order})).raise_for_status()

    def set_clock(self, seconds: float) -> None:
        """Make Relève's clock wrong by so much."""
        partial = self.clock_file.with_suffix(".new")
        partial.write_text(str(seconds))
        partial.replace(self.clock_file)

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock"


async def tried(fault: Fault, engine: str, folder: Path, model: Path, messages: int) -> Counts:
    """Run `fault` with about so many `messages`. `folder` is empty and ours.

    Raises `NotSettled` when Relève does not recover, and `TimeoutError` when it does not come back at all.
    """
    random.seed(fault.name)
    people = writers(messages, with_poison=fault.poison, poison=POISON, times=fault.times)
    async with _opened(fault, engine, folder, model, people) as (room, database_url):
        writing = [asyncio.create_task(each.write(room.client, WRITING_SECONDS)) for each in people]
        await asyncio.sleep(WRITING_SECONDS / 4)
        await fault.strike(room)
        over_at = datetime.now(UTC)
        await asyncio.gather(*writing)
        database = Database(database_url)
        try:
            await settled(database, sum(len(each.sent) for each in people))
            return await count(database, folder / "ledger.jsonl", people, over_at)
        finally:
            await database.close()


@asynccontextmanager
async def _opened(
    fault: Fault, engine: str, folder: Path, model: Path, people: list[Writer]
) -> AsyncIterator[tuple[Room, str]]:
    async with AsyncExitStack() as stack:
        ports = [free_port() for _ in range(fault.processes)]
        front = ports[0]
        if fault.processes > 1:
            front = (await stack.enter_async_context(Wire(*ports))).port
        base = f"http://127.0.0.1:{front}"
        there = await stack.enter_async_context(carriers(base, folder / "ledger.jsonl", fault.receipts))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=there, timeout=30))
        disk = folder / "disk"
        disk.mkdir()
        if fault.on_a_small_disk:
            await stack.enter_async_context(small_disk(disk, SMALL_DISK))
        room = Room(fault, folder, disk, client, people)
        url = await _database(room, engine, stack)
        database = Database(url)
        await schema.upgrade(database)
        await furnish(database, people)
        await database.close()
        if fault.standby:
            url = await _followed(room, stack)
        models = folder / "models"
        shutil.copytree(model, models)
        settings = environment(url, models, base, there, **fault.settings)
        if fault.clock:
            room.set_clock(0)
            settings[misbehaving.CLOCK] = str(room.clock_file)
        if fault.action:
            settings[misbehaving.ACTION] = fault.action
        module = "bench.faultroom.misbehaving" if fault.clock or fault.action else "bot"
        for port in ports:
            process = Supervised(port, settings, folder / f"{port}.log", module)
            stack.push_async_callback(process.stop)
            room.processes.append(process)
        await asyncio.gather(*(process.start() for process in room.processes))
        yield room, url


async def _database(room: Room, engine: str, stack: AsyncExitStack) -> str:
    if engine == "sqlite":
        return f"sqlite+aiosqlite:///{room.disk / 'room.db'}"
    room.server = PostgreSQL(room.disk / "primary")
    await room.server.create()
    stack.push_async_callback(room.server.remove)
    await room.server.start()
    if room.fault.by_wire:
        room.wire = await stack.enter_async_context(Wire(room.server.port))
        return PostgreSQL.url_at(room.wire.port)
    return room.server.url


async def _followed(room: Room, stack: AsyncExitStack) -> str:
    """A standby of the server; the address that leads to whichever is the primary."""
    assert room.server is not None
    room.standby = PostgreSQL(room.disk / "standby")
    stack.push_async_callback(room.standby.remove)
    await room.standby.copy_of(room.server)
    return PostgreSQL.url_at(room.server.port, room.standby.port)


SMALL_DISK = 192
"""MiB; Relève is not ready on a disk with less than 100 MiB free."""


class NoMount(Exception):
    """A disk of our own cannot be made here: that takes the rights of root."""


@asynccontextmanager
async def small_disk(at: Path, mib: int) -> AsyncIterator[None]:
    """A file system of so many MiB, in memory. Raises `NoMount`."""
    mounted = await asyncio.create_subprocess_exec(
        "mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0755", "releve-fault-room", str(at),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if await mounted.wait():
        raise NoMount("mounting a file system is refused here")
    try:
        yield
    finally:
        unmounted = await asyncio.create_subprocess_exec("umount", "-l", str(at))
        await unmounted.wait()
