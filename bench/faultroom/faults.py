"""Everything that goes wrong, by name. Each breaks something for a few seconds and makes it whole again."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sqlite3
from pathlib import Path

from bench.faultroom.room import Fault, Room

OUTAGE = 8.0
"""Seconds that most faults last."""
POSTGRESQL = ("postgresql",)
SQLITE = ("sqlite",)
FILLER = 1024 * 1024


# -- processes -----------------------------------------------------------------------------------------


async def _kill(room: Room) -> None:
    """Three times, at moments of chance."""
    for _ in range(3):
        await asyncio.sleep(random.uniform(0.2, 2.0))
        victim = random.choice(room.processes)
        await victim.signal(signal.SIGKILL)
        await victim.ready()


async def _freeze(room: Room) -> None:
    """One of two processes stops for longer than it may hold a message, and goes on as if nothing had been."""
    victim = room.processes[0]
    await victim.signal(signal.SIGSTOP)
    await asyncio.sleep(25)
    await victim.signal(signal.SIGCONT)


async def _let_it_happen(_room: Room) -> None:
    """The fault is in what customers write."""


# -- the model -----------------------------------------------------------------------------------------


async def _spoil_the_model(room: Room) -> None:
    """The newest model is overwritten with rubbish while it serves; later Relève restarts, and finds an older one."""
    folder = room.folder / "models"
    newest = max(folder.glob("*.tar.gz"))
    shutil.copy(newest, folder / "20200101-000000.tar.gz")
    os.utime(folder / "20200101-000000.tar.gz", (0, 0))
    newest.write_bytes(os.urandom(4096))
    await asyncio.sleep(OUTAGE / 4)
    for process in room.processes:
        await process.signal(signal.SIGKILL)
        await process.ready()


async def _replace_the_model(room: Room) -> None:
    """A new model takes the place of the one that serves, which is removed; later Relève restarts."""
    folder = room.folder / "models"
    newest = max(folder.glob("*.tar.gz"))
    partial = folder / "partial"
    shutil.copy(newest, partial)
    newest.unlink()
    partial.replace(folder / "29990101-000000.tar.gz")
    await asyncio.sleep(OUTAGE / 4)
    for process in room.processes:
        await process.signal(signal.SIGTERM)
        await asyncio.sleep(1)
        await process.ready()


# -- the database --------------------------------------------------------------------------------------


async def _restart_the_database(room: Room) -> None:
    assert room.server is not None
    for mode in ("immediate", "fast"):
        await room.server.stop(mode)
        await asyncio.sleep(OUTAGE / 4)
        await room.server.start()
        await asyncio.sleep(1)


async def _fail_over(room: Room) -> None:
    """The primary dies; its standby is promoted."""
    assert room.server is not None
    assert room.standby is not None
    await room.server.stop("immediate")
    await asyncio.sleep(2)
    await room.standby.promote()


async def _cut_the_wire(room: Room) -> None:
    assert room.wire is not None
    for _ in range(3):
        room.wire.refuse()
        await asyncio.sleep(1)
        room.wire.refuse(False)
        await asyncio.sleep(1)


async def _swallow(room: Room) -> None:
    """The database is there, and no answer comes: longer than a webhook may take."""
    assert room.wire is not None
    room.wire.swallow()
    await asyncio.sleep(20)
    room.wire.swallow(False)


async def _slow_the_database(room: Room) -> None:
    assert room.wire is not None
    room.wire.delay = 0.05
    await asyncio.sleep(OUTAGE)
    room.wire.delay = 0.0


async def _lock_the_database(room: Room) -> None:
    """Another program writes and does not finish."""
    connection = sqlite3.connect(room.disk / "room.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(20)
    connection.execute("ROLLBACK")
    connection.close()


async def _fill_the_disk(room: Room) -> None:
    filler = room.disk / "filler"
    await asyncio.to_thread(_fill, filler)
    await asyncio.sleep(OUTAGE)
    filler.unlink()
    if room.server is not None and not await room.server.is_running():
        await room.server.start()  # PostgreSQL ends when it cannot write its log: its supervisor's work


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        size = FILLER
        while size >= 512:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2


# -- carriers ------------------------------------------------------------------------------------------


def _both(**order: object) -> list[tuple[str, dict[str, object]]]:
    return [("twilio", order), ("telegram", order)]


async def _slow_carriers(room: Room) -> None:
    await _during(room, latency=3.0)


async def _during(room: Room, **order: object) -> None:
    for carrier, each in _both(**order):
        await room.carrier(carrier, **each)
    await asyncio.sleep(OUTAGE)
    for carrier, each in _both(clear=True):
        await room.carrier(carrier, **each)


async def _too_many_requests(room: Room) -> None:
    await _during(room, queue=[{"kind": "refuse", "status": 429, "times": 10_000, "retry_after": 2}])


async def _unavailable(room: Room) -> None:
    await _during(room, queue=[{"kind": "refuse", "status": 503, "times": 10_000}])


async def _server_errors(room: Room) -> None:
    await _during(room, queue=[{"kind": "refuse", "status": 500, "times": 30}])


async def _refused_connections(room: Room) -> None:
    await _during(room, queue=[{"kind": "drop", "times": 30}])


async def _accepted_unanswered(room: Room) -> None:
    """Each carrier takes ten messages and lets the connection die, then ten that it answers after our patience."""
    queue = [{"kind": "accept_then_drop", "times": 10}, {"kind": "accept_then_hold", "times": 10, "seconds": 15}]
    await _during(room, queue=queue)


async def _unreachable_phones(room: Room) -> None:
    """A quarter of the phones are switched off: the carrier takes the replies, and reports later that it failed."""
    for writer in room.people[::4]:
        order = {"from": writer.phone, "event": "switch_off"}
        (await room.client.post(f"/customer/{writer.channel}", json=order)).raise_for_status()
    await asyncio.sleep(OUTAGE / 2)


# -- time ----------------------------------------------------------------------------------------------


async def _jump(room: Room) -> None:
    """The clock goes an hour ahead, and then two back."""
    for seconds in (3600, -3600, 0):
        room.set_clock(seconds)
        await asyncio.sleep(OUTAGE / 3)


FAULTS = (
    Fault("killed", "process killed (kill -9), three times", _kill),
    Fault("killed-of-two", "one of two processes killed, three times", _kill, processes=2),
    Fault("frozen", "one of two processes stands still for 25 s", _freeze, processes=2),
    Fault("two-at-once", "two processes on the same conversations", _let_it_happen, processes=2),
    Fault("action-raises", "an action raises", _let_it_happen, action="raises", poison=3),
    Fault(
        "action-hangs",
        "an action never returns",
        _let_it_happen,
        SQLITE,
        action="hangs",
        poison=2,
        settings={"turn_seconds": 3},
    ),
    Fault(
        "action-blocks",
        "an action blocks its process",
        _let_it_happen,
        SQLITE,
        action="blocks",
        poison=1,
        settings={"turn_seconds": 3, "stall_seconds": 3},
    ),
    Fault(
        "action-kills",
        "an action ends its process",
        _let_it_happen,
        action="kills",
        poison=1,
        settings={"turn_seconds": 3},
    ),
    Fault(
        "action-leaks",
        "an action leaks memory",
        _let_it_happen,
        SQLITE,
        action="leaks",
        poison=12,
        settings={"most_memory_mib": 350},
    ),
    Fault("model-spoilt", "model file corrupt while running, then a restart", _spoil_the_model, SQLITE),
    Fault("model-replaced", "model file replaced while running, then a restart", _replace_the_model, SQLITE),
    Fault("database-restarts", "database restarted, once as if the power failed", _restart_the_database, POSTGRESQL),
    Fault("database-fails-over", "database fails over to its standby", _fail_over, POSTGRESQL, standby=True),
    Fault("database-cut", "connections to the database cut, three times", _cut_the_wire, POSTGRESQL, by_wire=True),
    Fault("database-silent", "database silent for 20 s", _swallow, POSTGRESQL, by_wire=True),
    Fault("database-slow", "database 100 ms slower a round trip", _slow_the_database, POSTGRESQL, by_wire=True),
    Fault("database-locked", "database locked by another program for 20 s", _lock_the_database, SQLITE),
    Fault("disk-full", "disk full", _fill_the_disk, on_a_small_disk=True),
    Fault("carrier-slow", "carriers answer after 3 s", _slow_carriers, SQLITE),
    Fault("carrier-429", "carriers answer 429", _too_many_requests, SQLITE),
    Fault("carrier-503", "carriers answer 503", _unavailable, SQLITE),
    Fault("carrier-500", "carriers answer 500", _server_errors, SQLITE),
    Fault("carrier-cuts", "carriers cut connections before they take a message", _refused_connections, SQLITE),
    Fault("carrier-in-doubt", "carriers take messages and do not answer", _accepted_unanswered),
    Fault("carrier-fails-late", "carriers take messages, and fail later", _unreachable_phones, receipts="read"),
    Fault("webhooks-repeated", "each webhook five times at once", _let_it_happen, times=5),
    Fault("clock-jumps", "clock an hour ahead, an hour behind, right again", _jump, clock=True),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
