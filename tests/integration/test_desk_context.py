"""The customer's file at the desk: who may see it, what it shows of whom, and what of that is in the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from conftest import Databases
from desk_files import NOW, FileRoom
from desk_room import Person
from sqlalchemy import event, select, update
from store_rows import DEMO_DAY

from store.access_log import note_view, viewed
from store.contract_files import files_of, requests_for_file
from store.database import Database
from store.demo import load
from store.desk_models import HandOver, Role
from store.models import (
    Bill,
    Contract,
    Customer,
    Identity,
    IdentityAttempt,
    Instalment,
    KnownOutage,
    Meter,
    Payment,
    Reading,
    Register,
    RegisteredPhone,
    Request,
)
from store.senders import sender_of

AMINA, BRAHIM, MALIKA, LAHCEN, NAIMA = (f"+21260000000{number}" for number in range(1, 6))
STRANGER = "+212600000099"
OVERRIDE = "\u202e"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def customers(databases: Databases) -> str:
    """The address of a database with the five customers of the documentation, without the demo's crowd."""
    url = await databases.migrated()
    database = Database(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.demo.loading.crowd", list)
        async with database.writing() as session:
            await load(session, DEMO_DAY)
    await database.close()
    return url


@pytest_asyncio.fixture
async def room(databases: Databases, customers: str) -> AsyncIterator[FileRoom]:
    url = await databases.copy_of(customers)
    room = FileRoom(Database(url))
    yield room
    await room.desk.attachments.close()
    await room.database.close()
    await databases.drop(url)


async def panel(room: FileRoom, conversation: int, agent: Person | None = None) -> str:
    response = await (agent or await room.agent()).get(f"/desk/conversations/{conversation}/context")
    assert response.status_code == 200
    return response.text


# --- who it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        (AMINA, ["Amina El Fanouss", "10000001", "Électricité, usage domestique", "1, rue des Exemples", "48100"]),
        (BRAHIM, ["Brahim Boubarrad", "Heures de pointe", "Heures creuses", "9,9 kW", "15420", "41380"]),
        (MALIKA, ["Malika Ben Mfateh", "10000003", "20000003", "Eau", "m³"]),
        (LAHCEN, ["Lahcen El Kersi", "Prépaiement", "Revenu modeste", "7,5 kWh", "Avance de kWh", "Place du souk"]),
        (NAIMA, ["Naïma Bousserjem", "640,00\xa0DH en retard", "Estimée", "en retard depuis le"]),
    ],
)
async def test_a_registered_phone_shows_its_customer(room: FileRoom, phone: str, shown: list[str]) -> None:
    text = (await panel(room, await room.conversation(phone))).replace("640,00 DH", "640,00\xa0DH")
    assert "Identifié" in text
    assert "Téléphone enregistré au contrat" in text
    assert [each for each in shown if each not in text] == []


async def test_of_a_stranger_no_contract_is_shown_only_the_way_to_open_one(room: FileRoom) -> None:
    text = await panel(room, await room.conversation(STRANGER))
    assert "Non identifié" in text
    assert 'name="number"' in text
    assert 'name="why"' in text
    assert "1000000" not in text


@pytest.mark.parametrize(
    ("verification", "words"),
    [
        ("shared_phone", "A partagé un téléphone enregistré au contrat"),
        ("bill_amount", "A donné le montant de la dernière facture"),
        ("code", "A donné le code envoyé au téléphone du contrat"),
    ],
)
async def test_how_somebody_proved_a_contract_is_told(room: FileRoom, verification: str, words: str) -> None:
    conversation = await room.conversation("810000001", "telegram")
    contract_id = await room.contract_id("10000001")
    await room.add(
        Identity(
            conversation_id=conversation, contract_id=contract_id, verification=verification, verified_at=room.now
        )
    )
    text = await panel(room, conversation)
    assert words in text
    assert "Amina El Fanouss" in text


async def test_missed_tries_at_a_proof_are_told(room: FileRoom) -> None:
    conversation = await room.conversation(STRANGER)
    for hours in (1, 2, 30):
        await room.add(
            IdentityAttempt(
                conversation_id=conversation, contract_number="10000001", at=room.now - timedelta(hours=hours)
            )
        )
    assert "2 essais d’identification manqués" in await panel(room, conversation)


