"""Communes are recognised however they are written, and not in words that only look like them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nlu.communes import known
from nlu.entities import spelled_out
from store.demo.cast import COMMUNES

TABLE: dict[str, list[str]] = yaml.safe_load(
    (Path(__file__).parents[1] / "understanding" / "communes.yml").read_text(encoding="utf-8")
)
NAMED = [
    pytest.param(text, commune, id=f"{commune}: {text}")
    for commune, texts in TABLE.items()
    if commune != "none"
    for text in texts
]


def communes(text: str) -> list[str]:
    return [each["value"] for each in known().find_in(spelled_out(text), text)]


@pytest.mark.parametrize(("text", "commune"), NAMED)
def test_a_commune_is_recognised_in_any_spelling(text: str, commune: str) -> None:
    assert communes(text) == [commune]


@pytest.mark.parametrize("text", TABLE["none"])
def test_words_that_look_like_a_commune_are_none(text: str) -> None:
    assert communes(text) == []


def test_every_commune_of_the_demo_is_known_by_its_name() -> None:
    assert {commune: known().canonical(commune) for commune in COMMUNES} == {commune: commune for commune in COMMUNES}


@pytest.mark.parametrize("name", known().names)
def test_a_name_alone_is_that_commune(name: str) -> None:
    assert known().canonical(name) == name
    assert communes(name) == [name]


@pytest.mark.parametrize(
    ("text", "commune"),
    [
        ("à Safi", "Safi"),
        ("bni mellal", "Béni Mellal"),
        ("ville de Salé", None),
        ("commune Salé", "Salé"),
        ("je suis à Azilal", None),
        ("", None),
        ("???", None),
        ("48213", None),
    ],
)
def test_an_answer_is_a_commune_and_nothing_else(text: str, commune: str | None) -> None:
    assert known().canonical(text) == commune


def test_two_communes_are_told_in_their_order_and_shown_where_they_stand() -> None:
    text = "coupure entre Béni Mellal et Khénifra"
    found = known().find_in(spelled_out(text), text)
    assert [text[each["start"] : each["end"]] for each in found] == ["Béni Mellal", "Khénifra"]


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert set(communes(text)) <= set(known().names)
    assert known().canonical(text) in (None, *known().names)
