"""The queue page: who waits, in which order, what a row says, and what a look at it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from desk_room import NOON, Person, Room
from sqlalchemy import event

from store.database import Database
from store.desk_models import Role


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def shown(person: Person, query: str = "") -> list[int]:
    """The conversations of a list, in its order."""
    answer = await person.part(f"/desk/queue?{query}")
    assert answer.status_code == 200, answer.text
    return [int(each) for each in re.findall(r'href="/desk/conversations/(\d+)"', answer.text)]


async def test_urgent_first_then_high_then_who_waits_longest(room: Room) -> None:
    short = await room.handed_over(minutes=5)
    urgent = await room.handed_over(minutes=1, priority="urgent", reason="danger")
    long = await room.handed_over(minutes=30)
    high = await room.handed_over(minutes=2, priority="high", reason="anger")
    assert await shown(await room.person()) == [urgent, high, long, short]


async def test_each_tab_shows_its_own(room: Room) -> None:
    amina, samir = await room.person(), await room.person("Samir")
    waiting = await room.handed_over(minutes=9)
    mine = await room.handed_over(user_id=amina.id, minutes=8)
    his = await room.handed_over(user_id=samir.id, minutes=7)
    older = await room.handed_over(ended=60, minutes=90)
    newer = await room.handed_over(ended=10, minutes=90)
    await room.handed_over(ended=8 * 24 * 60, minutes=9 * 24 * 60)
    assert await shown(amina) == [waiting]
    assert await shown(amina, "state=mine") == [mine]
    assert await shown(samir, "state=mine") == [his]
    assert await shown(amina, "state=all") == [waiting, mine, his]
    assert await shown(amina, "state=closed") == [newer, older]


async def test_a_person_sees_their_teams_and_what_is_no_teams(room: Room) -> None:
    north, south = await room.team("Nord"), await room.team("Sud")
    amina, supervisor = await room.person(team_ids=(north,)), await room.person("Salma", role=Role.SUPERVISOR)
    ours, theirs, nobodys = [
        await room.handed_over(team_id=team, minutes=minutes) for team, minutes in ((north, 9), (south, 8), (None, 7))
    ]
    assert await shown(amina) == [ours, nobodys]
    assert await shown(amina, "team=all") == [ours, theirs, nobodys]
    assert await shown(amina, f"team={south}") == [theirs, nobodys]
    assert await shown(supervisor) == [ours, theirs, nobodys]


async def test_danger_is_shown_to_every_team(room: Room) -> None:
    north, south = await room.team("Nord"), await room.team("Sud")
    amina = await room.person(team_ids=(north,))
    ours = await room.handed_over(team_id=north, minutes=9)
    danger = await room.handed_over(team_id=south, minutes=1, priority="urgent", reason="danger")

    assert await shown(amina) == [danger, ours]
    assert (await (await room.person("Samir", team_ids=(south,))).get("/desk/counts")).json()["waiting"] == 1
    assert (await amina.get("/desk/counts")).json()["waiting"] == 2


async def test_a_language_narrows_the_list(room: Room) -> None:
    await room.handed_over(language="fr")
    darija = await room.handed_over(language="ary")
    amina = await room.person()
    assert await shown(amina, "language=ary") == [darija]
    assert len(await shown(amina, "language=klingon")) == 2


ROWS: list[tuple[dict[str, Any], str]] = [
    ({"address": "+212600000001"}, "Fatima Zahra"),
    ({"address": "+212612345678"}, "+2126••••678"),
    ({"reason": "danger", "priority": "urgent"}, "Danger"),
    ({"priority": "high"}, "Prioritaire"),
    ({"reason": "a reason of tomorrow"}, "a reason of tomorrow"),
    ({"language": "ary-Latn"}, "Darija en lettres latines"),
    ({"channel": "telegram", "address": "12345"}, "••••345"),
    ({"text": "x" * 5_000}, f"{'x' * 119}…"),
    ({"text": "<script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ({"text": "\u202eabc"}, '<bdi dir="auto">\u202eabc</bdi>'),
    ({"text": "   "}, "Aucun texte"),
    ({"text": None}, "Aucun texte"),
    ({"minutes": 125}, "2\u202fh 5\u00a0min"),
    ({"channel": "whatsapp", "last_inbound_at": NOON - timedelta(hours=23)}, "Fenêtre WhatsApp"),
    ({"channel": "whatsapp", "last_inbound_at": NOON - timedelta(hours=25)}, "Fenêtre WhatsApp fermée"),
    ({"ended": 1.0, "outcome": "released"}, "Rendue à l’assistant"),
]


@pytest.mark.parametrize(("values", "says"), ROWS, ids=[says[:24] for _, says in ROWS])
async def test_a_row_says(room: Room, values: dict[str, Any], says: str) -> None:
    await room.holder("Fatima Zahra", "+212600000001")
    await room.handed_over(**values)
    state = "closed" if "ended" in values else "waiting"
    assert says in (await (await room.person()).part(f"/desk/queue?state={state}")).text


async def test_a_window_with_hours_left_is_not_worth_a_word(room: Room) -> None:
    await room.handed_over(channel="whatsapp", last_inbound_at=NOON - timedelta(hours=2))
    assert "Fenêtre" not in (await (await room.person()).part("/desk/queue")).text


async def test_a_list_of_many_has_pages(room: Room) -> None:
    conversations = [await room.handed_over(minutes=200 - each) for each in range(53)]
    amina = await room.person()
    assert await shown(amina) == conversations[:50]
    assert await shown(amina, "page=2") == conversations[50:]
    assert await shown(amina, "page=3") == []
    assert 'rel="next" href="/desk/queue?state=waiting&amp;page=2"' in (await amina.part("/desk/queue")).text


@pytest.mark.parametrize("query", ["page=0", "page=999999999999999999999", "page=x", "state=x", "team=" + "9" * 30])
async def test_a_mistyped_address_is_answered_plainly(room: Room, query: str) -> None:
    answer = await (await room.person()).get(f"/desk/queue?{query}")
    assert answer.status_code == 422
    assert "Demande incomprise" in answer.text


@pytest.mark.parametrize("team", ["12345", "²", "-1", "all", "9223372036854775808"])
async def test_any_team_can_be_asked_for(room: Room, team: str) -> None:
    assert (await (await room.person()).get(f"/desk/queue?team={team}")).status_code == 200


async def test_the_page_is_arabic_for_whoever_reads_arabic(room: Room) -> None:
    await room.handed_over(reason="anger", priority="high", language="ary")
    page = (await (await room.person(language="ar")).get("/desk/queue")).text
    assert '<html lang="ar" dir="rtl">' in page
    assert "قائمة الانتظار" in page
    assert "File d’attente" not in page


async def test_a_shared_list_never_shows_another_persons(room: Room) -> None:
    amina, samir = await room.person(), await room.person("Samir")
    mine = await room.handed_over(user_id=amina.id)
    assert await shown(amina, "state=mine") == [mine]
    assert await shown(samir, "state=mine") == []
    list_alone = (await amina.part("/desk/queue?state=all")).text
    assert amina.csrf not in list_alone


async def test_a_change_is_seen_at_once_although_the_list_is_shared(room: Room) -> None:
    amina = await room.person()
    first = await room.handed_over(minutes=9)
    assert await shown(amina) == [first]
    second = await room.handed_over(minutes=8)
    room.desk.live.changed(second)
    assert await shown(amina) == [first, second]


async def test_a_list_costs_two_statements_however_many_look(room: Room) -> None:
    for _ in range(20):
        await room.handed_over()
    amina = await room.person()
    statements: list[str] = []
    event.listen(
        room.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(statement),
    )
    for _ in range(3):
        await shown(amina)
    about_the_list = [each for each in statements if "hand_over" in each or "registered_phone" in each]
    assert len(about_the_list) == 2


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR])
async def test_who_does_not_converse_sees_no_queue(room: Room, role: Role) -> None:
    answer = await (await room.person(role=role)).get("/desk/queue")
    assert answer.status_code == 403
    assert "Accès refusé" in answer.text


async def test_rows_can_be_claimed_by_a_plain_form(room: Room) -> None:
    waiting = await room.handed_over()
    amina = await room.person()
    page = (await amina.get("/desk/queue")).text
    assert f'form="claim" formaction="/desk/conversations/{waiting}/claim"' in page
    assert f'<form id="claim" method="post" action="/desk/queue?state=waiting"><input type="hidden" name="csrf" value="{amina.csrf}">' in page  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/desk/conversations/9223372036854775808", 404),
        ("/desk/conversations/" + "9" * 5_000, 404),
        ("/desk/decisions?page=" + "9" * 5_000, 200),
        ("/desk/canned?q=%00", 422),
        ("/desk/contracts/1%00", 422),
    ],
)
async def test_a_number_or_word_that_no_row_can_have_is_answered_plainly(room: Room, path: str, status: int) -> None:
    """Whatever area it is typed at: Python and the databases refuse it each in their own way."""
    amina = await room.person()
    answer = await amina.get(path)
    lenient = room.database.is_sqlite and status == 422  # it finds nothing, which is as good
    assert answer.status_code in ((200, 404) if lenient else (status,))
