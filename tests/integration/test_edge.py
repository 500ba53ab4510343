"""Between the network and the routes: sizes, slowness, names, strangers, and what every answer tells a browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from desk_room import Room
from fastapi import FastAPI, HTTPException, Request
from limits import RateLimitItemPerMinute
from serving import serving

from bot.edge import protocol
from bot.edge.guarded import LARGEST_BODY, GuardedApp
from bot.edge.protocol import MOST_HEADERS, BoundedProtocol
from bot.edge.tries import TooMany, Tries
from bot.settings import Settings
from store.database import Database

PUBLIC = "https://releve.example.ma"


def app_for(**settings: Any) -> FastAPI:
    app = GuardedApp(Settings(_env_file=None, **settings), lambda: False)

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/import", max_body_size=4 * LARGEST_BODY)
    async def large(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(chunk) async for chunk in request.stream()])}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret of ours")

    @app.get("/api/v1/things")
    async def things(request: Request) -> list[str]:
        if request.headers.get("authorization") != "Bearer good":
            raise HTTPException(401, "a key is needed")
        return []

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"client": "ok"}

    return app


def caller(app: FastAPI, base: str = PUBLIC, address: str = "203.0.113.9") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url=base)


# --- headers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/things", "/nothing", "/broken", "/api/openapi.json"])
async def test_every_answer_is_made_safe(path: str) -> None:
    async with caller(app_for(public_url=PUBLIC)) as client:
        answer = await client.get(path)
    headers = answer.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "access-control-allow-origin" not in headers
    assert "secret" not in answer.text
    assert ("no-store" in headers.get("cache-control", "")) is path.startswith("/api/")


async def test_without_https_nobody_is_told_to_stay_there() -> None:
    async with caller(app_for(public_url="http://localhost:8000")) as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        ("releve.example.ma", "/nothing", 404),
        ("releve.example.ma:443", "/nothing", 404),
        ("RELEVE.example.MA", "/nothing", 404),
        ("localhost:8000", "/nothing", 404),
        ("[::1]:8000", "/nothing", 404),
        ("inside.example", "/nothing", 404),
        ("attacker.example", "/nothing", 400),
        ("releve.example.ma.attacker.example", "/nothing", 400),
        ("", "/nothing", 400),
        ("10.0.0.7:8000", "/healthz", 200),
        ("10.0.0.7:8000", "/webhooks/twilio", 404),
    ],
)
async def test_only_known_names_are_answered(host: str, path: str, status: int) -> None:
    async with caller(app_for(public_url=PUBLIC, known_hosts="inside.example")) as client:
        assert (await client.get(path, headers={"Host": host})).status_code == status


async def test_a_machine_without_a_public_address_is_called_by_any_name() -> None:
    async with caller(app_for(), base="http://192.168.1.5:8000") as client:
        assert (await client.get("/nothing")).status_code == 404


# --- strangers ----------------------------------------------------------------------------------------------


async def test_keys_are_not_guessed_for_long() -> None:
    app = app_for()
    async with caller(app) as client, caller(app, address="198.51.100.1") as elsewhere:
        statuses = [(await client.get("/api/v1/things")).status_code for _ in range(31)]
        refused = await client.get("/api/v1/things")
        assert statuses == [401] * 30 + [429]
        assert 0 < int(refused.headers["retry-after"]) <= 900
        assert "try again" in refused.json()["detail"]
        assert refused.headers["x-content-type-options"] == "nosniff"
        assert (await elsewhere.get("/api/v1/things")).status_code == 401
        good = await client.get("/api/v1/things", headers={"Authorization": "Bearer good"})
        assert good.status_code == 200, "who proves who they are is never refused for a neighbour's sake"


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:203.0.113.9", "203.0.113.9", True),
        ("203.0.113.9", "203.0.113.8", False),
        (None, None, True),
    ],
)
def test_an_address_is_a_household(one: str | None, other: str | None, are_one: bool) -> None:
    tries = Tries(RateLimitItemPerMinute(1))
    tries.failed(one)
    assert (tries.failed(other) is not None) is are_one


def test_tries_under_way_count() -> None:
    tries = Tries(RateLimitItemPerMinute(2))
    with tries.one("203.0.113.9"), tries.one("203.0.113.9") as second:
        with pytest.raises(TooMany), tries.one("203.0.113.9"):
            pass
        second.failed = True
    with tries.one("203.0.113.9"):
        pass
    with tries.one("203.0.113.9") as again:
        again.failed = True
    with pytest.raises(TooMany) as refused, tries.one("203.0.113.9"):
        pass
    assert 0 < refused.value.retry_after <= 60


async def test_one_password_is_not_tried_on_everybodys_account(database: Database) -> None:
    room = Room(database)
    room.refit(tries=Tries(RateLimitItemPerMinute(3)))
    async with caller(room.app, base="http://desk.test") as stranger:
        statuses = []
        for number in range(4):
            form = {"email": f"{number}@desk.test", "password": "Printemps2026!"}
            statuses.append((answer := await stranger.post("/desk/login", data=form)).status_code)
    assert statuses == [422, 422, 422, 429]
    assert int(answer.headers["retry-after"]) > 0
    assert "Trop d’essais" in answer.text


# --- sizes, on a real socket --------------------------------------------------------------------------------


@pytest.fixture
async def base() -> AsyncIterator[str]:
    async with serving(app_for(), http=BoundedProtocol, server_header=False) as base:
        yield base


async def sent(base: str, *parts: bytes, pause: float = 0) -> bytes:
    """What a socket answers to raw bytes, until it closes; each part after a pause."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_body_ends_where_its_route_says(base: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield b"x" * (LARGEST_BODY // 16)

    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.post("/echo", content=b"x" * LARGEST_BODY)).json() == {"bytes": LARGEST_BODY}
        assert (await client.post("/echo", content=b"x" * (LARGEST_BODY + 1))).status_code == 413
        assert (await client.post("/echo", content=chunks())).status_code == 413, "nobody said how much it would be"
        assert (await client.post("/import", content=chunks())).json() == {"bytes": 2 * LARGEST_BODY}
        assert (await client.post("/import", content=b"x" * (4 * LARGEST_BODY + 1))).status_code == 413


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"a: b\r\n" * 90 + b"\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * (MOST_HEADERS + 1) + b"\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\na: " + b"b" * 60_000, b"431"),
        (b"GET /" + b"a" * 60_000, b"431"),
        (b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", b"400"),
        (b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
    ],
)
async def test_a_head_ends(base: str, head: bytes, status: bytes) -> None:
    assert (await sent(base, head)).split(b" ")[1] == status


