"""Every route takes whatever comes: no unexpected error, and nothing stored for those who prove nothing.

The long run, which writes what was tried to bench/results/fuzz.json, is `bench/fuzz.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from conftest import Databases
from fuzz_house import (
    Call,
    FuzzHouse,
    desk_calls,
    desk_fields,
    desk_routes,
    is_crash,
    open_calls,
    open_fuzz_house,
    telegram_calls,
    twilio_calls,
    unlisted,
)
from fuzzing import tried

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEBHOOK_EXAMPLES = 40
DESK_EXAMPLES = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    databases: Databases, assistant: Any, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[FuzzHouse]:
    directory: Path = tmp_path_factory.mktemp("spool")
    async with open_fuzz_house(await databases.migrated(), assistant, directory) as house:
        yield house


@pytest.mark.parametrize("calls", [twilio_calls, telegram_calls])
async def test_a_carrier_may_write_whatever_it_likes(house: FuzzHouse, calls: Any) -> None:
    async def call(drawn: Call) -> None:
        answer = await drawn.made(house)
        assert answer.status_code in (200, 204, 400, 413), drawn

    await tried(calls(valid=True), call, WEBHOOK_EXAMPLES)


@pytest.mark.parametrize("calls", [twilio_calls, telegram_calls])
async def test_nothing_is_stored_for_who_is_no_carrier(house: FuzzHouse, calls: Any) -> None:
    before = await house.messages()

    async def call(drawn: Call) -> None:
        assert (await drawn.made(house)).status_code in (400, 403, 413, 429), drawn

    await tried(calls(valid=False), call, WEBHOOK_EXAMPLES)
    assert await house.messages() == before


async def test_routes_that_no_list_names_take_whatever_comes(house: FuzzHouse) -> None:
    routes = unlisted(house.app)
    assert ("GET", "/files/{token}/{name}") in routes
    assert ("GET", "/healthz") in routes
    for method, path in routes:

        async def call(drawn: Call) -> None:
            assert not is_crash(await drawn.made(house)), drawn

        await tried(open_calls(method, path), call, DESK_EXAMPLES)


async def test_every_page_of_the_desk_takes_whatever_comes(house: FuzzHouse) -> None:
    if not house.service.database.is_sqlite:
        pytest.skip("once is enough: what the desk writes is tried on both elsewhere")
    fields = desk_fields(house.app)
    assert {"email", "body", "q"} <= set(fields)
    for method, path, role in desk_routes(house.app):
        session = await house.sign_in(role)

        async def call(drawn: Any, session: tuple[str, str] = session) -> None:
            made = drawn(*session)
            assert not is_crash(await made.made(house)), made

        await tried(desk_calls(method, path, fields), call, DESK_EXAMPLES)
