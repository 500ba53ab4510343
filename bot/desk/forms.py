"""What people send with a form, as plain text that the store can keep."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

LONGEST_ROW_ID = 18
"""Digits: more than any row has, and within what the database can compare."""
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form. What is missing, or a file, is empty."""

    values: Mapping[str, tuple[str, ...]]

    def secret(self, name: str) -> str:
        """A field as it was typed."""
        return next(iter(self.values.get(name, ())), "")

    def text(self, name: str) -> str:
        """A field on one line, without spaces around it and without characters that nobody sees."""
        return _visible(self.secret(name))

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(_visible(value) for value in self.values.get(name, ()))

    def row_ids(self, name: str) -> tuple[int, ...]:
        """The rows that were ticked; what is no number is left out."""
        return tuple(int(each) for each in self.several(name) if _is_row_id(each))


class Faults(dict[str, str]):
    """What is wrong with a form, in French by `N_`, by field; a template finds nothing for a field that is right."""

    def __missing__(self, field: str) -> str:
        return ""


async def read_form(request: Request) -> Form:
    """The form of a request, without the files in it."""
    form = await request.form()
    return Form({name: tuple(each for each in form.getlist(name) if isinstance(each, str)) for name in form})


def _visible(value: str) -> str:
    shown = "".join(" " if each.isspace() else each for each in value if not _is_hidden(each))
    return " ".join(shown.split())


def _is_hidden(character: str) -> bool:
    # Controls (NUL, which PostgreSQL refuses), lone surrogates, and the marks that turn a whole line around.
    category = unicodedata.category(character)
    return category == "Cs" or (category == "Cc" and not character.isspace()) or character in TURNING


def _is_row_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_ROW_ID