async def test_no_answer_says_what_serves(base: str) -> None:
    async with httpx.AsyncClient(base_url=base) as client:
        assert "server" not in (await client.get("/healthz")).headers


# --- slowness -----------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(protocol, "LOOK_SECONDS", 0.1)


BODY = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
ASKED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((b"GET /healthz HTTP/1.1\r\n", b"Host: x\r\n", b"a: b\r\n"), b"408"),
        ((BODY, b"x", b"x", b"x"), b"408"),
        ((b"",), None),
        ((ASKED, b"\r\n"), b"200"),
        ((ASKED, ASKED, b"GET /heal"), b"200"),
    ],
)
async def test_who_comes_slowly_is_not_waited_for(
    base: str, impatient: None, parts: tuple[bytes, ...], status: bytes | None
) -> None:
    answer = await sent(base, *parts, pause=0.08)
    assert answer.split(b" ")[1:2] == ([status] if status else [])


async def test_who_comes_steadily_is_waited_for(base: str, impatient: None) -> None:
    """For seven times as long as it takes to be found slow."""

    async def steadily() -> AsyncIterator[bytes]:
        for _ in range(14):
            yield b"x" * 60_000
            await asyncio.sleep(0.05)

    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.post("/echo", content=steadily())).json() == {"bytes": 840_000}
