"""What of a request a message is about, in all varieties."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nlu import topics
from nlu.entities import spelled_out
from nlu.request_topics import TOPICS, find_in

TABLE: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (Path(__file__).parents[1] / "understanding" / "request_topics.yml").read_text(encoding="utf-8")
)
CASES = [
    pytest.param(text, topic, id=f"{variety}: {topic}: {text}")
    for variety, by_topic in TABLE.items()
    for topic, texts in by_topic.items()
    for text in texts
]


def topics_of(text: str) -> list[str]:
    return [each["value"] for each in find_in(spelled_out(text))]


@pytest.mark.parametrize(("text", "topic"), CASES)
def test_the_topic_is_heard_in_any_variety(text: str, topic: str) -> None:
    if topic == "none":
        assert topics_of(text) == []
    else:
        assert topic in topics_of(text)


def test_the_table_has_every_topic_in_every_variety() -> None:
    assert set(TABLE) == {"fr", "en", "ar", "ary", "ary-Latn"}
    assert all(set(by_topic) == {*TOPICS, "none"} for by_topic in TABLE.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("horaires de l'agence", ["hours", "agency"]),
        ("envoyez le camion", ["come", "tour"]),
        ("l'équipe peut venir quand ?", ["tour"]),
        ("متى يأتي الفريق", ["tour"]),
        ("أرسلوا الفريق", ["come", "tour"]),
        ("annulez ma demande, j'ai déjà payé", ["withdraw", "paid"]),
        ("je n'ai pas encore payé", []),
        ("si j'ai payé avant le 15", []),
    ],
)
def test_all_topics_are_told_in_the_order_of_preference(text: str, expected: list[str]) -> None:
    assert topics_of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "une copie de ma facture svp",
        "je ne suis pas d'accord avec cette facture",
        "que veut dire acompte",
        "prix du kwh",
    ],
)
def test_questions_about_a_bill_are_left_to_the_topics_of_bills(text: str) -> None:
    assert topics_of(text) == []
    assert topics.find_in(spelled_out(text))


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert len(set(topics_of(text))) == len(topics_of(text))