async def test_no_conversation_no_file(room: FileRoom) -> None:
    response = await (await room.agent()).get("/desk/conversations/999/context")
    assert response.status_code == 404


async def test_who_wants_no_messages_is_marked(room: FileRoom) -> None:
    assert "N’en veut plus" in await panel(room, await room.conversation(AMINA, opted_out_at=room.now))


async def test_earlier_stays_and_other_conversations_are_there(room: FileRoom) -> None:
    conversation = await room.conversation(AMINA)
    by_sms = await room.conversation(AMINA, "sms", last_inbound_at=room.now)
    proved = await room.conversation("810000001", "telegram")
    strangers = await room.conversation(STRANGER, "sms")
    await room.add(
        Identity(
            conversation_id=proved,
            contract_id=await room.contract_id("10000001"),
            verification="code",
            verified_at=room.now,
        ),
        HandOver(
            conversation_id=conversation,
            reason="anger",
            priority="high",
            opened_at=room.now - timedelta(days=9),
            ended_at=room.now - timedelta(days=9),
            outcome="solved",
            summary="Facture expliquée",
            score=4,
        ),
        HandOver(conversation_id=conversation, reason="asked", priority="normal", opened_at=room.now),
    )
    text = await panel(room, conversation)
    assert [each for each in ("Mécontentement", "Résolu", "4 sur 5", "Facture expliquée") if each not in text] == []
    assert "A demandé un conseiller" not in text  # the one that is open is the page's, not the past
    assert f"/desk/conversations/{by_sms}" in text
    assert f"/desk/conversations/{proved}" in text
    assert f'/desk/conversations/{strangers}"' not in text


# --- what hangs on the contracts ------------------------------------------------------------------------------


async def register_of(room: FileRoom, number: str) -> int:
    async with room.database.reading() as session:
        query = select(Register.id).join(Meter).join(Contract).where(Contract.number == number)
        return (await session.scalars(query.order_by(Register.id))).first() or 0


async def test_a_doubted_reading_says_why_with_figures(room: FileRoom) -> None:
    await room.add(
        Reading(
            reference="R-0000000001",
            register_id=await register_of(room, "10000001"),
            value=48700,
            taken_on=DEMO_DAY - timedelta(days=1),
            received_at=room.now,
            source="customer",
            channel="sms",
            state="to_review",
            findings=["high"],
        )
    )
    text = await panel(room, await room.conversation(AMINA))
    assert "À vérifier" in text
    assert "600 kWh en 29 jours, alors qu’on en attendait" in text


async def test_estimated_periods_are_hatched_and_in_the_table(room: FileRoom) -> None:
    text = await panel(room, await room.conversation(AMINA))
    assert 'fill="url(#hatched-' in text
    assert text.count("<td>estimé</td>") == text.count('class="estimated"')


async def test_requests_payments_and_outages_are_there(room: FileRoom) -> None:
    contract_id = await room.contract_id("10000005")
    days = {name: DEMO_DAY + timedelta(days=number) for name, number in (("past", -10), ("next", 20))}
    await room.add(
        Request(
            reference="I-0000000001",
            kind="instalments",
            state="being_paid",
            contract_id=contract_id,
            created_at=room.now - timedelta(days=40),
            schedule=[
                Instalment(position=1, due_on=days["past"], amount=Decimal(300), paid=Decimal(100)),
                Instalment(position=2, due_on=days["next"], amount=Decimal(340), paid=Decimal(0)),
            ],
        ),
        Request(
            reference="C-0000000001",
            kind="complaint",
            state="granted",
            contract_id=contract_id,
            reason="Compteur changé",
            created_at=room.now - timedelta(days=80),
        ),
        Payment(
            reference="P-1",
            contract_id=contract_id,
            amount=Decimal("100.00"),
            unused=Decimal(0),
            paid_at=room.now - timedelta(days=8),
            method="cash_point",
            reported_at=room.now,
        ),
        KnownOutage(
            number="CUT-1",
            commune="Essaouira",
            utility="electricity",
            starts_at=room.now - timedelta(hours=1),
            expected_until=room.now + timedelta(hours=2),
        ),
        KnownOutage(number="CUT-2", commune="Essaouira", utility="water", starts_at=room.now, area="eau-seulement"),
    )
    text = await panel(room, await room.conversation(NAIMA))
    shown = (
        "/desk/decisions/I-0000000001",
        "En cours de paiement",
        "payé : 100,00",
        "en retard",
        "Traitée",
        "Compteur changé",
        "Point de paiement",
        "Coupure connue depuis le 15/01/2026 09:30, Essaouira.",
        "Retour prévu : 15/01/2026 12:30.",
    )
    assert [each for each in shown if each not in text] == []
    assert "eau-seulement" not in text


