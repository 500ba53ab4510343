"""Danger is heard in every variety, and words of danger that tell of none are not taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nlu.danger import KINDS, find_in
from nlu.entities import spelled_out

TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "understanding" / "dangers.yml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(text, None if kind == "none" else kind, id=f"{variety}: {text}")
    for variety, kinds in TABLE.items()
    for kind, texts in kinds.items()
    for text in texts
]


def danger(text: str) -> str | None:
    return next((each["value"] for each in find_in(spelled_out(text))), None)


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_danger_and_what_only_sounds_like_it(text: str, kind: str | None) -> None:
    assert danger(text) == kind


def test_the_table_covers_every_variety_and_kind() -> None:
    assert set(TABLE) == {"fr", "en", "ar", "ary", "ary-Latn"}
    for kinds in TABLE.values():
        assert set(kinds) == {*KINDS, "none"}
        assert sum(len(texts) for kind, texts in kinds.items() if kind != "none") >= 20
        assert len(kinds["none"]) >= 12


def test_the_most_urgent_danger_is_told() -> None:
    assert danger("un poteau est tombé et un enfant a été électrocuté") == "shock"
    assert danger("câble au sol, il y a des flammes") == "fire"


def test_the_words_are_shown_where_they_stand() -> None:
    text = "Bonjour, il y a de la fumée ici"
    (entity,) = find_in(spelled_out(text))
    assert text[entity["start"] : entity["end"]] == "fumée"


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert len(find_in(spelled_out(text))) <= 1
