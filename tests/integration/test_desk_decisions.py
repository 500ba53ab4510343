"""Requests at the desk: found in lists, read in full, granted and refused in the words that the customer gets."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from desk_room import Person, Room, shown
from sqlalchemy import func, select, update
from stage import KNOWN, Stage

from store.database import Database
from store.desk_models import Role
from store.models import (
    Bill,
    Contract,
    Conversation,
    LedgerEntry,
    Request,
    RequestBill,
    RequestKind,
    RequestState,
)
from store.requests import Filing, change, file, propose, request_by_reference

DEBT = Decimal("120.35")
ASKED = ((date(2026, 12, 15), DEBT),)


@pytest.fixture
async def room(database: Database) -> Room:
    await Stage(database, assistant=None).furnish()
    return Room(database)


async def filed(
    room: Room,
    kind: RequestKind = RequestKind.DEFERRAL,
    payments: Sequence[tuple[date, Decimal]] = ASKED,
    *,
    language: str = "fr",
    on_contract: bool = True,
    due_on: date | None = date(2026, 11, 26),
    **details: Any,
) -> str:
    """A request of the customer's, and its reference."""
    async with room.database.writing() as session:
        contract = (await session.scalars(select(Contract))).one()
        conversation = await session.scalar(select(Conversation))
        if conversation is None:
            conversation = Conversation(channel="whatsapp", address=KNOWN, created_at=room.now)
            session.add(conversation)
        conversation.language = language
        await session.flush()
        filing = Filing(
            kind,
            f"conversation:{conversation.id}",
            room.now,
            contract.id if on_contract else None,
            conversation.id,
            details=details,
            due_on=due_on,
        )
        request = await file(session, filing)
        if kind in (RequestKind.DEFERRAL, RequestKind.INSTALMENTS):
            bill = (await session.scalars(select(Bill))).one()
            request.bills = [RequestBill(bill_id=bill.id, amount=bill.total)]
            propose(request, payments)
        return request.reference


async def request_of(room: Room, reference: str) -> Request:
    async with room.database.reading() as session:
        found = await request_by_reference(session, reference)
        assert found is not None
        return found


def at(reference: str, what: str = "") -> str:
    return f"/desk/decisions/{reference}{what}"


def rows(*payments: tuple[str, str]) -> dict[str, Any]:
    return {"rows": "1", "day": [day for day, _ in payments], "amount": [amount for _, amount in payments]}


async def seen(person: Person, reference: str) -> str:
    """The version of the request that a person has on their page."""
    page = (await person.get(at(reference))).text
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


# --- lists --------------------------------------------------------------------------------------------------


async def test_a_list_shows_what_waits_the_first_due_first_and_counts_it(room: Room) -> None:
    later = await filed(room, due_on=date(2026, 11, 30))
    late = await filed(room, due_on=date(2026, 11, 20))
    complaint = await filed(room, RequestKind.COMPLAINT, due_on=None, category="meter", words=["Il tourne trop vite"])
    amina = await room.person()

    page = (await amina.get("/desk/decisions")).text

    assert [page.index(each) for each in (late, later, complaint)] == sorted(
        page.index(each) for each in (late, later, complaint)
    )
    said = shown(page)
    assert "Toutes les demandes 3 1 en retard" in said
    assert "Délais 2 1 en retard" in said
    assert "Réclamations 1" in said
    assert "En retard : prévu le 20/11/2026" in said
    assert "Client Fictif" not in said  # no names in lists


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"deferral", "late", "stranger"}),
        ("?kind=deferral", {"deferral", "late"}),
        ("?kind=complaint", {"stranger"}),
        ("?late=1", {"late"}),
        ("?commune=Sal%C3%A9", {"deferral", "late"}),
        ("?commune=Ifrane", {"stranger"}),
        ("?text=1000", {"deferral", "late"}),
        ("?text=2000", set()),
        ("?stand=refused", {"refused"}),
        ("?stand=all", {"deferral", "late", "stranger", "refused"}),
        ("?stand=nonsense&page=-3&kind=x", {"deferral", "late", "stranger"}),
        ("?page=999999999999999999999", {"deferral", "late", "stranger"}),
        ("?page=999999999", set()),
        ("?text=%00%27%3B--", set()),
    ],
)
async def test_filters(room: Room, query: str, expected: set[str]) -> None:
    references = {
        "deferral": await filed(room),
        "late": await filed(room, due_on=date(2026, 11, 20)),
        "stranger": await filed(room, RequestKind.COMPLAINT, on_contract=False, commune="Ifrane", words=["x"]),
        "refused": await filed(room, RequestKind.KWH_ADVANCE, kwh="20"),
    }
    async with room.database.writing() as session:
        request = await request_by_reference(session, references["refused"], hold=True)
        assert request is not None
        await change(session, request, RequestState.REFUSED, actor="user:amina", now=room.now)
    amina = await room.person()

    page = (await amina.get(f"/desk/decisions{query}")).text

    assert {name for name, reference in references.items() if reference in page} == expected