async def test_open_requests_stand_before_closed_ones_of_which_only_five_are_shown(room: FileRoom) -> None:
    contract_id = await room.contract_id("10000001")
    states = ["received", "refused", "kept", "withdrawn", "refused", "granted", "kept", "refused", "broken"]
    for number, state in enumerate(states):
        await room.add(
            Request(
                reference=f"D-000000000{number}",
                kind="deferral",
                state=state,
                contract_id=contract_id,
                created_at=room.now,
            )
        )
    async with room.database.reading() as session:
        found = await requests_for_file(session, [contract_id])
    assert [request.state.value for request in found[:3]] == ["broken", "granted", "received"]
    assert [request.reference[-1] for request in found[3:]] == ["7", "6", "4", "3", "2"]


@pytest.mark.parametrize("phone", [AMINA, MALIKA, LAHCEN])
async def test_the_number_of_statements_does_not_grow_with_what_there_is(room: FileRoom, phone: str) -> None:
    conversation = await room.conversation(phone)
    statements: list[str] = []
    engine = room.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    async with room.database.reading() as session:
        sender = await sender_of(session, conversation, NOW)
        assert sender is not None
        await files_of(session, sender.contracts, NOW)
        await requests_for_file(session, [contract.id for contract in sender.contracts], conversation)
    assert len(statements) <= 20


# --- what the assistant was told ------------------------------------------------------------------------------


async def test_what_the_customer_said_already_is_told(room: FileRoom) -> None:
    case = {"kind": "instalments", "step": "reason", "contract": "10000005", "parts": 3, "first": "200.00"}
    conversation = await room.conversation(NAIMA, dialogue={"loop": "case_form", "slots": {"case": case}})
    text = await panel(room, conversation)
    shown = ("Paiement en plusieurs fois", "Déjà dit à l’assistant", "Nombre de paiements", "200,00", "quelle raison")
    assert [each for each in shown if each not in text] == []


# --- harmless -------------------------------------------------------------------------------------------------


async def test_names_and_words_of_customers_are_only_text(room: FileRoom) -> None:
    wild = f"<script>alert(1)</script>{OVERRIDE}evil"
    async with room.database.writing() as session:
        await session.execute(update(Customer).where(Customer.name.like("Amina%")).values(name=wild))
        await session.execute(update(Contract).where(Contract.number == "10000001").values(address=wild))
    case = {"kind": "complaint", "step": "words", "words": [wild], "name": wild}
    conversation = await room.conversation(AMINA, dialogue={"loop": "case_form", "slots": {"case": case}})
    text = await panel(room, conversation)
    assert "<script>" not in text
    before = [text[:found].rsplit("<", 1)[1] for found in range(len(text)) if text.startswith(OVERRIDE, found)]
    assert before
    assert all(tag.startswith("bdi") for tag in before)


# --- it comes again -------------------------------------------------------------------------------------------


async def test_it_comes_again_only_when_it_changed(room: FileRoom) -> None:
    agent = await room.agent()
    conversation = await room.conversation(AMINA)
    first = await panel(room, conversation, agent)
    again = first.split('hx-get="', 1)[1].split('"', 1)[0]
    assert f"desk:conversation-{conversation} from:body" in first
    assert (await agent.get(again)).status_code == 204
    async with room.database.writing() as session:
        await session.execute(update(Bill).where(Bill.total > Decimal(0)).values(paid=Decimal(0)))
    changed = await agent.get(again)
    assert changed.status_code == 200
    assert again not in changed.text


