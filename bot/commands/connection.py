"""The database in a command that does one thing with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from bot.faults import Fault
from bot.settings import Settings
from store.database import Database

Result = TypeVar("Result")


def with_database(settings: Settings, use: Callable[[Database], Awaitable[Result]]) -> Result:
    """Run `await use(database)` and close it. Raises `Fault`, one line, when it cannot be reached or used."""

    async def run() -> Result:
        database = Database(settings.database_url)
        try:
            return await use(database)
        except (SQLAlchemyError, OSError) as error:
            raise Fault(database.cannot_be_used(error)) from error
        finally:
            await database.close()

    return asyncio.run(run())
