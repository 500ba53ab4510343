"""Every operation of the OpenAPI, as it describes itself and otherwise: no error of ours, no answer it does not name.

Operations are read from the application: one that is added is tried without a word here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import schemathesis
from conftest import Databases
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fuzz_house import FuzzHouse, open_fuzz_house
from fuzzing import examples
from pydantic import BaseModel
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = 2
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(assistant: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FuzzHouse]:
    directory = tmp_path_factory.mktemp("fuzz")
    async with open_fuzz_house(await Databases(directory, None).migrated(), assistant, directory) as house:
        yield house


def operations(app: FastAPI) -> list[Any]:
    schema = schemathesis.openapi.from_dict(app.openapi())
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_every_operation_answers_as_it_says(house: FuzzHouse, mode: GenerationMode) -> None:
    found = operations(house.app)
    assert len(found) > 10
    wrong = []
    for operation in found:
        for case in examples(operation.as_strategy(generation_mode=mode), EXAMPLES):
            wrong += await failures(house.browser, case, {"Authorization": f"Bearer {house.key}"})
    assert not wrong, "\n".join(wrong)


async def test_no_operation_is_there_for_who_has_no_key(house: FuzzHouse) -> None:
    for operation in operations(house.app):
        for case in examples(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), 1):
            answer = await made(house.browser, case, {})
            assert answer.status_code in (401, 429), operation.label


class Answer(BaseModel):
    number: int


async def raises() -> Answer:
    raise KeyError("nobody thought of this")


async def answers_another_shape() -> Response:
    return JSONResponse({"number": "many"})


async def answers_another_status() -> Response:
    return JSONResponse({"number": 1}, status_code=418)


async def answers_another_type() -> Response:
    return PlainTextResponse("1")


async def answers_as_it_says() -> Answer:
    return Answer(number=1)


@pytest.mark.parametrize(
    ("operation", "is_wrong"),
    [
        (raises, True),
        (answers_another_shape, True),
        (answers_another_status, True),
        (answers_another_type, True),
        (answers_as_it_says, False),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_an_operation_that_does_otherwise_would_be_found(operation: Any, is_wrong: bool) -> None:
    app = FastAPI()
    app.get("/number", response_model=Answer)(operation)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as browser:
        [found] = operations(app)
        [case] = examples(found.as_strategy(), 1)
        assert bool(await failures(browser, case, {})) is is_wrong


async def made(browser: httpx.AsyncClient, case: Any, headers: dict[str, str]) -> Any:
    """The answer to one call, made as schemathesis would make it over a socket."""
    import requests

    arguments = case.as_transport_kwargs(base_url=str(browser.base_url))
    arguments.pop("timeout", None)
    prepared = requests.Request(**{name: value for name, value in arguments.items() if name in REQUEST}).prepare()
    told = {name: value for name, value in prepared.headers.items() if name.lower() != "authorization"}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    return await browser.request(prepared.method or "GET", prepared.url or "", content=body, headers=told | headers)


REQUEST = frozenset({"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"})


async def failures(browser: httpx.AsyncClient, case: Any, headers: dict[str, str]) -> list[str]:
    from schemathesis.core.failures import Failure, FailureGroup

    answer = await made(browser, case, headers)
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        return [f"{case.operation.label} answered {answer.status_code}: {failure}"]
    return []
