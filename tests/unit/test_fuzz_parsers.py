"""Nothing that anybody writes makes what reads it fail in a way it does not say. The long run: `bench/fuzz.py`."""

from __future__ import annotations

import pytest
from fuzz_parsers import PARSERS, Parser
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

EXAMPLES = 30


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS.keys())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_a_reader_only_fails_as_it_says(parser: Parser, data: st.DataObject) -> None:
    parser.takes(data.draw(parser.inputs))


@pytest.mark.parametrize("name", ["import of customers", "telegram update", "twilio JSON"])
def test_nothing_is_nested_for_ever(name: str) -> None:
    """A hundred thousand arrays in one another took the import's parser a minute."""
    deep = "[" * 100_000
    PARSERS[name].takes(deep if name == "twilio JSON" else deep.encode())


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("list of rounds", "starts_at"),
        ("list of rounds", "commune"),
        ("list of agencies", "commune"),
        ("list of outages", "ends_at"),
    ],
)
def test_half_a_character_is_not_a_moment_nor_a_commune(name: str, field: str) -> None:
    """JSON may hold a lone surrogate; the reason why it is none quoted it, and could not be written."""
    PARSERS[name].takes({field: "\udfff48213"})
