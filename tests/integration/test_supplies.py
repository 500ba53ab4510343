"""Whose contracts they are: registered phones, proofs, attempts at guessing, one-time codes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from store_rows import DAY, NOW, ROWS, another, insert_all, statement

from store.models import Bill, Identity, Verification
from store.supplies import (
    contract_by_number,
    contracts_of,
    contracts_registered_for,
    failed_attempts,
    keep_code,
    kept_code,
    last_bill_total,
    note_failed_attempt,
    phones_registered_for,
    prove,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = "+212600000001"
STRANGER = "+212600000099"
ASKED_BY, SOMEBODY_ELSE = 1, 2
"""Conversations."""


@pytest_asyncio.fixture(loop_scope="session")
async def town(session: AsyncSession) -> AsyncSession:
    """Two conversations; three contracts, of which `PHONE` is registered on the first and the last, a closed one."""
    for table in ("customer", "contract", "registered_phone", "meter", "register", "conversation"):
        await session.execute(statement(table, ROWS[table]))
    await session.execute(statement("conversation", another("conversation")))
    await session.execute(statement("contract", another("contract")))
    closed = another("contract", id=3, number="10000003", closed_on=DAY - timedelta(days=1))
    await session.execute(statement("contract", closed))
    await session.execute(statement("registered_phone", {"contract_id": 3, "number": PHONE}))
    return session


async def numbers_of(
    session: AsyncSession, phone: str | None, conversation: int = ASKED_BY, on: date = DAY
) -> list[str]:
    return [contract.number for contract in await contracts_of(session, conversation, phone, on)]


async def test_a_registered_phone_brings_its_open_contracts(town: AsyncSession) -> None:
    assert await numbers_of(town, PHONE) == ["10000001"]


async def test_a_contract_may_be_acted_on_up_to_the_day_it_closes(town: AsyncSession) -> None:
    assert await numbers_of(town, PHONE, on=DAY - timedelta(days=1)) == ["10000001", "10000003"]


async def test_an_unknown_phone_brings_nothing(town: AsyncSession) -> None:
    assert await numbers_of(town, STRANGER) == []
    assert await numbers_of(town, None) == []


async def test_a_proved_contract_is_the_conversations_alone(town: AsyncSession) -> None:
    await prove(town, ASKED_BY, 2, Verification.BILL_AMOUNT, NOW)

    assert await numbers_of(town, None) == ["10000002"]
    assert await numbers_of(town, None, SOMEBODY_ELSE) == []


async def test_registered_and_proved_contracts_come_together_once_each_by_number(town: AsyncSession) -> None:
    await prove(town, ASKED_BY, 2, Verification.CODE, NOW)
    await prove(town, ASKED_BY, 1, Verification.CODE, NOW)

    assert await numbers_of(town, PHONE) == ["10000001", "10000002"]


async def test_contracts_come_with_their_meters_and_registers(town: AsyncSession) -> None:
    [contract] = await contracts_of(town, ASKED_BY, PHONE, DAY)

    assert [(meter.number, [register.code for register in meter.registers]) for meter in contract.meters] == [
        ("410000001", ["total"])
    ]


async def test_proving_again_changes_nothing(town: AsyncSession) -> None:
    await prove(town, ASKED_BY, 2, Verification.BILL_AMOUNT, NOW)
    await prove(town, ASKED_BY, 2, Verification.CODE, NOW + timedelta(days=1))

    proofs = list(await town.scalars(select(Identity)))
    assert [(proof.verification, proof.verified_at) for proof in proofs] == [(Verification.BILL_AMOUNT, NOW)]


async def test_a_contract_is_found_by_its_exact_number(town: AsyncSession) -> None:
    found = await contract_by_number(town, "10000002")
    assert found is not None
    assert found.id == 2
    assert await contract_by_number(town, "1000000") is None
    assert await contract_by_number(town, "%") is None


async def test_phones_and_contracts_are_found_both_ways(town: AsyncSession) -> None:
    assert await phones_registered_for(town, 1) == [PHONE]
    assert await phones_registered_for(town, 2) == []
    assert [contract.number for contract in await contracts_registered_for(town, PHONE)] == ["10000001"]
    assert await contracts_registered_for(town, STRANGER) == []


async def test_failed_attempts_are_counted_by_sender_and_on_the_contract_whoever_tried(town: AsyncSession) -> None:
    day = timedelta(days=1)
    for conversation, contract, at in (
        (ASKED_BY, "10000001", NOW),
        (ASKED_BY, "10000002", NOW),
        (SOMEBODY_ELSE, "10000001", NOW),
        (SOMEBODY_ELSE, "10000001", NOW - 2 * day),
    ):
        await note_failed_attempt(town, conversation, contract, at)

    assert await failed_attempts(town, ASKED_BY, "10000001", NOW - day) == (2, 2)
    assert await failed_attempts(town, ASKED_BY, None, NOW - day) == (2, 0)
    assert await failed_attempts(town, SOMEBODY_ELSE, "10000001", NOW - 3 * day) == (2, 3)
    assert await failed_attempts(town, SOMEBODY_ELSE, "99999999", NOW + day) == (0, 0)


async def test_the_last_bill_is_the_one_issued_last(session: AsyncSession) -> None:
    await insert_all(session)
    earlier = another("bill", issued_on=DAY - timedelta(days=30), total=Decimal("99.99"))
    await session.execute(statement("bill", earlier))
    assert await session.scalar(select(func.count()).select_from(Bill)) == 2

    assert await last_bill_total(session, 1) == Decimal("123.71")
    assert await last_bill_total(session, 999) is None


async def test_a_new_code_replaces_the_one_before_in_its_conversation_only(town: AsyncSession) -> None:
    later = NOW + timedelta(minutes=10)
    await keep_code(town, ASKED_BY, "10000001", "first", NOW)
    await keep_code(town, SOMEBODY_ELSE, "10000002", "other", NOW)
    await keep_code(town, ASKED_BY, "10000002", "second", later)

    kept = await kept_code(town, ASKED_BY)
    assert kept is not None
    assert (kept.contract_number, kept.code_hash, kept.expires_at) == ("10000002", "second", later)
    other = await kept_code(town, SOMEBODY_ELSE)
    assert other is not None
    assert other.code_hash == "other"
    assert await kept_code(town, 999) is None
