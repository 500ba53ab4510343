"""The measured server processes: held to given cores, their CPU time and memory read from the kernel."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import aiohttp
import psutil

STOP_SECONDS = 20.0
LOOK_SECONDS = 0.02
START_SECONDS = 240.0


class NotStarted(Exception):
    """A server did not come up; the message says which and where its log is."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of all processes together, in MiB. `pss` counts shared pages once."""

    pss: float
    rss: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Servers:
    """Processes that are started and measured together, on `cores`: each on one of them, in turn."""

    def __init__(self, cores: Sequence[int], logs: Path) -> None:
        self._cores = cores
        self._logs = logs
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._adopted: list[psutil.Process] = []
        self._adopted_cpu = 0.0

    def start(self, name: str, command: Sequence[str | Path], env: Mapping[str, str], folder: Path) -> None:
        """Start a process on the next core; its output goes to `NAME.log`."""
        core = self._cores[len(self._started) % len(self._cores)]
        with (self._logs / f"{name}.log").open("ab") as log:
            self._started[name] = subprocess.Popen(
                [str(word) for word in command],
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )

    def adopt(self, pid: int) -> None:
        """Count a server that runs already (the database), from now on, and keep it on the cores too."""
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            process.cpu_affinity(list(self._cores))
        self._adopted.append(root)
        self._adopted_cpu += _cpu(root)

    async def answering(self, *urls: str) -> None:
        """Until each of `urls` answers 200. Raises `NotStarted`."""
        await asyncio.gather(*(self._answering(url) for url in urls))

    async def _answering(self, url: str) -> None:
        deadline = perf_counter() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while perf_counter() < deadline:
                for name, process in self._started.items():
                    if process.poll() is not None:
                        raise NotStarted(f"{name} ended with code {process.returncode}; see {name}.log")
                try:
                    async with session.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(LOOK_SECONDS)
        raise NotStarted(f"{', '.join(self._started)}: no answer within {START_SECONDS:.0f} s")

    def cpu(self) -> float:
        """CPU seconds, user and system, of all processes until now."""
        started = sum(_cpu(psutil.Process(process.pid)) for process in self._started.values())
        return started + sum(_cpu(root) for root in self._adopted) - self._adopted_cpu

    def memory(self) -> Memory:
        """Right now."""
        roots = [*(psutil.Process(each.pid) for each in self._started.values()), *self._adopted]
        found = [memory for root in roots for process in _tree(root) if (memory := _memory(process))]
        return Memory(sum(each.pss for each in found), sum(each.rss for each in found))

    def stop(self) -> None:
        """Stop what was started here, politely first."""
        for process in self._started.values():
            process.terminate()
        for process in self._started.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()


def _tree(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _memory(process: psutil.Process) -> Memory | None:
    """None when it has just ended, as a database's helpers do all the time."""
    try:
        info = process.memory_full_info()
    except psutil.NoSuchProcess:
        return None
    mebibyte = 1024 * 1024
    return Memory(info.pss / mebibyte, info.rss / mebibyte)


def _cpu(root: psutil.Process) -> float:
    """Of a process with its children, the ended ones that it waited for included."""
    total = 0.0
    for process in _tree(root):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
