"""What counts as a message of one word."""

from __future__ import annotations

import pytest

from bot.turns.keywords import plain


@pytest.mark.parametrize(
    ("typed", "word"),
    [("  Arrêt !", "arret"), ("« STOP »", "stop"), ("أوقف", "اوقف"), ("7BESS.", "7bess"), ("opt-out", "optout")],
)
def test_case_accents_and_punctuation_make_no_difference(typed: str, word: str) -> None:
    assert plain(typed) == plain(word)


def test_a_sentence_with_the_word_is_another_text() -> None:
    assert plain("stop, mon compteur est arrêté") != plain("stop")
