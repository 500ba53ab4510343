"""Requests from end to end: five languages, three channels, with questions, changes of mind and news in between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from house import House, Phone, open_house
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bot.clock import system_clock
from bot.commands.request_record import terms_of
from store.decisions import grant
from store.models import Audit, Request, RequestKind, RequestState
from store.payments import Report, record_payment
from store.requests import request_by_reference
from store.supplies import contract_by_number

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
    """What was asked for in a conversation; the demo's customers have older requests."""
    async with house.service.database.reading() as session:
        query = select(Request).where(Request.conversation_id.is_not(None)).options(selectinload(Request.schedule))
        return list(await session.scalars(query.order_by(Request.id)))


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


WISHES = {
    RequestKind.RECHARGE_VISIT: {
        "fr": "envoyez-nous l'équipe de recharge",
        "ar": "أرسلوا إلينا فريق التعبئة",
        "ary": "صيفطو لينا الفرقة ديال الروشارج",
        "ary-Latn": "sifto lina lfer9a dyal recharge",
        "en": "please send the recharge team to our village",
    },
    RequestKind.KWH_ADVANCE: {
        "fr": "je voudrais une avance de kWh",
        "ar": "أريد تسبيقا من الكيلوواط ساعة",
        "ary": "بغيت تسبيق ديال الكيلوات",
        "ary-Latn": "bghit tasbi9 dyal kwh",
        "en": "I would like a kWh advance",
    },
    RequestKind.SUBSCRIPTION: {
        "fr": "je voudrais un abonnement électricité à Khénifra",
        "ar": "أريد اشتراكا جديدا في الكهرباء بخنيفرة",
        "ary": "بغيت نربط الضو لدار جديدة فخنيفرة",
        "ary-Latn": "bghit ndir abonnement jdid dyal do f khenifra",
        "en": "I want a new electricity connection in Khenifra",
    },
    RequestKind.OUTAGE: {
        "fr": "il n'y a plus de courant dans ma rue",
        "ar": "انقطع الكهرباء في حيي",
        "ary": "تقطع الضو فالدرب",
        "ary-Latn": "t9ta3 do f derb",
        "en": "there is a power cut in my street",
    },
    RequestKind.COMPLAINT: {
        "fr": "le releveur a été impoli, je veux me plaindre",
        "ar": "أريد تقديم شكاية بسبب سوء معاملة الموظف",
        "ary": "بغيت نتشكا، الموظف هضر معايا خايب",
        "ary-Latn": "bghit ndir chikaya, lmowaddaf hder m3aya khayb",
        "en": "I want to complain, the meter reader was rude",
    },
    RequestKind.ERASURE: {
        "fr": "effacez mes données",
        "ar": "احذفوا معطياتي الشخصية",
        "ary": "مسحو المعلومات ديالي",
        "ary-Latn": "ms7o lma3loumat dyali",
        "en": "delete my data",
    },
}
WHO = {
    RequestKind.RECHARGE_VISIT: "+212600000004",
    RequestKind.KWH_ADVANCE: "+212600000004",
    RequestKind.SUBSCRIPTION: "+212600000099",
}
IN_WORDS = ("12 rue des Roses", "Amina Test", "0612345678", "12 rue des Roses")
MOST_QUESTIONS = 9


async def until_reference(phone: Phone, wish: str, choice: str) -> str:
    """Take the same choice of each question that has choices, else answer in words; the receipt."""
    words = iter(IN_WORDS)
    reply = await talk(phone, wish)
    for _ in range(MOST_QUESTIONS):
        if REFERENCE.search(reply):
            return reply
        choices = (await phone.screen())[-1]["buttons"]
        reply = await phone.says(choice if choices else next(words))
    raise AssertionError(f"no reference, only: {reply}")


@pytest.mark.parametrize("language", OWED)
@pytest.mark.parametrize("kind", WISHES)
async def test_every_other_request_ends_with_a_reference(house: House, kind: RequestKind, language: str) -> None:
    phone = house.phone("whatsapp", WHO.get(kind, "+212600000001"))
    # Only at one's own place it may be the breaker; at the neighbours' too it is a case.
    receipt = await until_reference(phone, WISHES[kind][language], "2" if kind is RequestKind.OUTAGE else "1")

    (request,) = await requests(house)
    assert request.kind is kind
    assert request.reference in receipt


WITHDRAW = {
    "fr": "je retire ma demande",
    "ar": "أسحب طلبي",
    "ary": "بغيت نسحب الطلب ديالي",
    "ary-Latn": "bghit ns7eb talab dyali",
    "en": "I withdraw my request",
}


@pytest.mark.parametrize("language", OWED)
async def test_a_request_is_withdrawn(house: House, language: str) -> None:
    phone = house.phone("whatsapp", "+212600000005")
    await talk(phone, DEFERRAL[language], "1", "1", "1")

    await talk(phone, WITHDRAW[language], "1")

    (request,) = await requests(house)
    assert request.state is RequestState.WITHDRAWN


async def test_a_decision_and_a_payment_reach_the_customer(house: House) -> None:
    phone = house.phone("whatsapp", "+212600000005")
    await talk(phone, DEFERRAL["fr"], "1", "1", "1")
    (request,) = await requests(house)
    operator, database = house.service.operator, house.service.database
    now = system_clock()

    async with database.writing() as session:
        held = await request_by_reference(session, request.reference, hold=True)
        assert held is not None
        await grant(session, held, "user:amina", now, terms=terms_of(operator))
    granted = await phone.reply()
    async with database.writing() as session:
        contract = await contract_by_number(session, "10000005")
        assert contract is not None
        await record_payment(session, contract, Report("PAY-1", Decimal("640.00"), now), "key:till", now)
    paid = await phone.reply()

    assert request.reference in granted
    assert "640,00 DH" in granted
    assert request.reference in paid
    (request,) = await requests(house)
    assert request.state is RequestState.KEPT
