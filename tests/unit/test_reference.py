"""Reference numbers survive being spoken, mistyped and written in another script."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.reference import Kind, find_reference, new_reference, parse_reference

READING = "R-4821370568"

references = st.builds(new_reference, st.sampled_from(Kind), st.integers(0, 2**32).map(Random))
positions = st.integers(0, 9)
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_new_reference_carries_its_kind_and_is_the_same_for_the_same_seed(kind: Kind) -> None:
    reference = new_reference(kind, Random(7))
    assert reference.startswith(f"{kind.value}-")
    assert len(reference) == 12
    assert reference == new_reference(kind.value, Random(7))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="Z"):
        new_reference("Z", Random(1))


@pytest.mark.parametrize(
    "written",
    [
        "R-4821370568",
        "r-4821370568",
        "R4821370568",
        "r 4821 370 568",
        "R.482.137.0568",
        "R – 48 21 37 05 68",
        "R-٤٨٢١٣٧٠٥٦٨",
        "\u200fR-۴۸۲۱۳۷۰۵۶۸\u200e",
        "Ｒ-4821370568",
        "R-482137O568",  # the letter O
        "R-482i37o568",
        "R-482l370568",
        "  R-4821370568. ",
    ],
)
def test_the_same_reference_is_read_however_it_is_written(written: str) -> None:
    assert parse_reference(written) == READING


@pytest.mark.parametrize(
    "written",
    [
        "",
        "R",
        "R-",
        "bonjour",
        "48213",
        "4821370568",  # no kind
        "X-4821370568",  # no such kind
        "R-48213705680",
        "R-482137056",
        "R-48213705X6",
        "R-4821370568 R-4821370568",
        "0612345678",
        "R-0612345678",
        "-" * 5000,
        "R " * 2500,
    ],
)
def test_anything_else_is_not_a_reference(written: str) -> None:
    assert parse_reference(written) is None


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("où en est ma demande r-4821 370 568 svp", READING),
        ("فين وصل الطلب R-٤٨٢١٣٧٠٥٦٨؟", READING),
        ("tlbi dyali R4821370568!", READING),
        ("D-4821370568 ? non pardon, R-4821370568", READING),
        ("c'est 48213", None),
        ("mon numéro est le 0612345678", None),
        ("R-482137056 est trop court", None),
        ("PR-4821370568", None),
    ],
)
def test_a_reference_is_found_inside_a_sentence(sentence: str, found: str | None) -> None:
    assert find_reference(sentence) == found


@settings(max_examples=50)
@given(references)
def test_every_reference_is_read_back_in_any_digits(reference: str) -> None:
    for written in (reference, reference.translate(ARABIC), reference.translate(PERSIAN), reference.lower()):
        assert parse_reference(written) == reference
        assert find_reference(f"ref: {written} merci") == reference


@given(references, positions, st.sampled_from("0123456789"))
def test_every_wrong_digit_is_detected(reference: str, position: int, digit: str) -> None:
    wrong = reference[: 2 + position] + digit + reference[3 + position :]
    assert (parse_reference(wrong) is None) == (wrong != reference)


@settings(max_examples=50)
@given(references, st.sampled_from(Kind))
def test_every_wrong_kind_is_detected(reference: str, kind: Kind) -> None:
    wrong = kind.value + reference[1:]
    assert (parse_reference(wrong) is None) == (wrong != reference)


@given(references, st.integers(0, 8))
def test_every_swap_of_neighbours_is_detected(reference: str, position: int) -> None:
    digits = list(reference[2:])
    digits[position], digits[position + 1] = digits[position + 1], digits[position]
    wrong = reference[:2] + "".join(digits)
    assert (parse_reference(wrong) is None) == (wrong != reference)


@given(references, positions)
def test_every_lost_or_doubled_digit_is_detected(reference: str, position: int) -> None:
    cut = 2 + position
    assert parse_reference(reference[:cut] + reference[cut + 1 :]) is None
    assert parse_reference(reference[:cut] + reference[cut] + reference[cut:]) is None


@given(st.text("RDI-.0O1lß٤۴ 6\u200f\U0001f600\0é⁵½", max_size=60))
def test_no_text_makes_parsing_fail(text: str) -> None:
    parse_reference(text)
    find_reference(text)
