"""Accounts and teams, as administrators look after them."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from desk_room import HOST, Person, Room
from sqlalchemy import func, select

from bot.desk import credentials
from store import passwords, users
from store.database import Database
from store.desk_models import HandOver, Role, Team, User, UserSession
from store.models import Audit

YOUSSEF = {"email": "Youssef@Desk.test", "name": "Youssef", "role": "agent"}


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


@pytest.fixture
async def chief(room: Room) -> Person:
    return await room.person("Karima", role=Role.ADMINISTRATOR)


async def account(room: Room, email: str = "youssef@desk.test") -> User:
    async with room.database.reading() as session:
        user = await users.by_email(session, email)
    assert user
    return user


async def actions(room: Room) -> list[str]:
    async with room.database.reading() as session:
        return list(await session.scalars(select(Audit.action).order_by(Audit.id)))


def starting_password(page: httpx.Response) -> str:
    found = re.search(r'class="secret"><bdi dir="ltr">([^<]+)<', page.text)
    assert found
    return found[1]


async def test_a_person_is_added_with_a_password_that_is_shown_once(room: Room, chief: Person) -> None:
    team_id = await room.team("Nuit")
    answer = await chief.post("/desk/people/new", **YOUSSEF, team=str(team_id), speaks=["ary", "fr", "klingon"])

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    password, user = starting_password(answer), await account(room)
    assert password not in (await chief.get(f"/desk/people/{user.id}")).text
    assert await passwords.matches(password, user.password_hash)
    assert (user.role, user.speaks, user.must_change_password) == (Role.AGENT, ["ary", "fr"], True)
    assert [team.name for team in user.teams] == ["Nuit"]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(room.app), base_url=HOST) as browser:
        await browser.post("/desk/login", data={"email": user.email, "password": password})
        led = await browser.get("/desk/queue")
    assert led.headers["location"] == "/desk/account/password"
    assert "user.created" in await actions(room)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"email": "youssef"}, "Ce n’est pas une adresse"),
        ({"email": "a@b"}, "Ce n’est pas une adresse"),
        ({"email": f"{'x' * 300}@desk.test"}, "Ce n’est pas une adresse"),
        ({"name": "  "}, "Écrivez un nom"),
        ({"name": "x" * 121}, "Écrivez un nom"),
        ({"role": "boss"}, "Choisissez ce que la personne peut faire"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    chief: Person, wrong: dict[str, str], fault: str
) -> None:
    answer = await chief.post("/desk/people/new", **YOUSSEF | wrong)
    assert answer.status_code == 422
    assert fault in answer.text
    assert all(value.strip() in answer.text for value in (YOUSSEF | wrong | {"role": ""}).values())


async def test_a_taken_address_is_said(chief: Person) -> None:
    await chief.post("/desk/people/new", **YOUSSEF)
    answer = await chief.post("/desk/people/new", **YOUSSEF | {"email": "YOUSSEF@desk.TEST "})
    assert answer.status_code == 422
    assert "Il y a déjà un compte à cette adresse." in answer.text


async def test_a_name_with_script_and_turned_text_is_shown_harmless(room: Room, chief: Person) -> None:
    await chief.post("/desk/people/new", **YOUSSEF | {"name": "<script>x</script>\u202eabc\x00"})
    page = await chief.get("/desk/people")
    assert "<script>x" not in page.text
    assert "\u202e" not in page.text
    assert (await account(room)).name == "<script>x</script>abc"


@pytest.mark.parametrize(("role", "status"), [("agent", 200), ("supervisor", 303), ("administrator", 303)])
async def test_another_role_asks_for_signing_in_again(room: Room, chief: Person, role: str, status: int) -> None:
    """Pages and streams that were opened in the old role end with it."""
    youssef = await room.person("Youssef")
    changed = await chief.post(f"/desk/people/{youssef.id}", name="Youssef", role=role, speaks="ar")
    assert changed.status_code == 303
    assert (await youssef.get("/desk/account")).status_code == status


async def test_role_teams_and_languages_are_changed(room: Room, chief: Person) -> None:
    await chief.post("/desk/people/new", **YOUSSEF)
    user, team_id = await account(room), await room.team("Jour")
    answer = await chief.post(
        f"/desk/people/{user.id}", name="Youssef B.", role="supervisor", team=str(team_id), speaks="ar"
    )
    assert answer.headers["location"] == "/desk/people"
    user = await account(room)
    assert (user.name, user.role, user.speaks, user.teams[0].name) == ("Youssef B.", Role.SUPERVISOR, ["ar"], "Jour")
    async with room.database.reading() as session:
        row = (await session.scalars(select(Audit).where(Audit.action == "user.changed"))).one()
    assert (row.actor, row.details["role"]) == (f"user:{chief.id}", ["agent", "supervisor"])


async def test_closing_an_account_signs_the_person_out_and_frees_their_conversations(
    room: Room, chief: Person
) -> None:
    agent = await room.person("Amina")
    conversation_id = await room.handed_over(user_id=agent.id, claimed_at=room.now)
    assert (await agent.get("/desk/queue")).status_code == 200

    await chief.post(f"/desk/people/{agent.id}/disable")

    assert (await agent.get("/desk/queue")).status_code == 303
    async with room.database.reading() as session:
        hand_over = (await session.scalars(select(HandOver).where(HandOver.conversation_id == conversation_id))).one()
    assert (hand_over.user_id, hand_over.ended_at) == (None, None)
    await chief.post(f"/desk/people/{agent.id}/enable")
    async with room.database.reading() as session:
        user = await users.get(session, agent.id)
    assert user
    assert user.disabled_at is None


async def test_one_administrator_always_stays(room: Room, chief: Person) -> None:
    other = await room.person("Salma", role=Role.ADMINISTRATOR)
    answer = await chief.post(f"/desk/people/{chief.id}/disable")
    assert answer.headers["location"] == f"/desk/people/{chief.id}"
    own = await chief.post(f"/desk/people/{chief.id}", name="Karima", role="agent")
    assert own.status_code == 422
    assert (await chief.post(f"/desk/people/{other.id}/disable")).headers["location"] == "/desk/people"
    async with room.database.writing() as session:
        last = await users.get(session, chief.id, hold=True)
        assert last
        with pytest.raises(users.LastAdministrator):
            await users.disable(session, last, "test", room.now)


async def test_a_lost_password_and_a_lost_phone_are_replaced(
    room: Room, chief: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FAILURE_TAKES", credentials.FAILURE_TAKES * 0)
    await chief.post("/desk/people/new", **YOUSSEF)
    user = await account(room)
    async with room.database.writing() as session:
        held = await users.get(session, user.id)
        assert held
        held.totp_secret, held.locked_until, held.failed_logins = "sealed", room.now, 7

    password = starting_password(await chief.post(f"/desk/people/{user.id}/password"))
    await chief.post(f"/desk/people/{user.id}/second-factor")

    user = await account(room)
    assert await passwords.matches(password, user.password_hash)
    assert (user.totp_secret, user.failed_logins, user.must_change_password) == (None, 0, True)
    assert {"user.password_set", "user.second_factor_reset"} <= set(await actions(room))


@pytest.mark.parametrize("number", ["999", "9" * 18, "9" * 30])
async def test_an_unknown_account_or_team_is_not_found(chief: Person, number: str) -> None:
    for path in (f"/desk/people/{number}", f"/desk/people/teams/{number}"):
        assert (await chief.get(path)).status_code == 404
    assert (await chief.post(f"/desk/people/{number}/disable")).status_code == 404


async def test_a_team_is_made_renamed_and_filled(room: Room, chief: Person) -> None:
    agent = await room.person("Amina")
    await chief.post("/desk/people/teams/new", name="Nuit", language=["ar", "ary", "xx"], member=str(agent.id))
    async with room.database.reading() as session:
        team = (await session.scalars(select(Team))).one()
        user = await users.get(session, agent.id)
    assert (team.name, team.languages) == ("Nuit", ["ar", "ary"])
    assert user
    assert [each.name for each in user.teams] == ["Nuit"]

    await chief.post(f"/desk/people/teams/{team.id}", name="Soir")
    async with room.database.reading() as session:
        team = (await session.scalars(select(Team))).one()
        user = await users.get(session, agent.id)
    assert (team.name, team.languages) == ("Soir", [])
    assert user
    assert user.teams == []
    assert {"team.created", "team.changed", "team.members"} <= set(await actions(room))


@pytest.mark.parametrize(("name", "fault"), [("Jour", "déjà une équipe de ce nom"), (" ", "Écrivez un nom")])
async def test_a_bad_team_is_refused_with_the_reason(room: Room, chief: Person, name: str, fault: str) -> None:
    await room.team("Jour")
    other = await room.team("Nuit")
    for path in ("/desk/people/teams/new", f"/desk/people/teams/{other}"):
        answer = await chief.post(path, name=name)
        assert answer.status_code == 422
        assert fault in answer.text


async def test_a_team_with_open_conversations_stays(room: Room, chief: Person) -> None:
    busy, done = await room.team("Jour"), await room.team("Nuit")
    await room.handed_over(team_id=busy)
    await room.handed_over(team_id=done, ended=3)
    await chief.post(f"/desk/people/teams/{busy}/remove")
    await chief.post(f"/desk/people/teams/{done}/remove")
    async with room.database.reading() as session:
        assert list(await session.scalars(select(Team.name))) == ["Jour"]
        assert await session.scalar(select(func.count()).select_from(HandOver)) == 2


async def test_one_says_about_oneself(room: Room) -> None:
    agent = await room.person("Amina")
    answer = await agent.post("/desk/account", name="Amina M.", language="ar", speaks=["ar", "en"])
    assert answer.headers["location"] == "/desk/account"
    page = await agent.get("/desk/account")
    assert 'dir="rtl"' in page.text
    assert "Amina M." in page.text
    assert (await agent.post("/desk/account", name="", language="fr")).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/desk/people",
        "/desk/people/new",
        "/desk/people/teams",
        "/desk/people/teams/new",
        "/desk/account",
        "/desk/login",
    ],
)
@pytest.mark.parametrize("language", ["fr", "ar"])
async def test_each_page_opens_in_both_languages(room: Room, path: str, language: str) -> None:
    person: Any = await room.person(role=Role.ADMINISTRATOR, language=language)
    if path == "/desk/login":
        async with room.database.writing() as session:
            for each in await session.scalars(select(UserSession)):
                await session.delete(each)
        path = f"{path}?lang={language}"
    page = await person.get(path)
    assert page.status_code == 200
    assert f'lang="{language}"' in page.text
