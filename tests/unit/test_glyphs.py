"""Lines of characters: put together from pieces, doubted by a second look, kept as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.photographed import SeenLine
from bot.photos.glyphs import Glyph, Line, joined


def piece(text: str, x: float, y: float = 0.0, height: float = 10.0) -> Line:
    """Characters eight wide, side by side from `x`."""
    return Line(tuple(Glyph(c, 0.9, (x + 8 * i + 4, y), 8, height) for i, c in enumerate(text)))


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([piece("4", 0), piece("8", 16), piece("2", 32)], {"482"}),
        ([piece("213", 24), piece("48", 0)], {"48213"}),
        ([piece("48", 0), piece("213", 90)], {"48", "213"}),
        ([piece("48", 0), piece("213", 20, y=20)], {"48", "213"}),
        ([piece("48", 0), piece("213", 20, height=30)], {"48", "213"}),
        ([piece("48", 0), piece("kWh", 20)], {"48", "kWh"}),
        ([], set()),
    ],
    ids=["wheels apart", "out of order", "far apart", "another line", "another size", "a word", "nothing"],
)
def test_pieces_of_one_number_are_put_together(pieces: list[Line], texts: set[str]) -> None:
    assert {line.text for line in joined(pieces)} == texts


@pytest.mark.parametrize(
    ("second", "certain"),
    [
        ("48213", [0.5, 0.5, 0.5, 0.5, 0.5]),
        ("48218", [0.5, 0.5, 0.5, 0.5, 0.0]),
        ("4821", [0.5, 0.5, 0.5, 0.5, 0.0]),
        ("", [0.0, 0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_a_second_look_lowers_the_certainty_and_never_raises_it(second: str, certain: list[float]) -> None:
    line = piece("48213", 0).doubted(second, [0.5] * len(second))
    assert [glyph.certainty for glyph in line.glyphs] == certain
    assert line.text == "48213"


@given(st.text(max_size=12), st.text(max_size=12))
def test_what_is_kept_comes_back(text: str, second: str) -> None:
    kept = json.loads(json.dumps(piece(text, 0).doubted(second, [1.0] * len(second)).scaled(0.01).as_json()))
    line = SeenLine.of(kept)
    assert line.text == text
    assert len(line.certain) == len(text)
    assert all(0 <= each <= 1 for each in line.certain)
