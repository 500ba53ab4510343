"""Every route of the desk: who may call it, and that nobody else can. Routes are asked: none can be missed."""

from __future__ import annotations

import re

import httpx
import pytest
from desk_room import HOST, Room

from bot.desk.access import COOKIE, PERMISSIONS, Permission
from bot.desk.rights import EVERYBODY, Right, rights, table
from bot.settings import PROJECT
from store.database import Database
from store.desk_models import Role

DOCUMENT = PROJECT / "docs" / "security.md"
PLACE = re.compile(r"\{(\w+)(:\w+)?\}")


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


def every_right(room: Room) -> list[Right]:
    return rights(room.app.routes)


def address(right: Right) -> str:
    """A path of the route; whatever is in its places, who may call it is asked first."""
    return PLACE.sub("1", right.path)


async def call(browser: httpx.AsyncClient, right: Right, **headers: str) -> httpx.Response:
    return await browser.request(right.method, address(right), headers=headers)


async def test_each_route_has_a_rule_or_is_meant_for_everybody(room: Room) -> None:
    found = every_right(room)
    assert len(found) > 50
    assert {(each.method, each.path) for each in found if each.rule is None} == set(EVERYBODY)


async def test_nobody_gets_further_than_the_entrance(room: Room) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(room.app), base_url=HOST) as browser:
        for cookie in (None, "made-up"):
            if cookie:
                browser.cookies.set(COOKIE, cookie, domain="desk.test", path="/desk")
            for right in every_right(room):
                if right.rule is None:
                    continue
                answer = await call(browser, right)
                led = answer.headers.get("location", "")
                assert (answer.status_code, led.partition("?")[0]) == (303, "/desk/login"), right
                part = await call(browser, right, **{"HX-Request": "true"})
                assert part.status_code == 401, right
                assert part.headers["hx-redirect"].startswith("/desk/login"), right


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_gets_only_what_it_may(room: Room, role: Role) -> None:
    person = await room.person(role=role)
    for right in every_right(room):
        if right.rule is not None and role not in right.roles:
            answer = await call(person.browser, right, **{"X-CSRF-Token": person.csrf})
            assert answer.status_code == 403, right


@pytest.mark.parametrize("role", list(Role))
async def test_no_change_without_its_token(room: Room, role: Role) -> None:
    person, other = await room.person(role=role), await room.person(role=role)
    for right in every_right(room):
        if right.rule is None or right.method in ("GET", "HEAD"):
            continue
        for headers in (
            {},
            {"X-CSRF-Token": other.csrf},
            {"X-CSRF-Token": person.csrf, "Sec-Fetch-Site": "cross-site"},
        ):
            answer = await call(person.browser, right, **headers)
            assert answer.status_code == 403, (right, headers)


async def test_administrators_see_no_conversation_and_others_no_account() -> None:
    assert PERMISSIONS[Role.ADMINISTRATOR] == {Permission.ADMINISTER}
    assert all(Permission.ADMINISTER not in PERMISSIONS[role] for role in (Role.AGENT, Role.SUPERVISOR))


async def test_the_security_document_lists_every_route(room: Room) -> None:
    expected = table(every_right(room))
    assert expected in DOCUMENT.read_text(encoding="utf-8"), f"put this table into docs/security.md:\n{expected}"


def test_the_tests_that_the_security_document_names_are_there() -> None:
    named = set(re.findall(r"test_\w+\.py", DOCUMENT.read_text(encoding="utf-8")))
    assert named
    assert named <= {path.name for path in (PROJECT / "tests").rglob("test_*.py")}
