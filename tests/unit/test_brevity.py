"""What an SMS leaves out so as not to cost more parts than it should."""

from __future__ import annotations

import pytest

from actions.speech import Spare
from bot.engine.brevity import Sentence, shortened

BUTTONS = (("Le détail", "/explain_bill"),)


def said(*sentences: Sentence) -> list[str | None]:
    return [sentence.text[:1] if sentence else None for sentence in shortened(sentences)]


def of(letter: str, length: int, order: int = 0, parts: int = 1) -> Sentence:
    return Sentence(letter * length, spare=Spare(order, parts) if order else None)


@pytest.mark.parametrize(
    ("sentences", "kept"),
    [
        ([of("a", 80), of("b", 79, 1)], ["a", "b"]),  # 160 characters with the line between them
        ([of("a", 80), of("b", 80, 1)], ["a", None]),
        ([of("a", 80), of("b", 40, 2), of("c", 40, 1)], ["a", None, "c"]),  # the highest order first
        ([of("a", 80), of("b", 40, 1), of("c", 40, 1)], ["a", None, None]),  # one order goes together
        ([of("a", 200), of("b", 200)], ["a", "b"]),  # what cannot be spared stays
        ([of("a", 150), of("b", 150, 1, parts=2)], ["a", "b"]),
        ([of("ش", 40), of("ب", 30, 1)], ["ش", None]),  # 70 Arabic characters are a part
        ([of("ê", 100), of("b", 59, 1)], ["ê", "b"]),  # sent as e
    ],
)
def test_sentences_go_until_the_parts_are_not_exceeded(sentences: list[Sentence], kept: list[str | None]) -> None:
    assert said(*sentences) == kept


def test_numbered_choices_count() -> None:
    spare = Sentence("b" * 70, spare=Spare(1, 1))
    assert said(Sentence("a" * 80), spare) == ["a", "b"]
    assert said(Sentence("a" * 80), spare, Sentence("c", BUTTONS)) == ["a", None, "c"]


def test_the_buttons_of_a_sentence_that_goes_are_put_to_the_one_before() -> None:
    kept = shortened([Sentence("a" * 100), Sentence("b" * 100, BUTTONS, Spare(1, 1))])
    assert kept == [Sentence("a" * 100, BUTTONS), None]
