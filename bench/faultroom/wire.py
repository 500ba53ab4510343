"""A wire between two programs that can be cut, slowed down, and made to swallow everything."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from typing import Self

CHUNK = 65536


class Wire:
    """Listens on a free port of this machine and passes connections on to one of `targets` after the other."""

    def __init__(self, *targets: int) -> None:
        self.targets = list(targets)
        """Ports on this machine."""
        self.delay = 0.0
        """Seconds that everything takes on its way, in each direction."""
        self._passes = asyncio.Event()
        self._passes.set()
        self._accepts = True
        self._number = count()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def swallow(self, swallows: bool = True) -> None:
        """Take everything and pass nothing on, as a network does whose other end is gone without a word."""
        if swallows:
            self._passes.clear()
        else:
            self._passes.set()

    def refuse(self, refuses: bool = True) -> None:
        """Close what is open and every new connection."""
        self._accepts = not refuses
        if refuses:
            self.cut()

    def cut(self) -> None:
        """Close all connections that are open."""
        for writer in tuple(self._open):
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._accepts:
            writer.transport.abort()
            return
        self._open.add(writer)
        target = self.targets[next(self._number) % len(self.targets)]
        try:
            await self._passes.wait()
            there, thence = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(thence)
        await asyncio.gather(self._pass(reader, thence), self._pass(there, writer))
        self._open -= {writer, thence}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                await self._passes.wait()
                sink.write(data)
                await sink.drain()
        sink.close()