async def test_a_reference_leads_to_its_request_however_it_is_typed(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.get(f"/desk/decisions?text={reference.lower().replace('-', '%20')}")

    assert (answer.status_code, answer.headers["location"]) == (303, at(reference))


async def test_fifty_to_a_page(room: Room) -> None:
    for _ in range(52):
        await filed(room, RequestKind.COMPLAINT, words=["x"])
    amina = await room.person()

    first, second = [(await amina.get(f"/desk/decisions?page={page}")).text for page in (1, 2)]

    assert first.count("decision-row") == 50
    assert second.count("decision-row") == 2
    assert "52 demandes" in shown(first)


async def test_others_see_who_looks_at_a_request(room: Room) -> None:
    reference = await filed(room)
    amina, brahim = await room.person("Amina"), await room.person("Brahim")

    answer = await amina.post(at(reference, "/review"), seen=await seen(amina, reference))

    assert answer.status_code == 303
    assert "À l’étude par Amina" in shown((await brahim.get("/desk/decisions")).text)
    assert [each.response for each in await room.notices()] == ["utter_request_under_review_until"]


# --- one request --------------------------------------------------------------------------------------------


async def test_a_request_is_shown_whole(room: Room) -> None:
    broken = await filed(room, RequestKind.INSTALMENTS, [(date(2026, 11, 1), Decimal("60.35"))])
    async with room.database.writing() as session:
        request = await request_by_reference(session, broken, hold=True)
        assert request is not None
        for state in (RequestState.GRANTED, RequestState.BROKEN):
            await change(session, request, state, actor="deadlines", now=room.now)
    reference = await filed(room, reason="J'ai perdu mon travail", added=["Et ma femme aussi"])
    async with room.database.writing() as session:
        await session.execute(update(Bill).values(paid=Decimal("20.35")))
    amina = await room.person()

    said = shown((await amina.get(at(reference))).text)

    for expected in (
        "Client Fictif",
        "10000001",
        "J'ai perdu mon travail",
        "Et ma femme aussi",
        "120,35 DH 100,00 DH",  # open then, open now
        broken,
        "Non tenue",
        "Demande reçue · Le client",
        "Le client recevra (Français, WhatsApp) :",
        "accordée, sans frais",
    ):
        assert expected in said


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        (RequestKind.KWH_ADVANCE, {"kwh": "12.50"}, ["12,5 kWh"]),
        (
            RequestKind.RECHARGE_VISIT,
            {"commune": "Salé", "place": "près du four", "phone": "+212600000001"},
            ["près du four", "+212600000001"],
        ),
        (
            RequestKind.SUBSCRIPTION,
            {"utilities": ["water"], "connection": "new", "premises": "home", "documents": ["identity"]},
            ["Eau", "Nouveau branchement", "Logement", "Pièces à présenter pièce d'identité"],
        ),
        (
            RequestKind.COMPLAINT,
            {
                "category": "bill",
                "bill": "F1",
                "period": {"start": "2026-09-01", "end": "2026-09-30"},
                "basis": "estimated",
                "total": "640.00",
                "difference": "40.00",
                "effects": [{"code": "taxes", "amount": "4.00"}],
                "words": ["trop chère !"],
            },
            ["Facture", "01/09/2026 – 30/09/2026", "Estimée", "640,00 DH", "Taxes : 4,00 DH", "trop chère !"],
        ),
        (RequestKind.OUTAGE, {"trouble": "cut", "scope": "street", "since": "hier soir"}, ["Coupure", "hier soir"]),
        (RequestKind.RECTIFICATION, {"words": "Mon nom s'écrit Idrissi"}, ["Mon nom s'écrit Idrissi"]),
        (RequestKind.ERASURE, {}, ["Effacement de données personnelles"]),
    ],
)
async def test_what_was_said_is_in_words(
    room: Room, kind: RequestKind, details: dict[str, Any], expected: list[str]
) -> None:
    reference = await filed(room, kind, **details)
    amina = await room.person()

    page = (await amina.get(at(reference))).text

    for each in expected:
        assert each in shown(page)
    assert "{'" not in page


