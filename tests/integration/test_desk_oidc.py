"""Signing in with the organisation's account, against a real OpenID Connect provider on a socket of this machine."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx
import pytest
from desk_room import HOST, Room
from fastapi import FastAPI, Form, Header, HTTPException
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr
from serving import address_of, listening, serving
from sqlalchemy import select

from bot.desk.access import COOKIE
from store import users
from store.database import Database
from store.desk_models import Role, User
from store.models import Audit

CLIENT, SECRET = "releve", "secret with & and :"
KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
FOREIGN_KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})


@dataclass
class Staff:
    """The provider: whoever comes is `claims`; a test spoils what it sends."""

    room: Room
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    calls_itself: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        async def discovery() -> dict[str, Any]:
            return {
                "issuer": self.calls_itself or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }

        @app.get("/keys")
        async def keys() -> dict[str, Any]:
            return {"keys": [KEY.as_dict(private=False)]}

        @app.get("/authorize")
        async def authorize(
            client_id: str, redirect_uri: str, state: str, nonce: str, code_challenge: str, scope: str
        ) -> RedirectResponse:
            assert (client_id, scope) == (CLIENT, "openid email")
            code = f"code-{len(self.codes)}"
            self.codes[code] = {"nonce": nonce, "challenge": code_challenge, "redirect_uri": redirect_uri}
            return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}", 303)

        @app.post("/token")
        async def token(
            grant_type: str = Form(),
            code: str = Form(),
            redirect_uri: str = Form(),
            code_verifier: str = Form(),
            authorization: str = Header(),
        ) -> dict[str, Any]:
            known = self.codes.pop(code, None)
            challenge = urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
            client = [unquote(each) for each in b64decode(authorization.removeprefix("Basic ")).decode().split(":")]
            if known is None or challenge != known["challenge"] or redirect_uri != known["redirect_uri"]:
                raise HTTPException(400, "invalid_grant")
            if client != [CLIENT, SECRET] or grant_type != "authorization_code":
                raise HTTPException(401, "invalid_client")
            now = int(self.room.now.timestamp())
            said = {"iss": self.issuer, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300} | {
                "nonce": known["nonce"],
                "email": "Amina@desk.test",
                "email_verified": True,
            }
            said = {name: value for name, value in (said | self.claims).items() if value is not None}
            header = {"alg": self.algorithm, "kid": "one"}
            id_token = jwt.encode(header, said, self.key, algorithms=[self.algorithm])
            return {"access_token": "x", "token_type": "Bearer", "id_token": id_token}

        return app


@pytest.fixture
async def staff(database: Database) -> AsyncIterator[Staff]:
    room, listener = Room(database), listening()
    provider = Staff(room, address_of(listener))
    room.refit(
        {
            "secret_key": SecretStr("k" * 32),
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SecretStr(SECRET),
        }
    )
    async with serving(provider.app(), listener):
        yield provider


@pytest.fixture
async def amina(staff: Staff) -> User:
    async with staff.room.database.writing() as session:
        return await users.create(
            session,
            email="amina@desk.test",
            name="Amina",
            role=Role.AGENT,
            password_hash="never used",
            actor="test",
            now=staff.room.now,
        )


@pytest.fixture
async def browser(staff: Staff) -> AsyncIterator[httpx.AsyncClient]:
    async with new_browser(staff) as client:
        yield client


def new_browser(staff: Staff) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(staff.room.app), base_url=HOST)


async def at_provider(browser: httpx.AsyncClient, to: str = "/desk/queue") -> str:
    """Leave the desk for the provider; the address that it sends the browser back to."""
    left = await browser.get("/desk/login/oidc", params={"next": to})
    assert left.status_code == 303
    async with httpx.AsyncClient() as outside:
        return str((await outside.get(left.headers["location"])).headers["location"])


async def come_in(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get(await at_provider(browser))


async def the_user(staff: Staff) -> User:
    async with staff.room.database.reading() as session:
        return (await session.scalars(select(User))).one()


@pytest.mark.usefixtures("amina")
async def test_somebody_with_an_account_comes_in_and_is_known_afterwards(
    staff: Staff, browser: httpx.AsyncClient
) -> None:
    answer = await come_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/queue")
    assert (await browser.get("/desk/queue")).status_code == 200
    user = await the_user(staff)
    assert user.oidc_subject
    assert user.password_hash is None, "a starting password that nobody used ends"

    staff.claims = {"email": "amina.married@desk.test"}
    async with new_browser(staff) as other:
        assert (await come_in(other)).headers["location"] == "/desk/queue"
    async with staff.room.database.reading() as session:
        actions = list(await session.scalars(select(Audit.action).order_by(Audit.id)))
    assert actions == ["user.created", "user.linked", "sign_in", "sign_in"]


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(
    "claims",
    [
        {"email": "nobody@desk.test"},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email": None},
    ],
)
async def test_nobody_comes_in_without_an_account_and_a_verified_address(
    staff: Staff, browser: httpx.AsyncClient, claims: dict[str, Any]
) -> None:
    staff.claims = claims
    answer = await come_in(browser)
    assert answer.status_code == 422
    assert "n’a pas accès à Relève" in answer.text
    assert COOKIE not in browser.cookies


@pytest.mark.usefixtures("amina")
async def test_an_address_that_changed_hands_opens_nothing(staff: Staff, browser: httpx.AsyncClient) -> None:
    await come_in(browser)
    staff.claims = {"sub": "s-2"}
    async with new_browser(staff) as other:
        assert (await come_in(other)).status_code == 422


async def test_a_closed_account_stays_closed(staff: Staff, browser: httpx.AsyncClient, amina: User) -> None:
    async with staff.room.database.writing() as session:
        user = await users.get(session, amina.id)
        assert user
        await users.disable(session, user, "test", staff.room.now)
    assert (await come_in(browser)).status_code == 422


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize(
    "spoilt",
    [
        {"claims": {"iss": "https://evil.test"}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": ["another", CLIENT], "azp": "another"}},
        {"claims": {"exp": 1}},
        {"claims": {"exp": None}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"sub": None}},
        {"key": FOREIGN_KEY},
        {"key": OctKey.import_key(SECRET * 2), "algorithm": "HS256"},
    ],
)
async def test_a_spoilt_id_token_opens_nothing(
    staff: Staff, browser: httpx.AsyncClient, spoilt: dict[str, Any]
) -> None:
    for name, value in spoilt.items():
        setattr(staff, name, value)
    answer = await come_in(browser)
    assert answer.status_code == 422
    assert "n’a pas abouti" in answer.text
    assert COOKIE not in browser.cookies


@pytest.mark.usefixtures("amina")
async def test_only_the_browser_that_left_comes_back_and_once(staff: Staff, browser: httpx.AsyncClient) -> None:
    back = await at_provider(browser)
    async with new_browser(staff) as victim:
        assert (await victim.get(back)).status_code == 422, "somebody else's code"
        await at_provider(victim)
        assert (await victim.get(back)).status_code == 422, "somebody else's code, on the way oneself"
    assert (await browser.get(back)).status_code == 303
    assert (await browser.get(back)).status_code == 422, "twice"


@pytest.mark.usefixtures("amina")
@pytest.mark.parametrize("change", [{"state": "x"}, {"code": "made-up"}, {"iss": "https://evil.test"}])
async def test_what_comes_back_changed_opens_nothing(
    staff: Staff, browser: httpx.AsyncClient, change: dict[str, str]
) -> None:
    back = urlsplit(await at_provider(browser))
    query = {name: values[0] for name, values in parse_qs(back.query).items()} | change
    assert (await browser.get(f"{back.path}?{urlencode(query)}")).status_code == 422


async def test_a_refusal_and_an_unknown_provider_are_said_plainly(staff: Staff, browser: httpx.AsyncClient) -> None:
    await at_provider(browser)
    refused = await browser.get("/desk/login/oidc/callback?error=access_denied")
    assert (refused.status_code, "n’a pas abouti" in refused.text) == (422, True)
    staff.calls_itself = "https://evil.test"
    staff.room.refit()
    async with new_browser(staff) as other:
        assert (await other.get("/desk/login/oidc")).status_code == 422


async def test_a_provider_that_is_away_is_said_plainly(staff: Staff) -> None:
    staff.room.refit({"oidc_issuer": "http://127.0.0.1:9"})
    async with new_browser(staff) as browser:
        answer = await asyncio.wait_for(browser.get("/desk/login/oidc"), 5)
    assert answer.status_code == 422


async def test_without_settings_there_is_no_such_way(database: Database) -> None:
    room = Room(database)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(room.app), base_url=HOST) as browser:
        assert (await browser.get("/desk/login/oidc")).status_code == 404
        assert (await browser.get("/desk/login/oidc/callback")).status_code == 404
        assert "organisation" not in (await browser.get("/desk/login")).text
