"""The whole application with the demo's customers and desk, called without sockets, and what to call it with.

Routes are asked for of the application itself: one that is added is fuzzed without a word here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from accounts import SECRET, TOKEN, emulators_for, settings_for
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fuzz_inputs import broken_json, encoded, form_bodies, mutated, path_parts, queries, texts
from fuzz_parsers import TELEGRAM_UPDATES, TWILIO_MESSAGE, TWILIO_STATUS
from hypothesis import strategies as st
from pydantic import SecretStr
from serving import serving
from sqlalchemy import func, select
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.app import create_app
from bot.clock import system_clock
from bot.commands.demo import furnish_desk, load_customers
from bot.desk.access import COOKIE
from bot.desk.rights import rights
from bot.service import Service
from bot.settings import PROJECT
from bot.tryit import demo_customers, tryit_app
from store import user_sessions
from store.api_keys import Scope, issue
from store.database import Database
from store.desk_models import Role, User
from store.models import Message

BASE = "https://releve.example.ma"
SECRET_KEY = SecretStr("a secret of the fuzz tests of 40 letters.")
STREAMS = frozenset({"/desk/events"})
"""Never end: read elsewhere."""
_PLACE = re.compile(r"\{(\w+)(?::\w+)?\}")
_FIELD = re.compile(
    r"""\.(?:text|secret|several|row_ids)\(\s*["']([\w-]+)["']|query_params(?:\.get)?[\[(]["'](\w+)["']"""
)


@dataclass
class FuzzHouse:
    """Calls come from `browser`, whose application tells an unexpected error by a 500, as it does outside."""

    app: FastAPI
    service: Service
    browser: httpx.AsyncClient
    key: str
    _tokens: dict[Role, tuple[str, str]] = field(default_factory=dict)

    async def messages(self) -> int:
        async with self.service.database.reading() as session:
            return await session.scalar(select(func.count()).select_from(Message)) or 0

    async def sign_in(self, role: Role) -> tuple[str, str]:
        """A session's token and the token of its forms; another one each time, since what is tried may end it."""
        database, now = self.service.database, system_clock()
        async with database.writing() as session:
            query = select(User).where(User.role == role).order_by(User.id).limit(1)
            user = await session.scalar(query) or User(
                email=f"{role}@fuzz.test", name=role, role=role, language="fr", speaks=["fr"], created_at=now
            )
            user.disabled_at, user.must_change_password, user.role = None, False, role
            session.add(user)
            await session.flush()
            token = await user_sessions.open_session(session, user.id, now, is_complete=True)
            found = await user_sessions.signed_in(session, token, now)
            assert found is not None
            return token, found.csrf


@dataclass(frozen=True, slots=True)
class Call:
    """One request: how it is made is drawn, what must hold of its answer is not."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    async def made(self, house: FuzzHouse) -> httpx.Response:
        url = httpx.URL(BASE + self.path + (f"?{quote(self.query, safe='=&%+;/')}" if self.query else ""))
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        return await house.browser.request(self.method, url, content=self.body, headers=headers)


@asynccontextmanager
async def open_fuzz_house(database_url: str, assistant: Any, directory: Path) -> AsyncIterator[FuzzHouse]:
    """At `database_url`, which is migrated and empty. Nothing works off what is stored; carriers are emulated."""
    database = Database(database_url)
    await load_customers(database)
    await furnish_desk(database)
    async with database.writing() as session:
        key = await issue(session, "fuzz", list(Scope), "test", system_clock())
    await database.close()
    emulators = tryit_app(emulators_for("http://nobody.invalid", "http://emulators.invalid"), demo_customers())
    async with serving(emulators, lifespan="on") as carriers:
        settings = settings_for(
            BASE, carriers, database_url=database_url, secret_key=SECRET_KEY, spool_dir=directory, sender_burst=0
        )
        service = Service.build(settings, assistant=assistant)
        for carrier in service.carriers:
            await carrier.start(service.intake)
        app = create_app(service, work=False)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60) as browser:
            yield FuzzHouse(app, service, browser, key)
        for carrier in service.carriers:
            await carrier.stop()
        await service.attachments.close()
        await service.database.close()


# --- the carriers' webhooks ---------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


def signed(path: str, body: bytes, content_type: str = FORM, *, valid: bool = True) -> Call:
    """As Twilio signs: the address with the form's parameters, or with the hash of a JSON body."""
    url = BASE + path
    parameters: Mapping[str, str] = {}
    query = ""
    if content_type == FORM:
        from bot.channels.twilio.forms import Malformed, decode_form

        try:
            parameters = decode_form(body)
        except Malformed:
            parameters = {}
    else:
        query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
        url = f"{url}?{query}"
    signature = RequestValidator(TOKEN if valid else "another token").compute_signature(url, parameters)
    return Call("POST", path, query, body, {"X-Twilio-Signature": signature, "Content-Type": content_type})


def twilio_calls(*, valid: bool) -> st.SearchStrategy[Call]:
    names = {*TWILIO_MESSAGE, *TWILIO_STATUS}
    nearly = st.one_of(mutated(TWILIO_MESSAGE), mutated(TWILIO_STATUS)).map(
        lambda form: _urlencoded({name: str(value)[:20_000] for name, value in form.items()})
    )
    form = st.one_of(nearly, nearly, form_bodies(names))
    body = st.one_of(mutated(TWILIO_MESSAGE).map(encoded), broken_json())
    path = st.sampled_from(["/webhooks/twilio", "/webhooks/twilio/status"])
    return st.one_of(
        st.builds(lambda where, what: signed(where, what, valid=valid), path, form),
        st.builds(lambda where, what: signed(where, what, "application/json", valid=valid), path, body),
        st.builds(lambda where, what: signed(where, what, "text/plain", valid=valid), path, form),
    )


def telegram_calls(*, valid: bool) -> st.SearchStrategy[Call]:
    secret = st.just(SECRET) if valid else st.sampled_from(["", "wrong", SECRET + "x", "é", "\x00"])
    body = st.one_of(st.sampled_from(TELEGRAM_UPDATES).flatmap(mutated).map(encoded), broken_json())
    return st.builds(
        lambda given, content: Call(
            "POST",
            "/webhooks/telegram",
            body=content,
            headers={"X-Telegram-Bot-Api-Secret-Token": given},
        ),
        secret,
        body,
    )


# --- routes that the OpenAPI does not list ------------------------------------------------------------------


def unlisted(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route that is not in the OpenAPI, the desk's and the webhooks' left out."""
    found = set()
    for route in iter_route_contexts(app.routes):
        original, path = route.original_route, route.path or ""
        if not isinstance(original, Route) and not hasattr(original, "dependant"):
            continue
        if path.startswith(("/desk", "/webhooks")) or getattr(original, "include_in_schema", False):
            continue
        found |= {(method, path) for method in route.methods or ()}
    return sorted(found)


def open_calls(method: str, path: str) -> st.SearchStrategy[Call]:
    return st.builds(
        lambda parts, query, body: Call(method, filled(path, parts), query, body),
        st.lists(path_parts(), min_size=4, max_size=4),
        queries(["lang", "next", "q"]),
        st.binary(max_size=50),
    )


# --- the desk -----------------------------------------------------------------------------------------------


def desk_fields(app: FastAPI) -> tuple[str, ...]:
    """What the desk's pages read of addresses, as their routes say, and of forms, by their own words."""
    found: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if (route.path or "").startswith("/desk") and isinstance(route.original_route, APIRoute):
            found |= {parameter.alias for parameter in route.dependant.query_params}
    for module in sorted((PROJECT / "bot" / "desk").rglob("*.py")):
        for match in _FIELD.finditer(module.read_text(encoding="utf-8")):
            found |= {name for name in match.groups() if name}
    return tuple(sorted(found))


def desk_routes(app: FastAPI) -> list[tuple[str, str, Role]]:
    """Method, path and who may call it."""
    return [
        (right.method, right.path, right.roles[0] if right.roles else Role.AGENT)
        for right in rights(app.routes)
        if right.path not in STREAMS
    ]


def desk_calls(method: str, path: str, fields: Sequence[str]) -> st.SearchStrategy[Callable[[str, str], Call]]:
    """Calls of one route, once somebody is signed in with a session's token and has its forms' token."""
    odd_form = form_bodies(fields)
    sound = st.fixed_dictionaries(
        {}, optional={name: st.one_of(texts(), st.integers(-1, 9).map(str)) for name in fields}
    ).map(_urlencoded)
    form = st.one_of(sound, odd_form)
    multipart = st.binary(max_size=300).map(
        lambda noise: b'--x\r\nContent-Disposition: form-data; name="file"; filename="a\xff\0b"\r\n\r\n' + noise
    )

    def build(parts: list[str], query: str, body: bytes, as_files: bytes | None, part: bool) -> Any:
        def call(token: str, csrf: str) -> Call:
            headers = {"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": csrf, "Content-Type": FORM}
            content = body
            if as_files is not None:
                headers["Content-Type"], content = "multipart/form-data; boundary=x", as_files
            if part:
                headers["HX-Request"] = "true"
            return Call(method, filled(path, parts), query, b"" if method == "GET" else content, headers)

        return call

    return st.builds(
        build,
        st.lists(path_parts(), min_size=4, max_size=4),
        queries(fields),
        form,
        st.one_of(st.none(), st.none(), st.none(), multipart),
        st.booleans(),
    )


def _urlencoded(form: Mapping[str, str]) -> bytes:
    pairs = (f"{name}={quote(value, errors='surrogatepass')}" for name, value in form.items())
    return "&".join(pairs).encode("ascii", "ignore")


def filled(path: str, parts: list[str]) -> str:
    """`path` with `parts` in its places."""
    remaining = iter(parts)
    return _PLACE.sub(lambda _place: next(remaining, "1"), path)


def is_crash(answer: httpx.Response) -> bool:
    """503 is an answer: something cannot be had now, and it says so."""
    return answer.status_code >= 500 and answer.status_code != 503
