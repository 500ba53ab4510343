"""No credit left: where to recharge, the team that comes, kWh in advance, and what of them is still owed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from stage import KNOWN, STRANGER, Stage

from billing.reference import parse_reference
from bot.channels.carrier import Channel, Kind
from bot.channels.gsm import parts, transliterate
from bot.channels.text import numbered
from store.models import (
    Contract,
    Customer,
    LedgerEntry,
    LedgerKind,
    Place,
    PlaceKind,
    Request,
    RequestKind,
    RequestState,
    Round,
)

PREPAID = "+212600000004"


@pytest_asyncio.fixture
async def prepaid(stage: Stage) -> Stage:
    """A prepaid household of modest income in Salé, two recharge points, and a round on Thursday."""
    await stage.contract("10000004", "electricity", ("total",), phone=PREPAID, billing="prepaid")
    async with stage.database.writing() as session:
        holder = select(Contract.customer_id).where(Contract.number == "10000004").scalar_subquery()
        await session.execute(update(Customer).where(Customer.id == holder).values(modest_income=True))
        for commune, name in (("Salé", "Épicerie du Souk"), ("Salé", "Tabac Central"), ("Azilal", "Chez Exemple")):
            session.add(
                Place(
                    kind=PlaceKind.RECHARGE_POINT, commune=commune, name=name, address="rue Fictive", hours="8h-20h"
                )
            )
        session.add(
            Round(
                commune="Salé",
                place="Place du souk",
                starts_at=datetime(2026, 11, 26, 8, 0, tzinfo=UTC),
                ends_at=datetime(2026, 11, 26, 11, 0, tzinfo=UTC),
            )
        )
    return stage


async def requests(stage: Stage) -> list[Request]:
    async with stage.database.reading() as session:
        return list(await session.scalars(select(Request).order_by(Request.id)))


async def enter(stage: Stage, days_ago: int, kind: LedgerKind, kwh: str, bought: str | None = None) -> None:
    async with stage.database.writing() as session:
        contract_id = await session.scalar(select(Contract.id).where(Contract.number == "10000004"))
        session.add(
            LedgerEntry(
                contract_id=contract_id,
                at=stage.now - timedelta(days=days_ago),
                kind=kind,
                kwh=Decimal(kwh),
                bought=None if bought is None else Decimal(bought),
                reference=f"{kind}-{days_ago}",
            )
        )


def reference_in(reply: str) -> str:
    found = re.search(r"[VK]-\d{10}", reply)
    assert found is not None, reply
    assert parse_reference(found[0]) == found[0]
    return found[0]


# --- where to recharge


@pytest.mark.parametrize(
    "text",
    [
        "où je peux recharger ma carte",
        "أين أشحن العداد؟",
        "فين نشارجي الكونتور",
        "fin nrechargi lcompteur",
        "where can i top up",
    ],
)
async def test_a_known_customer_is_told_of_their_own_commune_in_every_language(prepaid: Stage, text: str) -> None:
    reply = await prepaid.write(text, phone=PREPAID)
    assert "Tabac Central" in reply
    assert "26/11/2026" in reply
    assert "09:00" in reply
    assert "12:00" in reply


async def test_the_team_that_is_there_now_is_said_to_be(prepaid: Stage) -> None:
    prepaid.now = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    reply = await prepaid.write("le camion de recharge passe quand", phone=PREPAID)
    assert "Équipe mobile en ce moment : Place du souk, jusqu'à 12:00" in reply


async def test_two_recharge_points_are_told_where_there_is_room(prepaid: Stage) -> None:
    reply = await prepaid.write("où recharger", phone=PREPAID, channel=Channel.WHATSAPP)
    assert "Épicerie du Souk, rue Fictive (8h-20h)" in reply
    assert "Tabac Central, rue Fictive (8h-20h)" in reply
    assert "Équipe mobile : Place du souk, le 26/11/2026 de 09:00 à 12:00" in reply


async def test_another_commune_may_be_named(prepaid: Stage) -> None:
    reply = await prepaid.write("y a-t-il un point de recharge à Azilal", phone=PREPAID)
    assert "Chez Exemple" in reply
    assert "Souk" not in reply


async def test_a_stranger_is_asked_for_the_commune_and_told_of_it(prepaid: Stage) -> None:
    assert "Dans quelle commune" in await prepaid.write("où recharger", phone=STRANGER)
    assert "Chez Exemple" in await prepaid.write("Azilal", phone=STRANGER)


async def test_a_stranger_whose_commune_is_unknown_gets_the_telephone(prepaid: Stage) -> None:
    await prepaid.write("où recharger", phone=STRANGER)
    assert "Je ne connais pas cette commune" in await prepaid.write("Atlantide", phone=STRANGER)
    assert "080 200 77 77" in await prepaid.write("Atlantide", phone=STRANGER)


async def test_a_commune_without_anything_gets_the_team_or_the_telephone(prepaid: Stage) -> None:
    reply = await prepaid.write("point de recharge à Ifrane", phone=STRANGER)
    assert "Je ne connais ni point de recharge ni passage" in reply
    assert "080 200 77 77" in reply


async def test_someone_who_pays_by_bill_has_perhaps_a_cut(prepaid: Stage) -> None:
    reply = await prepaid.write("où je peux recharger ma carte", phone=KNOWN)
    assert "sur facture" in reply
    assert "coupure" in reply
    assert await requests(prepaid) == []


async def test_a_reading_half_given_goes_on_after_the_answer(prepaid: Stage) -> None:
    assert "Quel est l'index" in await prepaid.write("je veux donner mon index", phone=KNOWN)
    reply = await prepaid.write("y a-t-il un point de recharge à Azilal", phone=KNOWN)
    assert "Chez Exemple" in reply
    assert "Quel est l'index" in reply


@pytest.mark.parametrize("text", ["où recharger", "أين أشحن العداد؟", "فين نشارجي الكونتور"])
async def test_the_answer_and_its_choices_fit_two_text_messages(prepaid: Stage, text: str) -> None:
    reply = await prepaid.write(text, phone=PREPAID)
    offered = (await prepaid.conversation(PREPAID)).offered or {}
    titles = [title for title, _ in offered["buttons"]]
    assert len(titles) == 2
    assert parts(transliterate("\n".join([reply, numbered(titles)]))) <= 2
    assert "Place du souk" in reply


# --- the team that comes


async def test_the_team_is_one_button_away(prepaid: Stage) -> None:
    await prepaid.write("où recharger", phone=PREPAID, channel=Channel.WHATSAPP)
    assert "Où l'équipe doit-elle venir dans Salé" in await prepaid.press(1, phone=PREPAID)


async def test_the_team_is_asked_for_with_a_place_and_a_reference(prepaid: Stage) -> None:
    assert "Où l'équipe doit-elle venir dans Salé" in await prepaid.write(
        "envoyez l'équipe de recharge", phone=PREPAID
    )
    reply = await prepaid.write("douar Aït Exemple, après le château d'eau", phone=PREPAID)
    assert "douar Aït Exemple, après le château d'eau" in reply.replace("chateau", "château")
    assert f"Téléphone : {PREPAID}" in reply
    reply = await prepaid.write("oui", phone=PREPAID)
    [request] = await requests(prepaid)
    assert reference_in(reply) == request.reference
    assert request.kind is RequestKind.RECHARGE_VISIT
    assert request.details == {
        "commune": "Salé",
        "place": "douar Aït Exemple, après le château d'eau",
        "phone": PREPAID,
    }
    assert request.contract_id is not None


async def test_a_second_visit_gives_the_reference_that_stands(prepaid: Stage) -> None:
    await ask_for_the_team(prepaid)
    [request] = await requests(prepaid)
    reply = await prepaid.write("envoyez l'équipe de recharge", phone=PREPAID)
    assert request.reference in reply
    assert len(await requests(prepaid)) == 1


async def test_a_no_asks_for_the_place_again(prepaid: Stage) -> None:
    await prepaid.write("envoyez l'équipe de recharge", phone=PREPAID)
    await prepaid.write("douar Exemple", phone=PREPAID)
    assert "Où l'équipe doit-elle venir" in await prepaid.write("non", phone=PREPAID)
    assert "derb Mital" in await prepaid.write("derb Mital", phone=PREPAID)


async def test_a_stranger_on_telegram_gives_commune_place_and_phone(prepaid: Stage) -> None:
    async def say(text: str, **extra: Any) -> str:
        return await prepaid.write(text, phone="777", channel=Channel.TELEGRAM, **extra)

    assert "Dans quelle commune" in await say("envoyez l'équipe de recharge")
    assert "Où l'équipe" in await say("Azilal")
    assert "Quel numéro" in await say("près de la mosquée")
    assert "pas un numéro de téléphone" in await say("06 12")
    assert "+212612345678" in await say("06 12 34 56 78")
    await say("oui")
    [request] = await requests(prepaid)
    assert (request.contract_id, request.details["phone"]) == (None, "+212612345678")
    assert request.reference in await say("envoyez l'équipe de recharge")
    assert len(await requests(prepaid)) == 1


async def test_a_form_for_the_team_is_resumed_after_another_question(prepaid: Stage) -> None:
    await prepaid.write("envoyez l'équipe de recharge", phone=PREPAID)
    await prepaid.write("douar Exemple", phone=PREPAID)
    reply = await prepaid.write("où sont les points de recharge ?", phone=PREPAID)
    assert "Épicerie du Souk" in reply
    assert "Envoyer la demande ?" in reply


async def test_cancelled_half_way_nothing_is_filed(prepaid: Stage) -> None:
    await prepaid.write("envoyez l'équipe de recharge", phone=PREPAID)
    await prepaid.write("ANNULER", phone=PREPAID)
    assert await requests(prepaid) == []


async def ask_for_the_team(stage: Stage) -> None:
    for text in ("envoyez l'équipe de recharge", "douar Exemple", "oui"):
        await stage.write(text, phone=PREPAID)


# --- kWh in advance


@pytest.mark.parametrize(
    "text",
    [
        "je veux une avance de kwh",
        "أريد سلفة كيلوواط",
        "بغيت تسبيق ديال الكيلوواط",
        "bghit avance dyal kwh",
        "i want a kwh advance",
    ],
)
async def test_an_advance_is_shown_confirmed_and_filed_in_every_language(prepaid: Stage, text: str) -> None:
    reply = await prepaid.write(text, phone=PREPAID)
    assert "20 kWh" in reply
    assert "25" in reply
    assert "10000004" in reply
    reply = await prepaid.write("1", phone=PREPAID)
    [request] = await requests(prepaid)
    assert reference_in(reply) == request.reference
    assert (request.kind, request.state) == (RequestKind.KWH_ADVANCE, RequestState.RECEIVED)
    assert request.details == {"kwh": "20"}
    assert "26/11/2026" in reply  # three working days


async def test_nothing_is_filed_without_a_yes(prepaid: Stage) -> None:
    await prepaid.write("je veux une avance de kwh", phone=PREPAID)
    assert "rien n'est envoyé" in await prepaid.write("non", phone=PREPAID)
    assert await requests(prepaid) == []


async def test_a_second_advance_gives_the_reference_that_stands(prepaid: Stage) -> None:
    for text in ("je veux une avance de kwh", "oui"):
        await prepaid.write(text, phone=PREPAID)
    [request] = await requests(prepaid)
    assert request.reference in await prepaid.write("je veux une avance de kwh", phone=PREPAID)


async def test_who_is_not_on_the_list_is_told_whom_to_ask(prepaid: Stage) -> None:
    async with prepaid.database.writing() as session:
        await session.execute(update(Customer).values(modest_income=False))
    reply = await prepaid.write("je veux une avance de kwh", phone=PREPAID)
    assert "réservée aux foyers inscrits" in reply
    assert "conseiller" in reply
    assert await requests(prepaid) == []


async def test_who_pays_by_bill_is_offered_more_time(prepaid: Stage) -> None:
    reply = await prepaid.write("je veux une avance de kwh", phone=KNOWN)
    assert "compteurs prépayés" in reply
    assert "délai" in reply


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ([(60, "advance", "20"), (40, "advance", "20")], "après 20 kWh rendus"),
        ([(10, "advance", "20")], "à partir du 13/12/2026"),
        (
            [(60, "advance", "20"), (10, "advance", "12.5")],
            "après 12,5 kWh rendus par vos recharges, dès le 13/12/2026",
        ),
    ],
)
async def test_what_must_happen_before_another_advance_is_said(
    prepaid: Stage, ledger: list[tuple[int, str, str]], said: str
) -> None:
    for days_ago, kind, kwh in ledger:
        await enter(prepaid, days_ago, LedgerKind(kind), kwh)
    reply = await prepaid.write("je veux une avance de kwh", phone=PREPAID)
    assert said in reply
    assert await requests(prepaid) == []


# --- the ledger


async def test_what_is_still_owed_is_told_with_the_last_movements(prepaid: Stage) -> None:
    await enter(prepaid, 40, LedgerKind.ADVANCE, "20")
    await enter(prepaid, 10, LedgerKind.RECOVERY, "-7.5", "30")
    await enter(prepaid, 5, LedgerKind.RECOVERY, "0", "10")
    reply = await prepaid.write("combien il me reste à rembourser de l'avance de kwh", phone=PREPAID)
    assert "il reste 12,5 kWh" in reply
    assert "13/11/2026 : 7,5 kWh rendus sur une recharge de 30" in reply
    assert "14/10/2026 : avance de 20 kWh" in reply


async def test_without_an_advance_nothing_is_owed(prepaid: Stage) -> None:
    reply = await prepaid.write("combien il me reste à rembourser de l'avance de kwh", phone=PREPAID)
    assert "aucune avance de kWh" in reply


async def test_a_stranger_s_question_about_an_advance_needs_a_contract_first(prepaid: Stage) -> None:
    await enter(prepaid, 40, LedgerKind.ADVANCE, "20")
    reply = await prepaid.write("combien il me reste à rembourser de l'avance de kwh", phone=STRANGER)
    assert "numéro de contrat" in reply
    await prepaid.write("10000004", phone=STRANGER)
    assert "il reste 20 kWh" in await prepaid.write("120,35", phone=STRANGER)


async def test_a_shared_phone_tells_the_team_whom_to_call(prepaid: Stage) -> None:
    async def say(text: str, **extra: Any) -> str:
        return await prepaid.write(text, phone="778", channel=Channel.TELEGRAM, **extra)

    for text in ("envoyez l'équipe de recharge", "Azilal", "près de la mosquée"):
        await say(text)
    assert STRANGER in await say("", kind=Kind.CONTACT, contact_phone=STRANGER)
