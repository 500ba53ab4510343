"""Requests from end to end: five languages, three channels, with questions, changes of mind and news in between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from house import House, Phone, open_house
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from store.models import Audit, Request, RequestKind, RequestState

REFERENCE = re.compile(r"[DISCKVPN]-\d{10}")


@pytest_asyncio.fixture
async def house(model: Path, assistant: object, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(model, f"sqlite+aiosqlite:///{tmp_path / 'house.db'}", assistant) as house:
        yield house


async def talk(phone: Phone, *texts: str) -> str:
    """Say one text after the other, sharing the number where a chat asks for it; the last reply."""
    reply = ""
    for number, text in enumerate(texts):
        reply = await phone.says(text)
        if number == 0 and phone.channel == "telegram" and not REFERENCE.search(reply):
            shown = (await phone.screen())[-1]["buttons"]
            if any(button["kind"] == "share_phone" for button in shown):
                reply = await phone.taps("")
    return reply


async def requests(house: House) -> list[Request]:
    async with house.service.database.reading() as session:
        query = select(Request).options(selectinload(Request.schedule)).order_by(Request.id)
        return list(await session.scalars(query))


OWED = {
    "fr": "combien je dois ?",
    "ar": "كم يجب علي أن أدفع؟",
    "ary": "شحال خاصني نخلص",
    "ary-Latn": "ch7al khasni nkhless",
    "en": "how much do i owe?",
}
DEFERRAL = {
    "fr": "je ne peux pas payer maintenant, je demande un délai de 10 jours",
    "ar": "لا أستطيع الأداء الآن، أطلب مهلة 10 أيام",
    "ary": "ما قدرتش نخلص دابا، عطيوني مهلة ديال 10 أيام",
    "ary-Latn": "ma 9dertch nkhelles daba, 3tiwni mohla dyal 10 iyam",
    "en": "I can't pay now, can I pay in 10 days?",
}
INSTALMENTS = {
    "fr": "je veux payer en 3 fois",
    "ar": "أريد الأداء على 3 دفعات",
    "ary": "بغيت نخلص على 3 دفعات",
    "ary-Latn": "bghit nkhelles f 3 dfo3at",
    "en": "can I pay in 3 instalments?",
}
CANCEL = {"fr": "annuler", "ar": "إلغاء", "ary": "حبس هادشي", "ary-Latn": "annuler", "en": "never mind, forget it"}


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "telegram"])
@pytest.mark.parametrize("language", OWED)
async def test_time_to_pay_is_asked_for_with_a_question_in_between(house: House, channel: str, language: str) -> None:
    phone = house.phone(channel, "+212600000005")
    await talk(phone, DEFERRAL[language], "1")  # both bills

    asked_again = await phone.says(OWED[language])
    proposed = await phone.says("1")  # no reason
    received = await phone.says("1")  # send it

    assert "640" in asked_again
    assert "640" in proposed
    (request,) = await requests(house)
    assert REFERENCE.search(received)[0] == request.reference  # type: ignore[index]
    assert (request.kind, request.state) == (RequestKind.DEFERRAL, RequestState.RECEIVED)
    assert [str(each.amount) for each in request.schedule] == ["640.00"]


@pytest.mark.parametrize("language", OWED)
async def test_a_change_of_mind_makes_it_instalments(house: House, language: str) -> None:
    phone = house.phone("whatsapp", "+212600000005")
    await talk(phone, DEFERRAL[language], "1")

    await talk(phone, INSTALMENTS[language], "1", "1", "1")

    (request,) = await requests(house)
    assert request.kind is RequestKind.INSTALMENTS
    assert sum(each.amount for each in request.schedule) == 640
    assert len(request.schedule) == 3


@pytest.mark.parametrize("language", OWED)
async def test_a_request_given_up_leaves_nothing(house: House, language: str) -> None:
    phone = house.phone("sms", "+212600000005")
    await talk(phone, DEFERRAL[language], "1", CANCEL[language])

    assert await requests(house) == []
    async with house.service.database.reading() as session:
        assert list(await session.scalars(select(Audit).where(Audit.action.startswith("request")))) == []
