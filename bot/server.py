"""uvicorn, with the end of a process left to `bot.stopping`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import uvicorn

from bot.stopping import Stopping

NOT_STARTED = 3
"""uvicorn's own exit code for it."""


class Server(uvicorn.Server):
    """Leaves signals to whoever `listen` makes listen, once the loop runs."""

    def __init__(self, config: uvicorn.Config, listen: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._listen = listen

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        self._listen()
        yield

    def close_the_port(self) -> None:
        """Take nothing more; `serve` returns when what is in hand is answered."""
        self.should_exit = True


def run(config: uvicorn.Config, stopping: Stopping) -> int:
    """Serve until `stopping` was told to; the exit code."""
    server = Server(config, stopping.listen)
    stopping.then(server.close_the_port)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve())
    return stopping.exit_code if server.started else NOT_STARTED