async def test_in_arabic_it_runs_from_right_to_left(room: FileRoom) -> None:
    agent = await room.agent("Youssef", language="ar")
    response = await agent.get("/desk/contracts/10000002")
    assert 'dir="rtl"' in response.text
    text = await panel(room, await room.conversation(BRAHIM), agent)
    assert "درهم" in text
    assert "الكهرباء المنزلية" in text


# --- the audit ------------------------------------------------------------------------------------------------


async def test_a_look_is_in_the_audit_once_an_hour_for_each_who_looks(room: FileRoom) -> None:
    conversation = await room.conversation(MALIKA)
    amina, youssef = await room.agent("Amina"), await room.agent("Youssef")
    for agent in (amina, amina, youssef):
        await panel(room, conversation, agent)
    room.now += timedelta(minutes=61)
    await panel(room, conversation, await room.agent("Amina"))
    for subject in (f"conversation:{conversation}", "contract:10000003", "contract:20000003"):
        looks = await room.looks(subject)
        assert [look.actor for look in looks] == [amina.actor, youssef.actor, amina.actor]
    assert looks[0].details == {"conversation": conversation}


async def test_a_reason_is_always_noted(room: FileRoom) -> None:
    async with room.database.writing() as session:
        await viewed(session, "user:7", "contract:10000001", room.now)
        await viewed(session, "user:7", "contract:10000001", room.now, "le titulaire appelle")
    await note_view(room.database, "user:7", "contract:10000001", room.now)
    assert [look.details for look in await room.looks("contract:10000001")] == [{}, {"why": "le titulaire appelle"}]


# --- opening a contract by its number -------------------------------------------------------------------------


async def test_a_file_opens_for_a_reason_which_is_noted(room: FileRoom) -> None:
    agent = await room.agent()
    opened = await agent.post("/desk/contracts", number=" 1000 0001 ", why="le titulaire appelle")
    assert opened.status_code == 303
    assert opened.headers["location"] == "/desk/contracts/10000001"
    page = await agent.get("/desk/contracts/10000001")
    assert "Amina El Fanouss" in page.text
    [look] = await room.looks("contract:10000001")
    assert (look.actor, look.details) == (agent.actor, {"why": "le titulaire appelle"})


async def test_a_reason_that_no_database_can_hold_is_noted_as_far_as_it_can(room: FileRoom) -> None:
    agent = await room.agent()
    opened = await agent.post("/desk/contracts", number="10000001", why="le titulaire\0 appelle")
    assert opened.status_code == 303
    [look] = await room.looks("contract:10000001")
    assert look.details == {"why": "le titulaire\ufffd appelle"}


@pytest.mark.parametrize(
    ("number", "why", "said"),
    [
        ("", "le titulaire appelle", "Donnez le numéro du contrat."),
        ("10000001", "", "Dites en quelques mots pourquoi"),
        ("10000001", " ... 12345 ", "Dites en quelques mots pourquoi"),
        ("10000001", "a" * 201, "200 caractères au plus"),
        ("99999999", "le titulaire appelle", "Aucun contrat ne porte ce numéro."),
        ("<script>", "<b>gras</b>", "Aucun contrat ne porte ce numéro."),
    ],
)
async def test_what_is_wrong_with_the_form_is_said_and_nothing_typed_is_lost(
    room: FileRoom, number: str, why: str, said: str
) -> None:
    agent = await room.agent()
    response = await agent.post("/desk/contracts", number=number, why=why, conversation="1")
    assert response.status_code == 422
    assert said in response.text
    kept = (number.strip(), why.strip())
    assert [each for each in kept if each.replace("<", "&lt;").replace(">", "&gt;") not in response.text] == []
    assert await room.looks("contract:10000001") == []


@pytest.mark.parametrize("number", ["10000001", "99999999"])
async def test_without_a_reason_a_file_stays_closed_and_its_existence_untold(room: FileRoom, number: str) -> None:
    agent = await room.agent()
    response = await agent.get(f"/desk/contracts/{number}")
    assert response.status_code == 200
    assert 'name="why"' in response.text
    assert "Amina" not in response.text.replace("Amina</bdi></span></summary>", "")
    assert await room.looks(f"contract:{number}") == []
    for what in ("explanation", "copy", "picture"):
        assert (await agent.get(f"/desk/contracts/{number}/bills/{number}-024/{what}")).status_code == 403


