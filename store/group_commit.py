"""One commit for all who ask at the same time: it reaches the disk, which takes longer than what a webhook writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")
Asked = tuple[Callable[[Connection], Any], asyncio.Future[Any]]
COMPANY_SECONDS = 0.02
"""How long a commit that nobody waits for may wait for another to go with."""


class Transaction(Protocol):
    """Does some work in a transaction of its own and commits."""

    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]: ...


class GroupCommit:
    """Puts together what is to be committed."""

    def __init__(self, committed: Transaction) -> None:
        self._committed = committed
        self._waiting: list[Asked] = []
        self._in_no_hurry: list[Asked] = []
        self._long_enough: asyncio.TimerHandle | None = None
        self._group: asyncio.Task[None] | None = None

    async def __call__(self, work: Callable[[Connection], T], *, in_no_hurry: bool = False) -> T:
        """Run `work` and commit, with others. What is `in_no_hurry` waits for `COMPANY_SECONDS` at most until
        somebody else commits. When one of a group fails they are done again one by one, so `work` may run twice.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if in_no_hurry:
            self._in_no_hurry.append((work, done))
            if self._long_enough is None:
                self._long_enough = loop.call_later(COMPANY_SECONDS, self._hurry)
        else:
            self._waiting.append((work, done))
            self._commit_soon()
        return await done

    def _hurry(self) -> None:
        self._waiting += self._with_who_waited()
        self._commit_soon()

    def _commit_soon(self) -> None:
        if self._group is None or self._group.done():
            self._group = asyncio.create_task(self._commit_groups(), name="group commit")

    def _with_who_waited(self) -> list[Asked]:
        if self._long_enough is not None:
            self._long_enough.cancel()
            self._long_enough = None
        waited, self._in_no_hurry = self._in_no_hurry, []
        return waited

    def _next_group(self) -> list[Asked]:
        group, self._waiting = self._waiting + self._with_who_waited(), []
        return group

    async def _commit_groups(self) -> None:
        while self._waiting:
            group: list[Asked] = []

            def whoever_came(connection: Connection, group: list[Asked] = group) -> list[Any]:
                group += self._next_group()  # also while we waited for the writer
                return [work(connection) for work, _ in group]

            try:
                results = await self._committed(whoever_came)
                for (_, done), result in zip(group, results, strict=True):
                    _settle(done, result)
            except Exception:
                # Rare: then each for itself, so that one failure is only its own.
                for work, done in group or self._next_group():
                    try:
                        _settle(done, await self._committed(work))
                    except Exception as error:
                        _settle(done, error=error)


def _settle(done: asyncio.Future[Any], result: Any = None, error: Exception | None = None) -> None:
    if done.done():  # whoever asked has gone
        return
    if error is not None:
        done.set_exception(error)
    else:
        done.set_result(result)
