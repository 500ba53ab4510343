"""Texts in requests."""

from __future__ import annotations

from pydantic import AfterValidator


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("has a NUL character")
    return text


STORABLE = AfterValidator(_storable)
"""Of a text that goes to the database: PostgreSQL keeps none with NUL in it.

Last of the annotations: a length that is checked after it is told as a number of items.
"""
