"""Addresses of lists: the fields of their queries, and the pages that they are cut into."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from urllib.parse import urlencode

LONGEST_NUMBER = 9
"""Digits: what a column of ids holds on every engine."""
MOST_PAGES = 10_000


def address(path: str, *queries: Mapping[str, object]) -> str:
    """`path` with the fields of `queries` that are not empty; later ones win."""
    fields = {name: value for query in queries for name, value in query.items()}
    kept = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def page_number(said: str | None) -> int:
    """The page of a list that an address names, from 1; the first when it names none."""
    return min(max(number_in(said) or 1, 1), MOST_PAGES)


def number_in(said: str | None) -> int | None:
    """A number in an address; None when there is none, or when it is too long for an id."""
    return int(said) if said is not None and said.isdecimal() and len(said) <= LONGEST_NUMBER else None


def pages_of(total: int, per_page: int) -> int:
    """How many pages `total` entries make; an empty list has one."""
    return max(ceil(total / per_page), 1)
