"""Anger is heard in every variety, and complaints, jokes and swearing at oneself are not taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nlu.anger import find_in
from nlu.entities import spelled_out

TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "understanding" / "anger.yml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(text, mood == "angry", id=f"{variety}: {text}")
    for variety, moods in TABLE.items()
    for mood, texts in moods.items()
    for text in texts
]


def anger(text: str) -> str | None:
    return next((str(each["value"]) for each in find_in(spelled_out(text), text)), None)


@pytest.mark.parametrize(("text", "is_angry"), CASES)
def test_anger_and_what_only_sounds_like_it(text: str, is_angry: bool) -> None:
    assert (anger(text) is not None) == is_angry


def test_the_table_covers_every_variety() -> None:
    assert set(TABLE) == {"fr", "en", "ar", "ary", "ary-Latn"}
    for moods in TABLE.values():
        assert len(moods["angry"]) >= 20
        assert len(moods["calm"]) >= 15


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("vous êtes des voleurs", "insult"),
        ("j'en ai marre", "fed_up"),
        ("PERSONNE NE REPOND JAMAIS", "shouted"),
        ("personne ne répond jamais", None),
    ],
)
def test_what_kind_of_anger_it_is(text: str, kind: str | None) -> None:
    assert anger(text) == kind


def test_the_words_are_shown_where_they_stand() -> None:
    text = "Encore une erreur, c'est une honte monsieur"
    (entity,) = find_in(spelled_out(text), text)
    assert text[entity["start"] : entity["end"]] == "c'est une honte"


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert len(find_in(spelled_out(text), text)) <= 1
