"""Files as lines: CSV, JSON lines and JSON arrays, however they are spoilt, and never more than a line in memory."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.imports.lines import LONGEST_LINE, BrokenFile, Line, read

REQUIRED, KNOWN = ("number", "name"), ("number", "name", "language")


def lines(content: bytes) -> list[Line]:
    return list(read(io.BytesIO(content), REQUIRED, KNOWN))


@pytest.mark.parametrize(
    ("what", "content", "expected"),
    [
        ("CSV", b"number,name\nC1,Amina\n", [(2, {"number": "C1", "name": "Amina"})]),
        ("semicolons", b"number;name\nC1;Amina\n", [(2, {"number": "C1", "name": "Amina"})]),
        ("a mark in front", b"\xef\xbb\xbfnumber,name\nC1,Amina\n", [(2, {"number": "C1", "name": "Amina"})]),
        ("columns in any order", b"name, Number\nAmina,C1\n", [(2, {"name": "Amina", "number": "C1"})]),
        ("blank lines and cells", b"number,name,language\n\n,,\nC1,,fr\n", [(4, {"number": "C1", "language": "fr"})]),
        (
            "a cell of two lines",
            b'number,name\nC1,"Ami\nna"\nC2,B\n',
            [(2, {"number": "C1", "name": "Ami\nna"}), (4, {"number": "C2", "name": "B"})],
        ),
        ("no last newline", b"number,name\nC1,Amina", [(2, {"number": "C1", "name": "Amina"})]),
        ("JSON lines", b'{"number": "C1"}\n\n{"number": "C2"}', [(1, {"number": "C1"}), (3, {"number": "C2"})]),
        ("an array", b' [{"number": "C1"}, {"number": "C2"}]', [(1, {"number": "C1"}), (2, {"number": "C2"})]),
        ("an empty array", b"[]", []),
    ],
)
def test_lines_are_read_with_their_numbers(
    what: str, content: bytes, expected: list[tuple[int, dict[str, str]]]
) -> None:
    assert [(line.number, line.fields) for line in lines(content)] == expected, what


@pytest.mark.parametrize(
    ("content", "number", "wrong"),
    [
        (b"number,name\nC1\nC2,B\n", 2, "1 cells for 2 columns"),
        (b'{"number": "C1"}\n{"number": \n', 2, "is not JSON"),
        (b'{"number": "C1"}\n[1]\n', 2, "is not a JSON object"),
        (b'[{"number": "C1"}, 5]', 2, "is not a JSON object"),
    ],
)
def test_a_line_that_says_nothing_is_told_and_the_others_go_on(content: bytes, number: int, wrong: str) -> None:
    assert [(line.number, line.wrong) for line in lines(content) if line.fields is None] == [(number, wrong)]
    assert any(line.fields for line in lines(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: must name the columns number,name (and maybe language): no number, no name"),
        (b"number,nom\n", "no name, nom is not one of them"),
        (b"number,name,name\n", "name is there twice"),
        (b"\xff\xfe\x00", "line 1: is not CSV in UTF-8"),
        (b'number,name\nC1,"Amina\n', "line 2: is not CSV"),
        (b"number,name\n" + b"x" * (LONGEST_LINE + 1), "line 2: is longer than"),
        (b'[{"number": "C1"}, {"num', "line 2: what follows is not JSON"),
        (b"[" * 100, "line 1: what follows is not JSON"),
    ],
)
def test_a_file_that_cannot_be_read_on_says_where(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile) as broken:
        lines(content)
    assert reason in str(broken.value)


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"number,name\n{text}".encode()))
def test_whatever_a_file_holds_it_is_read_or_refused(content: bytes) -> None:
    try:
        found = lines(content)
    except BrokenFile:
        return
    assert [line.number for line in found] == sorted({line.number for line in found})
