"""The audit at the desk: readable lines, filters, and a file that is itself noted."""

from __future__ import annotations

import ast
import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk_room import NOON, Person, Room
from sqlalchemy import select

from bot.desk.supervision.audit_words import ACTIONS, action_words, subject_address
from bot.settings import PROJECT
from store.database import Database
from store.desk_models import Role
from store.models import Audit
from store.transcript import HAND_OVER_ACTIONS


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


async def noted(room: Room, *lines: dict[str, Any]) -> None:
    async with room.database.writing() as session:
        for line in lines:
            given = {
                "at": NOON,
                "actor": "command",
                "action": "list.imported",
                "subject": "list:bills",
                "details": {},
            }
            session.add(Audit(**(given | line)))


async def shown(person: Person, **fields: Any) -> str:
    answer = await person.browser.get("/desk/audit", params=fields)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text.partition("<tbody>")[2])


async def supervisor(room: Room) -> Person:
    return await room.person("Salma", role=Role.SUPERVISOR)


async def test_a_line_says_who_did_what_to_what(room: Room) -> None:
    amina, salma = await room.person("Amina"), await supervisor(room)
    await noted(
        room,
        {"actor": f"user:{amina.id}", "action": "conversation.claimed", "subject": "conversation:12"},
        {
            "actor": "conversation:7",
            "action": "reading.recorded",
            "details": {"value": 48213},
        },
        {"actor": "user:amina.tazi", "action": "conversation.erased", "subject": "conversation:9"},
        {"actor": "deadlines", "action": "request.broken", "subject": "request:D-1"},
        {"action": "something.new", "subject": "thing:1"},
    )
    page = await shown(salma)
    for part in (
        "Amina</bdi></td> <td>a pris la conversation</td>",
        '<a href="/desk/conversations/12">Conversation <bdi>12</bdi></a>',
        "Client de la conversation 7",
        "&#34;value&#34;: 48213",
        "amina.tazi",
        "Échéances</td> <td>a noté une demande comme non tenue</td>",
        "<td>something.new</td>",
    ):
        assert part in page


async def test_filters_narrow_the_lines(room: Room) -> None:
    amina, salma = await room.person("Amina"), await supervisor(room)
    mine = f"user:{amina.id}"
    await noted(
        room,
        {"actor": mine, "action": "customer.viewed", "subject": "contract:10000001"},
        {"actor": mine, "action": "conversation.claimed", "subject": "conversation:12"},
        {"actor": f"{mine}0", "action": "customer.viewed", "subject": "contract:10000002"},
        {"at": NOON - timedelta(days=20), "action": "list.imported", "subject": "list:old"},
    )

    async def count(**fields: Any) -> int:
        return (await shown(salma, **fields)).count("<tr>")

    assert await count() == 3
    assert await count(actor=mine) == 2
    assert await count(actor="user:") == 3
    assert await count(action="customer.viewed") == 2
    assert await count(subject="10000001") == 1
    assert await count(subject="100%") == 0
    assert await count(days=30) == 4
    assert await count(first="2026-11-01", last="2026-11-10") == 1


async def test_details_of_a_customer_are_shown_harmless(room: Room) -> None:
    await noted(room, {"details": {"why": "<img src=x onerror=alert(1)>"}})
    page = await shown(await supervisor(room))
    assert "<img" not in page
    assert "&lt;img src=x" in page


async def test_the_file_has_every_line_and_is_noted(room: Room) -> None:
    salma = await supervisor(room)
    await noted(room, {"subject": "=HYPERLINK(1)"}, *({"subject": f"list:{each}"} for each in range(60)))
    answer = await salma.get("/desk/audit.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="journal-2026-11-17-2026-11-23.csv"'
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 62
    assert rows[1][0] == "2026-11-23T13:00:00+01:00"
    assert rows[-1][4] == "'=HYPERLINK(1)"  # no formula
    async with room.database.reading() as session:
        line = (await session.scalars(select(Audit).where(Audit.action == "audit.exported"))).one()
    assert (line.actor, line.details["lines"]) == (f"user:{salma.id}", 61)


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMINISTRATOR])
async def test_only_supervisors_see_it(room: Room, role: Role) -> None:
    person = await room.person(role=role)
    for path in ("audit", "audit.csv", "supervision", "supervision/now", "supervision/waiting.csv", "labels"):
        assert (await person.get(f"/desk/{path}")).status_code == 403


@pytest.mark.parametrize(
    ("subject", "address"),
    [
        ("conversation:12", "/desk/conversations/12"),
        ("conversation:../people", None),
        ("contract:10000001", "/desk/contracts/10000001"),
        ("contract:1/../../people", None),
        ("database", None),
    ],
)
def test_only_what_has_a_page_leads_there(subject: str, address: str | None) -> None:
    assert subject_address(subject) == address


def test_every_action_that_the_code_names_has_words() -> None:
    said = set(HAND_OVER_ACTIONS)
    for folder in ("store", "actions", "bot"):
        for path in (PROJECT / folder).rglob("*.py"):
            said |= _actions_in(path)
    assert said - set(ACTIONS) - {"demo.loaded"} == set()
    assert action_words("of.tomorrow") == "of.tomorrow"


def _actions_in(path: Path) -> set[str]:
    """The literal `action=` of each `Audit(…)` of a module."""
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    notes = [node for node in tree if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Audit"]
    said = [keyword.value for note in notes for keyword in note.keywords if keyword.arg == "action"]
    return {str(each.value) for each in said if isinstance(each, ast.Constant)}
