"""Every operation of the OpenAPI, as it describes itself and otherwise: no error of ours, no answer it does not name.

Operations are read from the application: one that is added is tried without a word here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from conftest import Databases
from fuzz_house import FuzzHouse, open_fuzz_house
from fuzzing import examples
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


def operations(house: FuzzHouse) -> list[Any]:
    schema = schemathesis.openapi.from_dict(house.app.openapi())
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode))
async def test_every_operation_answers_as_it_says(house: FuzzHouse, mode: GenerationMode) -> None:
    found = operations(house)
    assert len(found) > 10
    wrong = []
    for operation in found:
        for case in examples(operation.as_strategy(generation_mode=mode), EXAMPLES):
            wrong += await failures(house, case, {"Authorization": f"Bearer {house.key}"})
    assert not wrong, "\n".join(wrong)


async def test_no_operation_is_there_for_who_has_no_key(house: FuzzHouse) -> None:
    for operation in operations(house):
        for case in examples(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), 1):
            answer = await made(house, case, {})
            assert answer.status_code in (401, 429), operation.label


async def made(house: FuzzHouse, case: Any, headers: dict[str, str]) -> Any:
    """The answer to one call, made as schemathesis would make it over a socket."""
    import requests

    arguments = case.as_transport_kwargs(base_url=str(house.browser.base_url))
    arguments.pop("timeout", None)
    prepared = requests.Request(**{name: value for name, value in arguments.items() if name in REQUEST}).prepare()
    told = {name: value for name, value in prepared.headers.items() if name.lower() != "authorization"}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    return await house.browser.request(
        prepared.method or "GET", prepared.url or "", content=body, headers=told | headers
    )


REQUEST = frozenset({"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"})


async def failures(house: FuzzHouse, case: Any, headers: dict[str, str]) -> list[str]:
    from schemathesis.core.failures import Failure, FailureGroup

    answer = await made(house, case, headers)
    try:
        case.validate_response(answer, checks=CHECKS)
    except (Failure, FailureGroup) as failure:
        return [f"{case.operation.label} answered {answer.status_code}: {failure}"]
    return []
