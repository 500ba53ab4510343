"""A reading from end to end on every channel in three languages: signed webhooks in, carriers' APIs out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from house import House, open_house

from bot.exporting import export_readings

REFERENCE = re.compile(r"R-\d{10}")


@pytest_asyncio.fixture
async def house(model: Path, assistant: object, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(model, f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", assistant) as house:
        yield house


async def exported(house: House) -> list[dict[str, str]]:
    out = io.StringIO()
    await export_readings(house.service.database, out, "csv")
    return list(csv.DictReader(io.StringIO(out.getvalue())))


GIVING = {
    "fr": ("bonjour mon index est 48213", "Référence", "113 kWh"),
    "ar": ("السلام عليكم، قراءة العداد هي ٤٨٢١٣", "المرجع", "113"),
    "ary-Latn": ("salam khoya ha lcompteur dyali 48 213", "kWh", "113"),
}


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize("language", GIVING)
async def test_a_reading_is_given_and_exported(house: House, channel: str, language: str) -> None:
    text, word, usage = GIVING[language]
    phone = house.phone(channel, "+212600000001")
    reply = await phone.says(text)
    if channel == "telegram":  # a chat says nothing of the phone behind it
        assert REFERENCE.search(reply) is None
        reply = await phone.taps("")
    found = REFERENCE.search(reply)
    assert found, reply
    assert word in reply
    assert usage in reply
    (row,) = [row for row in await exported(house) if row["reference"] == found[0]]
    assert (row["contract"], row["register"], row["value"], row["unit"]) == ("10000001", "total", "48213", "kWh")
    assert (row["source"], row["channel"], row["state"]) == ("customer", channel, "accepted")


async def test_a_doubtful_reading_is_settled_with_buttons_on_whatsapp(house: House) -> None:
    phone = house.phone("whatsapp", "+212600000001")
    question = await phone.says("84213")
    assert "48213" in question
    reply = await phone.taps("Oui")
    assert "48213" in reply
    assert REFERENCE.search(reply)


async def test_a_doubtful_reading_is_settled_with_a_number_by_sms(house: House) -> None:
    phone = house.phone("sms", "+212600000001")
    question = await phone.says("84213")
    assert "1. " in question
    assert "2. " in question
    reply = await phone.says("1")
    assert REFERENCE.search(reply)
    assert [
        row["value"] for row in await exported(house) if row["channel"] == "sms" and row["contract"] == "10000001"
    ] == ["48213"]


async def test_two_registers_are_asked_in_turn(house: House) -> None:
    phone = house.phone("sms", "+212600000002")
    reply = await phone.says("بغيت نعطي قراءة العداد")
    assert reply
    before = {row["reference"] for row in await exported(house)}
    async with house.service.database.reading() as session:
        from sqlalchemy import text

        rows = (
            await session.execute(
                text(
                    "SELECT r.code, max(g.value) FROM reading g JOIN register r ON r.id = g.register_id "
                    "JOIN meter m ON m.id = r.meter_id JOIN contract c ON c.id = m.contract_id "
                    "WHERE c.number = '10000002' AND g.source = 'field' GROUP BY r.code"
                )
            )
        ).all()
    last = dict(rows)
    await phone.says(str(last["peak"] + 150))
    reply = await phone.says(str(last["off_peak"] + 400))
    new = [row for row in await exported(house) if row["reference"] not in before]
    assert sorted(row["register"] for row in new) == ["off_peak", "peak"], reply


async def test_several_contracts_lead_to_a_choice(house: House) -> None:
    phone = house.phone("whatsapp", "+212600000003")
    question = await phone.says("bghit n3ti l'index dyal lcompteur")
    assert question
    screen = await phone.screen()
    assert [len(message["buttons"]) for message in screen if not message["mine"]] == [2]
    reply = await phone.taps((await phone.screen())[-1]["buttons"][1]["title"][:3])
    assert reply


async def test_the_same_webhook_fifty_times_at_once_is_one_message(house: House) -> None:
    phone = house.phone("sms", "+212600000001")
    statuses = await phone.does(text="48213", times=50)
    assert set(statuses) <= {200, 204}
    assert REFERENCE.search(await phone.reply())
    await house.service.worker.idle()
    assert len([entry for entry in await house.ledger() if entry["to"].endswith("600000001")]) == 1
    assert [row["value"] for row in await exported(house) if row["contract"] == "10000001"] == ["48213"]


async def test_a_stranger_proves_a_contract_and_goes_on(house: House) -> None:
    phone = house.phone("sms", "+212600000099")
    assert "contrat" in await phone.says("bonjour, mon index est 48213")
    assert "facture" in await phone.says("10000001")
    async with house.service.database.reading() as session:
        from sqlalchemy import text

        total = await session.scalar(
            text(
                "SELECT b.total FROM bill b JOIN contract c ON c.id = b.contract_id WHERE c.number = '10000001' "
                "ORDER BY b.issued_on DESC LIMIT 1"
            )
        )
    wrong = await phone.says("12,34")
    assert "113" not in wrong
    reply = await phone.says(f"{total // 100},{total % 100:02}")
    assert REFERENCE.search(reply), reply


async def test_guessing_is_limited_and_tells_nothing(house: House) -> None:
    existing, absent = house.phone("sms", "+212600000098"), house.phone("sms", "+212600000097")
    answers = []
    for phone, contract in ((existing, "10000001"), (absent, "19999999")):
        replies = [await phone.says("je veux donner mon index"), await phone.says(contract)]
        replies += [await phone.says(guess) for guess in ("10,00", "11,00", "12,00")]
        answers.append(replies)
        await phone.says("assistant")  # nobody stands in the queue before the other
    assert answers[0] == answers[1]
    assert "conseiller" in answers[0][-1].lower()


async def test_forged_webhooks_leave_no_trace(house: House) -> None:
    import httpx

    async with httpx.AsyncClient(base_url=house.base) as client:
        form = {"From": "+212600000001", "To": "+212520000001", "Body": "48213", "MessageSid": "SM" + "0" * 32}
        assert (await client.post("/webhooks/twilio", data=form)).status_code == 403
        forged = {"X-Twilio-Signature": "AAAA"}
        assert (await client.post("/webhooks/twilio", data=form, headers=forged)).status_code == 403
        assert (await client.post("/webhooks/telegram", json={"update_id": 1})).status_code == 403
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).json()["status"] == "ready"
    await house.service.worker.idle()
    async with house.service.database.reading() as session:
        from sqlalchemy import func, select

        from store.models import Message

        assert await session.scalar(select(func.count()).select_from(Message)) == 0
