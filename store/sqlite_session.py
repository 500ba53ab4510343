"""A session on SQLite, whose statements are run where they stand.

SQLAlchemy runs each call of an `AsyncSession` on a stack of its own (a greenlet), which can be left to wait. Once a
transaction has begun nothing waits on SQLite (`store.sqlite_driver`), and such a stack costs more than the statement:
Python asks the system for its memory and gives it back, several times a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.util import EMPTY_DICT, immutabledict

from store.sqlite_driver import here

T = TypeVar("T")
P = ParamSpec("P")

_ALL_ROWS = immutabledict({"prebuffer_rows": True})
"""All rows are fetched, as by an `AsyncSession`: a result may outlive its transaction."""


class SqliteSession(AsyncSession):
    """Only for use in a transaction that has begun; what is not named here goes SQLAlchemy's way."""

    async def execute(self, *args: Any, execution_options: Mapping[str, Any] = EMPTY_DICT, **more: Any) -> Any:
        execute: Callable[..., Any] = self.sync_session.execute
        return here(execute, *args, execution_options=_ALL_ROWS.union(execution_options), **more)

    async def scalar(self, *args: Any, **more: Any) -> Any:
        return here(self.sync_session.scalar, *args, **more)

    async def get(self, *args: Any, **more: Any) -> Any:
        return here(self.sync_session.get, *args, **more)

    async def flush(self, objects: Sequence[Any] | None = None) -> None:
        here(self.sync_session.flush, objects)

    async def run_sync(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **more: P.kwargs) -> T:
        return here(fn, self.sync_session, *args, **more)

    async def close(self) -> None:
        """SQLAlchemy's way where a transaction is to be rolled back."""
        if self.sync_session.in_transaction():
            await super().close()
        else:
            here(self.sync_session.close)
