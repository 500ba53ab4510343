"""Signing in to the desk: passwords, second factors, lock-outs, sessions and what another site may not do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
import pyotp
import pytest
from desk_room import HOST, Room
from pydantic import SecretStr
from sqlalchemy import select

from bot.desk import credentials
from bot.desk.access import COOKIE
from store import passwords, users
from store.database import Database
from store.desk_models import Role, User, UserSession
from store.models import Audit

PASSWORD = "quatre mots bien tiennent"
EMAIL = "amina@desk.test"
SECRET_KEY = SecretStr("k" * 32)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures need not take as long as they do."""
    monkeypatch.setattr(credentials, "FAILURE_TAKES", timedelta(0))


@pytest.fixture(scope="session")
def password_hash() -> str:
    return asyncio.run(passwords.hashed(PASSWORD))


@pytest.fixture
def room(database: Database) -> Room:
    return furnished(Room(database))


def furnished(room: Room, **settings: Any) -> Room:
    """With a key, and whatever else of `settings`."""
    room.refit({"secret_key": SECRET_KEY} | settings)
    return room


@pytest.fixture
async def amina(room: Room, password_hash: str) -> User:
    async with room.database.writing() as session:
        return await users.create(
            session,
            email=EMAIL,
            name="Amina",
            role=Role.AGENT,
            password_hash=password_hash,
            must_change_password=False,
            actor="test",
            now=room.now,
        )


@pytest.fixture
async def browser(room: Room) -> AsyncIterator[httpx.AsyncClient]:
    async with new_browser(room) as client:
        yield client


def new_browser(room: Room) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(room.app), base_url=HOST)


async def sign_in(
    browser: httpx.AsyncClient, password: str = PASSWORD, email: str = EMAIL, **extra: str
) -> httpx.Response:
    return await browser.post("/desk/login", data={"email": email, "password": password, **extra})


def where(answer: httpx.Response) -> str | None:
    """Where an answer leads; None when it stays on its page."""
    return answer.headers.get("location")


def hidden(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found, f"no field {name}"
    return found[1]


async def audit(room: Room) -> list[tuple[str, str, str | None]]:
    async with room.database.reading() as session:
        rows = await session.scalars(select(Audit).order_by(Audit.id))
        return [(row.action, row.subject, row.details.get("why")) for row in rows]


async def enrol(room: Room, browser: httpx.AsyncClient) -> pyotp.TOTP:
    """Put a second factor in place through the account's page."""
    page = await browser.get("/desk/account/second-factor")
    spelt = re.search(r'class="secret"><bdi dir="ltr">([A-Z2-7 ]+)<', page.text)
    assert spelt
    totp = pyotp.TOTP(spelt[1].replace(" ", ""))
    form = {"csrf": hidden(page, "csrf"), "sealed": hidden(page, "sealed"), "current": PASSWORD}
    answer = await browser.post("/desk/account/second-factor", data=form | {"code": totp.at(room.now)})
    assert where(answer) == "/desk/account"
    return totp


# --- passwords ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("amina")
async def test_the_right_password_opens_the_desk(room: Room, browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, email="  Amina@Desk.TEST ")

    assert (answer.status_code, where(answer)) == (303, "/desk/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/desk"))
    assert "secure" not in cookie
    assert (await browser.get("/desk/account")).status_code == 200
    assert ("sign_in", "user:1", None) in await audit(room)


@pytest.mark.usefixtures("amina")
async def test_over_https_the_cookie_never_travels_in_the_clear(room: Room) -> None:
    furnished(room, public_url="https://releve.test")
    async with new_browser(room) as browser:
        assert "secure" in (await sign_in(browser)).headers["set-cookie"].lower()


async def close_amina(session: Any, user: User) -> None:
    await users.disable(session, user, "test", user.created_at)


async def only_by_provider(_session: Any, user: User) -> None:
    user.password_hash = None