@pytest.mark.parametrize(("name", "hours", "opens"), [("Amina", 7, True), ("Amina", 9, False), ("Youssef", 7, False)])
async def test_a_reason_holds_for_a_shift_of_who_gave_it(room: FileRoom, name: str, hours: int, opens: bool) -> None:
    await (await room.agent("Amina")).post("/desk/contracts", number="10000001", why="le titulaire appelle")
    room.now += timedelta(hours=hours)
    page = await (await room.agent(name)).get("/desk/contracts/10000001")
    assert ("El Fanouss" in page.text) is opens


async def test_a_conversation_of_its_customer_is_a_reason_another_is_not(room: FileRoom) -> None:
    agent = await room.agent()
    own, other = await room.conversation(AMINA), await room.conversation(NAIMA)
    assert "El Fanouss" not in (await agent.get(f"/desk/contracts/10000001?conversation={other}")).text
    page = await agent.get(f"/desk/contracts/10000001?conversation={own}")
    assert "El Fanouss" in page.text
    assert f'href="/desk/conversations/{own}"' in page.text
    [look] = await room.looks("contract:10000001")
    assert look.details == {"conversation": own}


async def test_a_request_about_it_is_a_reason_another_is_not(room: FileRoom) -> None:
    agent = await room.agent()
    for number, contract in enumerate(("10000001", "10000005")):
        await room.add(
            Request(
                reference=f"C-000000000{number}",
                kind="complaint",
                state="received",
                contract_id=await room.contract_id(contract),
                created_at=room.now,
            )
        )
    assert "El Fanouss" not in (await agent.get("/desk/contracts/10000001?request=C-0000000001")).text
    assert "El Fanouss" in (await agent.get("/desk/contracts/10000001?request=C-0000000000")).text


@pytest.mark.parametrize(
    "path",
    [
        "/desk/conversations/1/context",
        "/desk/contracts",
        "/desk/contracts/10000001",
        "/desk/contracts/10000001/bills/10000001-024/explanation",
        "/desk/contracts/10000001/bills/10000001-024/copy",
        "/desk/contracts/10000001/bills/10000001-024/picture",
    ],
)
async def test_administrators_see_no_customers_file(room: FileRoom, path: str) -> None:
    await room.conversation(AMINA)
    administrator = await room.agent("Karim", role=Role.ADMINISTRATOR)
    assert (await administrator.get(path)).status_code == 403


# --- bills ----------------------------------------------------------------------------------------------------


async def bill_number(room: FileRoom, contract: str, *, first: bool = False) -> str:
    async with room.database.reading() as session:
        query = select(Bill.number).join(Contract, Contract.id == Bill.contract_id).where(Contract.number == contract)
        numbers = list(await session.scalars(query.order_by(Bill.period_end)))
    return numbers[0 if first else -1]


async def explanation(room: FileRoom, agent: Person, number: str, **query: Any) -> str:
    await agent.post("/desk/contracts", number="10000005", why="le titulaire appelle")
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"/desk/contracts/10000005/bills/{number}/explanation?{asked}"
    response = await agent.get(path, **{"HX-Request": "true"})
    assert response.status_code == 200
    return response.text


async def test_a_bill_is_explained_in_the_words_its_customer_would_be_told(room: FileRoom) -> None:
    text = await explanation(room, await room.agent(), await bill_number(room, "10000005"))
    assert "elle est estimée" in text
    assert "soit 12,52" in text
    assert "Même période l&#39;an dernier" in text
    assert "envoyer une copie" not in text  # what the assistant would offer next
    assert "<html" not in text


@pytest.mark.parametrize(
    ("language", "word", "direction"), [("ar", "فاتورة", "rtl"), ("en", "Bill", "ltr"), ("ary-Latn", "DH", "ltr")]
)
async def test_a_bill_is_explained_in_the_customers_language(
    room: FileRoom, language: str, word: str, direction: str
) -> None:
    text = await explanation(room, await room.agent(), await bill_number(room, "10000005"), language=language)
    assert word in text
    assert f'lang="{language}" dir="{direction}"' in text


