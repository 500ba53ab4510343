"""Money stays exact, moments stay moments, words stay in their list: what goes in comes out, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Column, MetaData, Table, func, insert, select
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA
from store.models import MessageState
from store.types import Id, Instant, Json, Money, Word

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHELF = Table(
    "shelf",
    MetaData(),
    Column("id", Id, primary_key=True),
    Column("money", Money),
    Column("instant", Instant),
    Column("json", Json),
    Column("word", Word(MessageState)),
)

KEPT: list[tuple[str, Any]] = [
    ("money", Decimal("0.00")),
    ("money", Decimal("0.01")),
    ("money", Decimal("0.1")),
    ("money", Decimal("640")),
    ("money", Decimal("1E+3")),
    ("money", Decimal("-12.35")),
    ("money", Decimal("90071992547409.93")),  # a float would make it .94
    ("instant", datetime(2026, 1, 15, 9, 30, tzinfo=UTC)),
    ("instant", datetime(2026, 1, 15, 9, 30, 0, 1, tzinfo=UTC)),
    ("instant", datetime(2026, 7, 1, 0, 30, tzinfo=CASABLANCA)),  # the day before in UTC
    ("instant", datetime(2026, 3, 1, 12, 0, tzinfo=CASABLANCA)),  # Ramadan: Morocco is on UTC
    ("instant", datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-5)))),
    ("json", {}),
    ("json", []),
    ("json", ""),
    ("json", False),
    ("json", {"texte": "l'index « 48213 », ça va ? ✅", "نص": "قراءة العداد", "deep": [1, 2.5, None, {"a": [True]}]}),
    ("json", 12345678901234567890),
    ("json", {"digits": 10**40, "negative": -(10**40)}),  # what customers type
    ("json", "quote ' \" backslash \\ newline \n NUL \u0000"),
    *[("word", state) for state in MessageState],
    *[(column, None) for column in ("money", "instant", "json", "word")],
]

REFUSED: list[tuple[str, Any, str]] = [
    ("money", 1.5, "money is Decimal, not float"),
    ("money", 640, "money is Decimal, not int"),
    ("money", "640.00", "money is Decimal, not str"),
    ("money", Decimal("0.005"), "two places"),
    ("money", Decimal("NaN"), "two places"),
    ("money", Decimal("Infinity"), "InvalidOperation"),
    ("instant", datetime(2026, 1, 15, 9, 30), "without its time zone"),  # noqa: DTZ001
    ("word", "thinking", "'thinking' is not a valid MessageState"),
    ("word", "", "is not a valid MessageState"),
    ("json", {1, 2}, "not JSON serializable"),
    ("json", Decimal("1.50"), "not JSON serializable"),
    ("json", datetime(2026, 1, 15, tzinfo=UTC), "not JSON serializable"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(session: AsyncSession) -> AsyncIterator[AsyncSession]:
    """A table of its own for this module; rolled back with the session."""
    await (await session.connection()).run_sync(SHELF.create)
    yield session


@pytest.mark.parametrize(("column", "value"), KEPT, ids=lambda value: repr(value)[:40])
async def test_what_goes_in_comes_out(shelf: AsyncSession, column: str, value: Any) -> None:
    await shelf.execute(insert(SHELF), {column: value})

    found = await shelf.scalar(select(SHELF.c[column]))

    assert found == value
    assert type(found) is type(value)
    assert list(await shelf.scalars(select(SHELF.c.id).where(SHELF.c[column] == value))) == [1]


@pytest.mark.parametrize(("column", "value", "why"), REFUSED, ids=lambda value: repr(value)[:40])
async def test_what_would_lose_something_is_refused(shelf: AsyncSession, column: str, value: Any, why: str) -> None:
    with pytest.raises(StatementError, match=why):
        await shelf.execute(insert(SHELF), {column: value})


async def test_money_comes_out_with_its_centimes_and_adds_up_in_the_database(shelf: AsyncSession) -> None:
    await shelf.execute(insert(SHELF), [{"money": Decimal("0.1")}, {"money": Decimal("0.2")}])

    assert [str(each) for each in await shelf.scalars(select(SHELF.c.money).order_by(SHELF.c.id))] == ["0.10", "0.20"]
    assert await shelf.scalar(select(func.sum(SHELF.c.money))) == Decimal("0.30")


async def test_moments_sort_by_when_they_were_whatever_zone_they_were_given_in(shelf: AsyncSession) -> None:
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=CASABLANCA)  # 11:00 UTC
    moments = [noon, datetime(2026, 7, 1, 11, 30, tzinfo=UTC), datetime(2026, 7, 1, 11, 0, 0, 1, tzinfo=UTC)]
    await shelf.execute(insert(SHELF), [{"instant": moment} for moment in moments])

    found = list(await shelf.scalars(select(SHELF.c.instant).order_by(SHELF.c.instant)))

    assert found == sorted(moments)
    assert {moment.tzinfo for moment in found} == {UTC}
    assert await shelf.scalar(select(func.count()).where(SHELF.c.instant > noon)) == 2
