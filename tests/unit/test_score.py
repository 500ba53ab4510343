"""Marks from 1 to 5 as people write them, and numbers that are something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlu.score import score_in


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("5", 5),
        (" 4 !", 4),
        ("5/5", 5),
        ("3 sur 5", 3),
        ("4 out of 5", 4),
        ("٥", 5),
        ("٤/٥", 4),
        ("4 من 5", 4),
        ("3 3la 5", 3),
        ("5 merci", 5),
        ("5, merci beaucoup !", 5),
        ("5 شكرا بزاف", 5),
        ("note : 2", 2),
        ("je vous donne 5", 5),
        ("4 étoiles", 4),
        ("1", 1),
        ("0", None),
        ("6", None),
        ("5/10", None),
        ("10", None),
        ("45", None),
        ("5 factures", None),
        ("48213", None),
        ("5 jours", None),
        ("5 mois sans réponse", None),
        ("merci", None),
        ("", None),
    ],
)
def test_a_message_that_is_a_mark(text: str, score: int | None) -> None:
    assert score_in(text) == score


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    assert score_in(text) in (None, 1, 2, 3, 4, 5)
