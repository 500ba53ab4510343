"""How a customer is called in lists: by name when known, else by as much of the address as tells them apart."""

from __future__ import annotations

KEPT_AT_START, KEPT_AT_END = 5, 3
HIDDEN = "••••"


def masked(address: str) -> str:
    """`+2126••••001`: lists are on screens that many people pass."""
    if len(address) <= KEPT_AT_START + KEPT_AT_END:
        return f"{HIDDEN}{address[-KEPT_AT_END:]}"
    return f"{address[:KEPT_AT_START]}{HIDDEN}{address[-KEPT_AT_END:]}"