@pytest.mark.parametrize(
    ("email", "password", "state"),
    [
        (EMAIL, "une autre phrase longue", None),
        ("nobody@desk.test", PASSWORD, None),
        (EMAIL, "", None),
        ("", "", None),
        (f"{EMAIL}\x00", "x" * 5000, None),
        (EMAIL, PASSWORD, close_amina),
        (EMAIL, PASSWORD, only_by_provider),
    ],
)
async def test_whatever_is_wrong_is_answered_alike(
    room: Room, browser: httpx.AsyncClient, amina: User, email: str, password: str, state: Any
) -> None:
    if state is not None:
        async with room.database.writing() as session:
            await state(session, await users.get(session, amina.id))

    answer = await sign_in(browser, password, email)

    assert answer.status_code == 422
    assert "Adresse ou mot de passe incorrect" in answer.text
    assert COOKIE not in answer.cookies
    assert password not in answer.text or len(password) < 2


@pytest.mark.usefixtures("amina")
async def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    room: Room, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FAILURE_TAKES", timedelta(seconds=0.5))
    taken = []
    for email in (EMAIL, "nobody@desk.test"):
        began = monotonic()
        await sign_in(browser, "une autre phrase longue", email)
        taken.append(monotonic() - began)
    assert min(taken) >= 0.5


async def test_what_nobody_is_called_is_not_kept(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "x", "my password by mistake")
    async with room.database.reading() as session:
        row = (await session.scalars(select(Audit))).one()
    assert (row.actor, row.subject) == ("user:unknown", "user:unknown")
    assert "mistake" not in str(row.details)


async def test_an_outdated_hash_is_renewed(room: Room, browser: httpx.AsyncClient, amina: User) -> None:
    from argon2 import PasswordHasher

    async with room.database.writing() as session:
        user = await users.get(session, amina.id)
        assert user
        user.password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

    assert where(await sign_in(browser)) == "/desk/"

    async with room.database.reading() as session:
        user = await users.get(session, amina.id)
    assert user
    assert user.password_hash
    assert not passwords.is_outdated(user.password_hash)


# --- lock-outs ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("amina")
async def test_five_failures_lock_and_each_later_one_twice_as_long(room: Room, browser: httpx.AsyncClient) -> None:
    for _ in range(5):
        await sign_in(browser, "une autre phrase longue")
    assert (await sign_in(browser)).status_code == 422, "locked, even for the right password"

    room.now += timedelta(minutes=15, seconds=1)
    await sign_in(browser, "une autre phrase longue")
    room.now += timedelta(minutes=15, seconds=1)
    assert (await sign_in(browser)).status_code == 422, "the sixth failure locks for half an hour"

    room.now += timedelta(minutes=15)
    assert where(await sign_in(browser)) == "/desk/"
    entries = await audit(room)
    assert [action for action, _, _ in entries].count("sign_in.locked") == 2
    assert ("sign_in.failed", "user:1", "locked") in entries


@pytest.mark.usefixtures("amina")
async def test_twenty_guesses_at_once_are_five(room: Room, browser: httpx.AsyncClient) -> None:
    await asyncio.gather(*(sign_in(browser, f"phrase longue numéro {each}") for each in range(20)))
    reasons = [why for action, _, why in await audit(room) if action == "sign_in.failed"]
    assert (reasons.count("password"), reasons.count("locked")) == (5, 15)


@pytest.mark.usefixtures("amina")
async def test_success_forgives_earlier_failures(room: Room, browser: httpx.AsyncClient) -> None:
    for _ in range(2):
        for _ in range(4):
            await sign_in(browser, "une autre phrase longue")
        assert where(await sign_in(browser)) == "/desk/"


