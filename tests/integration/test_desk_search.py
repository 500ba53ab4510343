"""Search at the desk: what finds a conversation, who may find it, how hits are shown, and that all are noted."""

from __future__ import annotations

import re
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from desk_room import NOON, Person, Room
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from billing.reference import Kind, new_reference
from bot.desk.supervision.excerpts import LONGEST, excerpt
from store.database import Database
from store.desk_models import Role
from store.models import Audit, Contract, Request, RequestKind, RequestState

PHONE = "+212612345678"
REFERENCE = new_reference(Kind.DEFERRAL, Random(1))


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def found(person: Person, q: str, **fields: Any) -> list[int]:
    """The conversations that a search shows, in their order."""
    answer = await person.browser.get("/desk/search", params={"q": q, **fields})
    assert answer.status_code == 200, answer.text
    return [int(each) for each in re.findall(r'<h3><a href="/desk/conversations/(\d+)"', answer.text)]


async def supervisor(room: Room) -> Person:
    return await room.person("Salma", role=Role.SUPERVISOR)


async def furnished(room: Room) -> int:
    """One conversation that every way of searching finds, and one that none does."""
    wanted = await room.handed_over(address=PHONE, text="Ma facture est à 100 % fausse : pourquoi 842 DH ?", ended=1)
    await room.handed_over(address="+212698765432", text="Rien à voir", ended=1)
    await room.holder("Naïma El Idrissi", PHONE)
    async with room.database.writing() as session:
        session.add(
            Request(
                reference=REFERENCE,
                kind=RequestKind.DEFERRAL,
                state=RequestState.RECEIVED,
                conversation_id=wanted,
                details={},
                created_at=NOON,
            )
        )
    return wanted


@pytest.mark.parametrize(
    "text",
    [
        PHONE,
        "06 12 34 56 78",
        "0612.345.678",
        "٠٦١٢٣٤٥٦٧٨",
        "345678",
        "El Idrissi",
        "idrissi naïma",
        "contract",
        REFERENCE,
        REFERENCE.lower().replace("-", " "),
        "facture",
        "FACTURE 842",
        "100 %",
    ],
)
async def test_a_conversation_is_found_by(room: Room, text: str) -> None:
    wanted = await furnished(room)
    salma = await supervisor(room)
    async with room.database.reading() as session:
        number = await session.scalar(select(Contract.number))
    assert await found(salma, str(number) if text == "contract" else text) == [wanted]


@pytest.mark.parametrize("text", ["facture impayée", "100_%", "%", "_", "D-4821370569", "99999999", "' OR 1=1 --"])
async def test_a_search_that_means_nothing_finds_nothing(room: Room, text: str) -> None:
    await furnished(room)
    assert await found(await supervisor(room), text) == []


async def test_filters_narrow_what_is_found(room: Room) -> None:
    salma = await supervisor(room)
    sms = await room.handed_over(language="fr", minutes=9)
    telegram = await room.handed_over(channel="telegram", address="77", language="ary", minutes=9, user_id=salma.id)
    assert set(await found(salma, "bonjour")) == {sms, telegram}
    assert await found(salma, "bonjour", channel="telegram") == [telegram]
    assert await found(salma, "bonjour", language="fr") == [sms]
    assert await found(salma, "bonjour", user=salma.id) == [telegram]
    assert await found(salma, "", channel="sms") == [sms]


async def test_a_search_is_bounded_to_its_period(room: Room) -> None:
    salma = await supervisor(room)
    old = await room.handed_over(minutes=100 * 24 * 60, ended=1)
    assert await found(salma, "bonjour") == []
    since = (NOON - timedelta(days=120)).date().isoformat()
    assert await found(salma, "bonjour", first=since) == [old]


async def test_an_agent_finds_their_own_conversations_and_those_that_are_open(room: Room) -> None:
    amina, samir = await room.person(), await room.person("Samir")
    open_one = await room.handed_over()
    hers = await room.handed_over(ended=10, minutes=90, user_id=amina.id)
    his = await room.handed_over(ended=10, minutes=90, user_id=samir.id)
    nobodys = await room.handed_over(ended=10, minutes=90)
    assert set(await found(amina, "bonjour")) == {open_one, hers}
    assert set(await found(samir, "bonjour")) == {open_one, his}
    assert set(await found(await supervisor(room), "bonjour")) == {open_one, hers, his, nobodys}


async def test_an_administrator_may_not_search(room: Room) -> None:
    administrator = await room.person("Karim", role=Role.ADMINISTRATOR)
    assert (await administrator.get("/desk/search?q=bonjour")).status_code == 403


async def test_each_hit_and_the_search_are_in_the_audit_once_an_hour(room: Room) -> None:
    salma = await supervisor(room)
    first = await room.handed_over()
    await found(salma, "bonjour")
    await found(salma, "bonjour")
    async with room.database.reading() as session:
        lines = list(await session.scalars(select(Audit).where(Audit.actor == f"user:{salma.id}").order_by(Audit.id)))
    assert [(each.action, each.subject) for each in lines] == [
        ("search.made", "conversations"),
        ("customer.viewed", f"conversation:{first}"),
        ("search.made", "conversations"),
    ]
    assert lines[0].details == {"text": "bonjour", "found": 1}


async def test_what_customers_wrote_is_shown_harmless(room: Room) -> None:
    salma = await supervisor(room)
    await room.handed_over(text="<script>alert(1)</script> facture \u202e cachée")
    page = (await salma.get("/desk/search?q=script")).text
    assert "<script>alert" not in page
    assert "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt;" in page
    assert '<bdi dir="auto">&lt;' in page


async def test_hits_come_by_pages(room: Room) -> None:
    salma = await supervisor(room)
    everything = {await room.handed_over(minutes=9) for _ in range(27)}
    first, second = await found(salma, "bonjour"), await found(salma, "bonjour", page=2)
    assert (len(first), len(second)) == (25, 2)
    assert {*first, *second} == everything
    assert await found(salma, "bonjour", page=99) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"first": "hier"},
        {"first": "2026-11-01", "last": "2026-10-01"},
        {"first": "0001-01-01"},
        {"last": "9999-12-31"},
    ],
)
async def test_a_period_that_cannot_be_had_is_said_and_nothing_is_lost(room: Room, fields: dict[str, str]) -> None:
    salma = await supervisor(room)
    page = await salma.browser.get("/desk/search", params={"q": "facture", **fields})
    assert page.status_code == 200
    assert 'role="alert"' in page.text
    assert 'value="facture"' in page.text


@given(st.text(max_size=600), st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_an_excerpt_is_a_piece_of_the_text_whatever_is_in_it(text: str, words: list[str]) -> None:
    pieces = excerpt(text, words)
    shown = "".join(piece for piece, _ in pieces)
    assert len(shown) <= LONGEST + 2
    assert shown.removeprefix("…").removesuffix("…") in " ".join(text.split())
    for piece, is_word in pieces:
        assert not is_word or any(re.fullmatch(re.escape(word), piece, re.IGNORECASE) for word in words)
