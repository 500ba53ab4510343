"""Texts in requests."""

from __future__ import annotations

from pydantic import AfterValidator


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("has a NUL character")
    return text


STORABLE = AfterValidator(_storable)
"""Of a text that goes to the database: PostgreSQL keeps none with NUL in it. Last of the annotations: lengths that are
checked after it are told as numbers of items."""
