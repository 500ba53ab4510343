"""What the dialogue listens for is not looked for in a message of numbers alone; and would not be found there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu import anger, asides, communes, danger, particulars, request_topics, topics
from nlu.entities import spelled_out


@given(st.from_regex(asides.NUMBERS_ALONE, fullmatch=True).filter(lambda text: len(text) < 40))
def test_nothing_would_be_found_in_numbers_alone(text: str) -> None:
    folded = spelled_out(text)
    assert topics.find_in(folded) == request_topics.find_in(folded) == danger.find_in(folded) == []
    assert anger.find_in(folded, text) == particulars.find_in(folded, text) == []
    assert communes.known().find_in(folded, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48213", []),
        ("٤٨٢١٣", []),
        ("48 213,5", []),
        ("15%", ["percent"]),
        ("48213 il y a le feu", ["danger"]),
    ],
)
def test_what_is_found_beside_numbers(text: str, expected: list[str]) -> None:
    assert [each["entity"] for each in asides.find_in(spelled_out(text), text)] == expected