# --- the second factor --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("amina")
async def test_with_a_second_factor_the_password_alone_opens_nothing(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    totp = await enrol(room, browser)
    room.now += timedelta(seconds=60)
    async with new_browser(room) as other:
        first = await sign_in(other, next="/desk/queue?state=mine")
        assert where(first) == "/desk/login/second-factor?next=%2Fdesk%2Fqueue%3Fstate%3Dmine"
        half = other.cookies[COOKIE]
        assert where(await other.get("/desk/account")) == "/desk/login?next=%2Fdesk%2Faccount"

        page = await other.get(str(where(first)))
        form = {"csrf": hidden(page, "csrf"), "next": hidden(page, "next")}
        answer = await other.post("/desk/login/second-factor", data=form | {"code": totp.at(room.now)})
        assert where(answer) == "/desk/queue?state=mine"
        assert other.cookies[COOKIE] != half, "a new token after each step"
        assert (await other.get("/desk/account")).status_code == 200

        other.cookies.set(COOKIE, half, domain="desk.test", path="/desk")
        again = await other.get("/desk/login/second-factor")
        assert again.status_code == 303, "the first step's token is worth nothing any more"


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(("seconds", "opens"), [(0, True), (30, True), (-30, True), (90, False), (-90, False)])
async def test_a_code_is_good_for_its_half_minute_and_its_neighbours(
    room: Room, browser: httpx.AsyncClient, seconds: int, opens: bool
) -> None:
    await sign_in(browser)
    totp = await enrol(room, browser)
    room.now += timedelta(minutes=10)
    async with new_browser(room) as other:
        page = await other.get(str(where(await sign_in(other))))
        code = totp.at(room.now + timedelta(seconds=seconds))
        answer = await other.post("/desk/login/second-factor", data={"csrf": hidden(page, "csrf"), "code": code})
    assert (answer.status_code == 303) is opens


@pytest.mark.usefixtures("amina")
async def test_no_code_works_twice(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    totp = await enrol(room, browser)
    codes = [totp.at(room.now)]
    room.now += timedelta(minutes=2)
    codes += [totp.at(room.now)] * 2
    statuses = []
    for code in codes:
        async with new_browser(room) as other:
            page = await other.get(str(where(await sign_in(other))))
            form = {"csrf": hidden(page, "csrf"), "code": f" {code[:3]} {code[3:]} "}
            statuses.append((await other.post("/desk/login/second-factor", data=form)).status_code)
    assert statuses == [422, 303, 422]


@pytest.mark.usefixtures("amina")
async def test_who_has_the_password_cannot_guess_codes_for_ever(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    totp = await enrol(room, browser)
    room.now += timedelta(minutes=2)
    async with new_browser(room) as other:
        for _ in range(3):
            page = await other.get(str(where(await sign_in(other))))
            for code in ("000000", "111111"):
                await other.post("/desk/login/second-factor", data={"csrf": hidden(page, "csrf"), "code": code})
        right = {"csrf": hidden(page, "csrf"), "code": totp.at(room.now)}
        assert (await other.post("/desk/login/second-factor", data=right)).status_code == 422
    assert [action for action, _, _ in await audit(room)].count("sign_in.locked") == 1


@pytest.mark.usefixtures("amina")
async def test_where_it_is_required_it_is_enrolled_first(room: Room) -> None:
    furnished(room, desk_second_factor="required")
    async with new_browser(room) as browser:
        await sign_in(browser)
        assert where(await browser.get("/desk/account")) == "/desk/account/second-factor"
        await enrol(room, browser)
        page = await browser.get("/desk/account")
        assert page.status_code == 200
        form = {"csrf": hidden(page, "csrf"), "current": PASSWORD}
        assert (await browser.post("/desk/account/second-factor/remove", data=form)).status_code == 403


@pytest.mark.usefixtures("amina")
async def test_a_wrong_code_does_not_make_anybody_scan_again(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    page = await browser.get("/desk/account/second-factor")
    sealed = hidden(page, "sealed")
    form = {"csrf": hidden(page, "csrf"), "sealed": sealed, "current": PASSWORD, "code": "12345x"}
    answer = await browser.post("/desk/account/second-factor", data=form)
    assert answer.status_code == 422
    assert hidden(answer, "sealed") == sealed


async def test_a_sealed_secret_is_worth_nothing_to_somebody_else(
    room: Room, browser: httpx.AsyncClient, amina: User
) -> None:
    from bot.desk.second_factor import SecondFactors

    factors = SecondFactors(room.desk.settings)
    sealed = factors.new(amina.id, room.now)
    secret = factors.shown(sealed, amina.id, room.now)
    assert secret
    assert factors.shown(sealed, amina.id + 1, room.now) is None
    assert factors.shown(sealed, amina.id, room.now + timedelta(minutes=16)) is None
    kept = factors.kept(secret, amina.id)
    assert secret not in kept
    assert factors.secret(kept, amina.id) == secret
    assert factors.secret(kept, amina.id + 1) is None


# --- sessions -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("amina")
async def test_a_session_ends_after_an_hour_without_use_and_after_twelve_in_any_case(
    room: Room, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser)
    for _ in range(13):
        room.now += timedelta(minutes=55)
        assert (await browser.get("/desk/account")).status_code == 200
    room.now += timedelta(minutes=10)
    assert (await browser.get("/desk/account")).status_code == 303, "twelve hours"

    await sign_in(browser)
    room.now += timedelta(minutes=61)
    assert (await browser.get("/desk/account")).status_code == 303, "an hour without use"


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize("path", ["/desk/counts", "/desk/queue"])
async def test_what_the_browser_asks_for_by_itself_keeps_nobody_signed_in(
    room: Room, browser: httpx.AsyncClient, path: str
) -> None:
    await sign_in(browser)
    for _ in range(2):
        room.now += timedelta(minutes=25)
        assert (await browser.get(path, headers={"HX-Request": "true"})).status_code == 200
    room.now += timedelta(minutes=25)
    assert (await browser.get("/desk/account")).status_code == 303


@pytest.mark.usefixtures("amina")
async def test_that_a_session_is_used_is_written_at_most_once_a_minute(
    room: Room, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser)
    began = room.now
    seen = []
    for seconds in (30, 20, 15, 30):
        room.now += timedelta(seconds=seconds)
        await browser.get("/desk/account")
        async with room.database.reading() as session:
            seen.append(((await session.scalars(select(UserSession.used_at))).one() - began).total_seconds())
    assert seen == [0, 0, 65, 65]


@pytest.mark.usefixtures("amina")
async def test_signing_out_ends_the_session_itself(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    token = browser.cookies[COOKIE]
    page = await browser.get("/desk/account")
    answer = await browser.post("/desk/logout", data={"csrf": hidden(page, "csrf")})
    assert where(answer) == "/desk/login"
    browser.cookies.set(COOKIE, token, domain="desk.test", path="/desk")
    assert (await browser.get("/desk/account")).status_code == 303
    assert ("sign_out", "user:1", None) in await audit(room)


async def test_a_closed_account_is_out_at_once(room: Room, browser: httpx.AsyncClient, amina: User) -> None:
    await sign_in(browser)
    async with room.database.writing() as session:
        user = await users.get(session, amina.id)
        assert user
        await users.disable(session, user, "test", room.now)
    assert (await browser.get("/desk/account")).status_code == 303


@pytest.mark.usefixtures("amina")
async def test_sessions_that_are_over_are_cleared_away(room: Room, browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    room.now += timedelta(hours=2)
    await sign_in(browser)
    async with room.database.reading() as session:
        assert len((await session.scalars(select(UserSession))).all()) == 1


@pytest.mark.usefixtures("amina")
async def test_another_password_signs_the_other_browsers_out(room: Room, browser: httpx.AsyncClient) -> None:
    async with new_browser(room) as other:
        await sign_in(other)
        await sign_in(browser)
        before = browser.cookies[COOKIE]
        page = await browser.get("/desk/account/password")
        form = {"csrf": hidden(page, "csrf"), "current": PASSWORD}
        new = {"password": "cinq mots tiennent encore mieux", "again": "cinq mots tiennent encore mieux"}
        assert where(await browser.post("/desk/account/password", data=form | new)) == "/desk/account"
        assert browser.cookies[COOKIE] != before
        assert (await browser.get("/desk/account")).status_code == 200
        assert (await other.get("/desk/account")).status_code == 303
        assert (await sign_in(other)).status_code == 422
        assert where(await sign_in(other, new["password"])) == "/desk/"


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"current": "faux"}, "Ce n’est pas votre mot de passe actuel."),
        ({"password": "court", "again": "court"}, "au moins 12 caractères"),
        ({"password": "amina aime les fleurs", "again": "amina aime les fleurs"}, "ni votre nom ni votre adresse"),
        ({"password": "motdepasse2026!", "again": "motdepasse2026!"}, "trop facile"),
        ({"again": "autre chose de long"}, "Les deux saisies diffèrent."),
        ({"password": PASSWORD, "again": PASSWORD}, "choisissez-en un autre"),
        ({"password": "x" * 300, "again": "x" * 300}, "au plus 200"),
    ],
)
async def test_a_bad_new_password_is_refused_with_the_reason(
    browser: httpx.AsyncClient, form: dict[str, str], fault: str
) -> None:
    await sign_in(browser)
    page = await browser.get("/desk/account/password")
    good = {"current": PASSWORD, "password": "cinq mots tiennent mieux", "again": "cinq mots tiennent mieux"}
    answer = await browser.post("/desk/account/password", data={"csrf": hidden(page, "csrf")} | good | form)
    assert answer.status_code == 422
    assert fault in answer.text


async def test_who_was_given_a_password_chooses_another_first(
    room: Room, browser: httpx.AsyncClient, amina: User
) -> None:
    async with room.database.writing() as session:
        user = await users.get(session, amina.id)
        assert user
        user.must_change_password = True
    await sign_in(browser)
    assert where(await browser.get("/desk/queue")) == "/desk/account/password"
    led = await browser.get("/desk/queue", headers={"HX-Request": "true"})
    assert (led.status_code, led.headers["hx-redirect"]) == (401, "/desk/account/password")
    page = await browser.get("/desk/account/password")
    new = {"password": "cinq mots tiennent mieux", "again": "cinq mots tiennent mieux", "current": PASSWORD}
    answer = await browser.post("/desk/account/password", data={"csrf": hidden(page, "csrf")} | new)
    assert where(answer) == "/desk/"
    assert (await browser.get("/desk/queue")).status_code == 200


async def test_one_signs_ones_other_browsers_out(room: Room, browser: httpx.AsyncClient, amina: User) -> None:
    async with new_browser(room) as other:
        await sign_in(other)
        await sign_in(browser)
        page = await browser.get("/desk/account")
        assert "1 autre navigateur" in page.text
        await browser.post("/desk/account/sign-out-others", data={"csrf": hidden(page, "csrf")})
        assert (await browser.get("/desk/account")).status_code == 200
        assert (await other.get("/desk/account")).status_code == 303


# --- other sites --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Origin": HOST}, 303),
        ({"Origin": HOST, "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": HOST, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_another_site_signs_nobody_in_and_changes_nothing(
    room: Room, browser: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    await sign_in(browser)
    page = await browser.get("/desk/account")
    form = {"csrf": hidden(page, "csrf"), "name": "Amina", "language": "fr"}
    assert (await browser.post("/desk/account", data=form, headers=headers)).status_code == status
    async with new_browser(room) as other:
        answer = await other.post("/desk/login", data={"email": EMAIL, "password": PASSWORD}, headers=headers)
        assert answer.status_code == status


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/desk/queue?state=mine", "/desk/queue?state=mine"),
        ("/desk/conversations/12", "/desk/conversations/12"),
        ("https://evil.test/desk/", "/desk/"),
        ("//evil.test/desk/", "/desk/"),
        ("/desk//evil.test", "/desk/"),
        ("/desk/../../evil", "/desk/"),
        ("/desk/%2e%2e/evil", "/desk/"),
        ("/desk/\\evil.test", "/desk/"),
        ("/desk/%5cevil.test", "/desk/"),
        ("/desk/a\r\nSet-Cookie: x=y", "/desk/"),
        ("/desk/login?next=/desk/login", "/desk/"),
        ("/try", "/desk/"),
        ("javascript:alert(1)", "/desk/"),
    ],
)
async def test_signing_in_leads_only_inside_the_desk(browser: httpx.AsyncClient, asked: str, led: str) -> None:
    assert where(await sign_in(browser, next=asked)) == led


@pytest.mark.usefixtures("amina")
async def test_a_part_of_a_page_leads_the_whole_page_to_the_entrance(browser: httpx.AsyncClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"{HOST}/desk/conversations/3"}
    answer = await browser.get("/desk/conversations/3/context", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/desk/login?next=%2Fdesk%2Fconversations%2F3"


async def test_a_huge_form_from_nobody_is_not_even_read(browser: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"email=" + b"x" * 30_000

    assert (await sign_in(browser, "x" * 30_000)).status_code == 413
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await browser.post("/desk/login", content=endless(), headers=kind)).status_code == 413
