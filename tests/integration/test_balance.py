"""How much is owed: told exactly to the contract's own people, and to nobody else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from stage import STRANGER, Stage

from store.models import Bill


async def change_bill(stage: Stage, **values: object) -> None:
    async with stage.database.writing() as session:
        await session.execute(update(Bill).values(**values))


async def add_bill(stage: Stage, total: Decimal, days_to_go: int) -> None:
    async with stage.database.writing() as session:
        session.add(
            Bill(
                number=f"F{total}",
                contract_id=1,
                period_start=stage.today - timedelta(days=31),
                period_end=stage.today - timedelta(days=1),
                issued_on=stage.today,
                due_on=stage.today + timedelta(days=days_to_go),
                basis="estimated",
                usage=100,
                total=total,
                paid=Decimal(0),
            )
        )


@pytest.mark.parametrize(
    "text",
    ["combien je dois ?", "كم يجب علي أن أدفع؟", "شحال خاصني نخلص", "ch7al khasni nkhless", "how much do i owe"],
)
async def test_an_overdue_bill_is_told_with_its_date_in_every_language(stage: Stage, text: str) -> None:
    reply = await stage.write(text)
    assert "120,35" in reply or "120.35" in reply
    assert "18/11/2026" in reply


async def test_a_bill_not_yet_due_is_told_with_its_last_day(stage: Stage) -> None:
    await change_bill(stage, due_on=stage.today)
    assert (
        await stage.write("combien je dois ?") == "Contrat 10000001 : 120,35 DH à payer au plus tard le 23/11/2026."
    )


async def test_several_bills_are_added_up(stage: Stage) -> None:
    await add_bill(stage, Decimal("88.15"), 14)
    reply = await stage.write("combien je dois ?")
    assert "208,50 DH" in reply
    assert "2 factures" in reply
    assert "18/11/2026" in reply


async def test_what_was_paid_in_part_is_no_longer_owed(stage: Stage) -> None:
    await change_bill(stage, paid=Decimal("100.00"))
    assert "20,35 DH" in await stage.write("combien je dois ?")


@pytest.mark.parametrize(
    ("total", "paid", "said"),
    [("120.35", "120.35", "rien à payer, tout est réglé"), ("-45.10", "0", "45,10 DH d'avance")],
)
async def test_nothing_to_pay_is_said_so(stage: Stage, total: str, paid: str, said: str) -> None:
    await change_bill(stage, total=Decimal(total), paid=Decimal(paid))
    assert said in await stage.write("combien je dois ?")


async def test_the_utility_named_is_the_one_told(stage: Stage) -> None:
    await stage.contract("20000001", "water", ("total",), phone="+212600000001", last=1260, monthly=14)
    both = await stage.write("combien je dois ?")
    assert "10000001" in both
    assert "20000001" in both
    water = await stage.write("combien je dois pour l'eau ?")
    assert "20000001" in water
    assert "10000001" not in water


async def test_a_prepaid_contract_has_no_bill(stage: Stage) -> None:
    await stage.contract("10000008", "electricity", ("total",), phone="+212600000008", billing="prepaid")
    await change_bill(stage, paid=Decimal("120.35"))
    assert "prépayé" in await stage.write("combien je dois ?", phone="+212600000008")


async def test_a_stranger_is_told_nothing_before_proving_the_contract(stage: Stage) -> None:
    first = await stage.write("combien je dois pour le contrat 10000001 ?", phone=STRANGER)
    wrong = await stage.write("99,99", phone=STRANGER)
    assert "18/11/2026" not in first + wrong
    reply = await stage.write("120,35", phone=STRANGER)
    assert "18/11/2026" in reply