async def test_a_first_bill_says_that_there_is_nothing_to_compare_it_with(room: FileRoom) -> None:
    number = await bill_number(room, "10000005", first=True)
    text = await explanation(room, await room.agent(), number)
    assert "ne peut pas être comparée" in text
    assert "picture" not in text


async def test_a_bill_that_came_without_its_detail_says_so(room: FileRoom) -> None:
    number = await bill_number(room, "10000005")
    async with room.database.writing() as session:
        await session.execute(update(Bill).where(Bill.number == number).values(uses=None))
    agent = await room.agent()
    assert "ne peut pas être comparée" in await explanation(room, agent, number)
    copy = await agent.get(f"/desk/contracts/10000005/bills/{number}/copy")
    assert copy.status_code == 404
    assert "sans son détail" in copy.text


async def test_the_explanation_is_a_page_of_its_own_without_scripts(room: FileRoom) -> None:
    agent = await room.agent()
    await agent.post("/desk/contracts", number="10000005", why="le titulaire appelle")
    number = await bill_number(room, "10000005")
    response = await agent.get(f"/desk/contracts/10000005/bills/{number}/explanation")
    assert "<html" in response.text
    assert "elle est estimée" in response.text


async def test_another_contracts_bill_is_not_this_ones(room: FileRoom) -> None:
    agent = await room.agent()
    await agent.post("/desk/contracts", number="10000005", why="le titulaire appelle")
    number = await bill_number(room, "10000001")
    for what in ("explanation", "copy", "picture"):
        assert (await agent.get(f"/desk/contracts/10000005/bills/{number}/{what}")).status_code == 404


@pytest.mark.parametrize(
    ("what", "kind", "begins"), [("copy", "application/pdf", b"%PDF"), ("picture", "image/png", b"\x89PNG")]
)
async def test_a_copy_and_a_picture_can_be_fetched_and_are_kept_nowhere(
    room: FileRoom, what: str, kind: str, begins: bytes
) -> None:
    agent = await room.agent()
    await agent.post("/desk/contracts", number="10000005", why="le titulaire appelle")
    response = await agent.get(f"/desk/contracts/10000005/bills/{await bill_number(room, '10000005')}/{what}")
    assert response.headers["content-type"] == kind
    assert response.headers["cache-control"] == "private, no-store"
    assert response.content.startswith(begins)


async def test_a_contract_without_meter_bill_or_phone_has_a_page_too(room: FileRoom) -> None:
    async with room.database.writing() as session:
        for number, meters in (("30000001", 0), ("30000002", 1)):
            contract = Contract(
                number=number,
                customer_id=1,
                utility="electricity",
                billing="postpaid",
                tariff="a tariff of long ago",
                address="x",
                commune="Ifrane",
                route="R",
                opened_on=DEMO_DAY,
                closed_on=DEMO_DAY,
            )
            session.add(contract)
            await session.flush()
            for _ in range(meters):
                meter = Meter(contract_id=contract.id, number=f"M{number}", digits=5, installed_on=DEMO_DAY)
                session.add(meter)
                await session.flush()
                session.add(Register(meter_id=meter.id, code="total", unit="kWh"))
    agent = await room.agent()
    for number, said in (("30000001", "Aucun compteur en place"), ("30000002", "Aucun relevé.")):
        await agent.post("/desk/contracts", number=number, why="le titulaire appelle")
        text = (await agent.get(f"/desk/contracts/{number}")).text
        assert [
            each for each in (said, "Aucune facture.", "a tariff of long ago", "Résilié") if each not in text
        ] == []


async def test_phones_of_the_contract_are_on_its_page(room: FileRoom) -> None:
    await room.add(RegisteredPhone(contract_id=await room.contract_id("10000001"), number="+212611111111"))
    agent = await room.agent()
    await agent.post("/desk/contracts", number="10000001", why="le titulaire appelle")
    text = (await agent.get("/desk/contracts/10000001")).text
    assert AMINA in text
    assert "+212611111111" in text