async def test_opening_a_request_is_in_the_audit_once_an_hour(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()

    for minutes in (0, 10, 20, 45):
        room.now += timedelta(minutes=minutes)
        await amina.get(at(reference))

    noted = await room.audited("customer.viewed")
    assert [(each.actor, each.subject) for each in noted] == [(amina.actor, "contract:10000001")] * 2


async def test_a_script_and_a_right_to_left_override_in_what_was_said_do_nothing(room: Room) -> None:
    reference = await filed(room, reason="<script>alert(1)</script>\u202egnihton")
    amina = await room.person()

    page = (await amina.get(at(reference))).text

    assert "<script>alert" not in page
    assert '<bdi dir="auto">&lt;script&gt;' in page


@pytest.mark.parametrize("path", ["D-0000000000", "nonsense", "D-4821370568/grant/x", "readings/R-0000000000"])
async def test_what_does_not_exist_is_not_found(room: Room, path: str) -> None:
    amina = await room.person()

    assert (await amina.get(f"/desk/decisions/{path}")).status_code == 404


async def test_administrators_see_no_requests(room: Room) -> None:
    reference = await filed(room)
    chief = await room.person(role=Role.ADMINISTRATOR)

    answers = [await chief.get(path) for path in ("/desk/decisions", at(reference), "/desk/decisions/readings")]
    answers.append(await chief.post(at(reference, "/grant")))

    assert {answer.status_code for answer in answers} == {403}
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


async def test_a_decision_without_the_token_of_its_form_is_refused(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.post(at(reference, "/refuse"), csrf="x", own="non")

    assert answer.status_code == 403
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


# --- granting -----------------------------------------------------------------------------------------------


async def test_what_the_customer_proposed_is_granted_as_it_is(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.post(
        at(reference, "/grant"),
        seen=await seen(amina, reference),
        grant_reason="Bon courage.",
        **rows(("2026-12-15", "120,35")),
    )

    assert answer.status_code == 303
    assert (await request_of(room, reference)).state is RequestState.GRANTED
    (noted,) = await room.audited("request.granted")
    assert (noted.actor, noted.details["reason"]) == (amina.actor, "Bon courage.")
    (news,) = await room.notices()
    assert news.response == "utter_request_granted_schedule_because"
    assert await room.audited("request.revised") == []
    assert "est prévenu" in shown((await amina.get(at(reference))).text)


async def test_another_schedule_within_the_policy_takes_its_place(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.post(at(reference, "/grant"), **rows(("18/12/2026", "١٢٠٫٣٥")))

    assert answer.status_code == 303
    request = await request_of(room, reference)
    assert [(each.due_on, each.amount) for each in request.schedule] == [(date(2026, 12, 18), DEBT)]
    assert "Avant : 15/12/2026 : 120,35 DH" in shown((await amina.get(at(reference))).text)


@pytest.mark.parametrize(
    ("payments", "said"),
    [
        ([("2026-12-15", "100,00")], "Il manque 20,35 DH pour couvrir ce qui est dû."),
        ([("2026-12-15", "130,35")], "C’est 10,00 DH de plus que ce qui est dû."),
        ([("2026-12-12", "120,35")], "Ce n’est pas un jour ouvrable ; le suivant est le 14/12/2026."),
        ([("2026-11-20", "120,35")], "Ce jour est passé ; le premier possible est le 23/11/2026."),
        ([("2027-03-15", "120,35")], "La règle permet le 23/12/2026 au plus tard. (au-delà de la règle)"),
        ([("2026-12-14", "60,35"), ("2026-12-15", "60,00")], "La règle permet 1 paiements au plus."),
        ([("demain", "120,35")], "Donnez un jour, par exemple 15/12/2026."),
        ([("2026-12-15", "<b>")], "Donnez un montant en dirhams"),
        ([("2026-12-15", "NaN")], "Donnez un montant en dirhams"),
        ([("2026-12-15", "-120,35")], "Donnez un montant en dirhams"),
        ([("2026-12-15", "1e9")], "Donnez un montant en dirhams"),
        ([], "Il n’y a aucun paiement."),
    ],
)
async def test_payments_that_cannot_be_come_back_with_what_to_put_right(
    room: Room, payments: list[tuple[str, str]], said: str
) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.post(at(reference, "/grant"), grant_reason="Bon courage.", **rows(*payments))

    assert answer.status_code == 422
    assert said in shown(answer.text)
    assert "Bon courage." in answer.text
    for _, amount in payments:
        assert f'value="{html.escape(amount)}"' in answer.text
    request = await request_of(room, reference)
    assert (request.state, [each.due_on for each in request.schedule]) == (
        RequestState.RECEIVED,
        [date(2026, 12, 15)],
    )
    assert await room.notices() == []


@pytest.mark.parametrize(
    ("role", "why", "status", "said"),
    [
        (Role.AGENT, "Hospitalisé", 422, "Seul un superviseur peut aller au-delà de la règle."),
        (Role.SUPERVISOR, "", 422, "Dites pourquoi la règle est dépassée"),
        (Role.SUPERVISOR, "Hospitalisé", 303, None),
    ],
)
async def test_only_supervisors_go_beyond_the_policy_and_say_why(
    room: Room, role: Role, why: str, status: int, said: str | None
) -> None:
    reference = await filed(room)
    person = await room.person(role=role)

    answer = await person.post(at(reference, "/grant"), beyond="1", why=why, **rows(("2027-03-15", "120,35")))

    assert answer.status_code == status
    if said is not None:
        assert said in shown(answer.text)
        assert (await request_of(room, reference)).state is RequestState.RECEIVED
        return
    (noted,) = await room.audited("request.beyond_policy")
    assert noted.details == {"flaws": ["date_too_far"], "why": "Hospitalisé"}
    page = shown((await person.get(at(reference))).text)
    assert "Accordée au-delà de la règle" in page
    assert (await request_of(room, reference)).state is RequestState.GRANTED


async def test_no_one_goes_beyond_what_is_possible(room: Room) -> None:
    reference = await filed(room)
    chief = await room.person(role=Role.SUPERVISOR)

    answer = await chief.post(at(reference, "/grant"), beyond="1", why="x", **rows(("2026-12-15", "100,00")))

    assert answer.status_code == 422
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


@pytest.mark.parametrize(
    ("do", "days"),
    [
        ("add", ["2026-12-01", "2026-12-15", ""]),
        ("remove-1", ["2026-12-15"]),
        ("remove-9", ["2026-12-01", "2026-12-15"]),
        ("remove-0", ["2026-12-01", "2026-12-15"]),
        ("proposed", ["2026-12-15"]),
        ("", ["2026-12-01", "2026-12-15"]),
    ],
)
async def test_rows_are_added_and_removed_while_nothing_is_decided(room: Room, do: str, days: list[str]) -> None:
    reference = await filed(room)
    amina = await room.person()

    typed = rows(("2026-12-01", "60,35"), ("2026-12-15", "50"))
    answer = await amina.post(at(reference, "/draft"), do=do, **typed)

    assert answer.status_code == 200
    assert re.findall(r'name="day" value="([^"]*)"', answer.text) == days
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


async def test_the_total_is_held_against_the_debt_and_the_customers_words_follow(room: Room) -> None:
    reference = await filed(room, language="ar")
    amina = await room.person()

    answer = await amina.post(
        at(reference, "/draft"), grant_reason="بالتوفيق", **rows(("2026-12-18", "100,00"), ("2026-12-21", "20,35"))
    )

    said = shown(answer.text)
    assert "120,35 DH sur 120,35 DH dus maintenant" in said
    assert "بالتوفيق" in said
    assert 'lang="ar"' in answer.text
    assert "18/12/2026" in said


async def test_paid_meanwhile_asks_for_another_schedule(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()
    async with room.database.writing() as session:
        await session.execute(update(Bill).values(paid=Decimal("20.00")))

    answer = await amina.post(at(reference, "/grant"), **rows(("2026-12-15", "120,35")))

    assert answer.status_code == 422
    assert "C’est 20,00 DH de plus que ce qui est dû." in shown(answer.text)


async def test_a_complaint_is_dealt_with_and_an_advance_is_in_the_ledger(room: Room) -> None:
    complaint = await filed(room, RequestKind.COMPLAINT, words=["x"])
    advance = await filed(room, RequestKind.KWH_ADVANCE, kwh="20")
    amina = await room.person()

    for reference in (complaint, advance):
        assert (await amina.post(at(reference, "/grant"))).status_code == 303

    assert [each.response for each in await room.notices()] == ["utter_request_dealt_with", "utter_request_granted"]
    async with room.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(LedgerEntry)) == 1


async def test_an_advance_without_its_kwh_is_said_rather_than_failed(room: Room) -> None:
    reference = await filed(room, RequestKind.KWH_ADVANCE)
    amina = await room.person()

    answer = await amina.post(at(reference, "/grant"))

    assert answer.status_code == 422
    assert "ne dit pas combien de kWh" in shown(answer.text)
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


# --- refusing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "form", "reason"),
    [
        ("fr", {"own": "Un délai est déjà en cours."}, "Un délai est déjà en cours."),
        ("fr", {"ready": "too_long"}, "Le délai demandé est plus long que ce que nous pouvons accorder."),
        ("en", {"ready": "paid", "own": "Thank you."}, "The bill is already paid. Thank you."),
        ("ar", {"ready": "paid"}, "الفاتورة مؤداة من قبل."),
    ],
)
async def test_a_refusal_gives_its_reason_in_the_customers_language(
    room: Room, language: str, form: dict[str, str], reason: str
) -> None:
    reference = await filed(room, language=language)
    amina = await room.person()
    told = shown((await amina.post(at(reference, "/draft"), **form)).text)

    answer = await amina.post(at(reference, "/refuse"), **form)

    assert answer.status_code == 303
    assert (await request_of(room, reference)).reason == reason
    (news,) = await room.notices()
    assert news.response == "utter_request_refused_because"
    assert news.params["reason"] == reason
    assert reason in told  # as it was shown before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"own": " \n"}, "Choisissez un motif"),
        ({"ready": "not one of these"}, "Choisissez un motif"),
        ({"own": "x" * 301}, "Un motif a 300 caractères au plus ; celui-ci en a 301."),
    ],
)
async def test_refusing_needs_a_reason_that_fits_and_what_was_written_stays(
    room: Room, form: dict[str, str], said: str
) -> None:
    reference = await filed(room)
    amina = await room.person()

    answer = await amina.post(at(reference, "/refuse"), **form)

    assert answer.status_code == 422
    assert said in shown(answer.text)
    assert form.get("own", "").strip() in answer.text
    assert (await request_of(room, reference)).state is RequestState.RECEIVED


# --- two at once --------------------------------------------------------------------------------------------


async def test_who_decides_second_is_told_who_was_first_and_what_they_decided(room: Room) -> None:
    reference = await filed(room)
    amina, brahim = await room.person("Amina"), await room.person("Brahim")
    both = await seen(amina, reference), await seen(brahim, reference)

    first = await amina.post(at(reference, "/grant"), seen=both[0], **rows(("2026-12-15", "120,35")))
    second = await brahim.post(at(reference, "/refuse"), seen=both[1], own="Trop de délais déjà.")

    assert (first.status_code, second.status_code) == (303, 409)
    said = shown(second.text)
    assert "Amina l’a accordée, ou traitée, le 23/11/2026" in said
    assert "Votre décision n’a pas été enregistrée." in said
    assert "Trop de délais déjà." in said
    assert (await request_of(room, reference)).state is RequestState.GRANTED
    assert len(await room.notices()) == 1


async def test_two_decisions_at_the_same_moment_make_one(room: Room) -> None:
    reference = await filed(room)
    people = [await room.person(name) for name in ("Amina", "Brahim")]

    answers = await asyncio.gather(*(person.post(at(reference, "/refuse"), own="Non.") for person in people))

    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert len(await room.audited("request.refused")) == 1
    assert len(await room.notices()) == 1


async def test_a_request_that_somebody_took_up_meanwhile_meanwhile_is_read_again_first(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person()
    before = await seen(amina, reference)
    room.now += timedelta(minutes=5)
    async with room.database.writing() as session:
        request = await request_by_reference(session, reference, hold=True)
        assert request is not None
        await change(session, request, RequestState.UNDER_REVIEW, actor="user:brahim", now=room.now)

    answer = await amina.post(at(reference, "/grant"), seen=before, **rows(("2026-12-15", "120,35")))

    assert answer.status_code == 409
    assert "brahim l’a prise à l’étude" in shown(answer.text)
    again = await amina.post(
        at(reference, "/grant"), seen=await seen(amina, reference), **rows(("2026-12-15", "120,35"))
    )
    assert again.status_code == 303


async def test_nobody_is_told_where_nobody_can_be(room: Room) -> None:
    reference = await filed(room)
    async with room.database.writing() as session:
        await session.execute(update(Conversation).values(opted_out_at=room.now))
    amina = await room.person()

    assert "Ce client ne veut pas de messages" in shown((await amina.get(at(reference))).text)


async def test_the_arabic_interface_shows_the_same_request(room: Room) -> None:
    reference = await filed(room)
    amina = await room.person(language="ar")

    page = await amina.get(at(reference))

    assert page.status_code == 200
    assert 'dir="rtl"' in page.text
