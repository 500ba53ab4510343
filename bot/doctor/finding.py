"""What a check found: one line that says what is wrong and what to do, and never a secret."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.settings import Settings
from bot.telemetry.masking import masked

LONGEST = 400
"""Characters of a line; drivers may say much."""


class Verdict(StrEnum):
    OK = "ok"
    OFF = "off"  # by choice
    LOOK = "look"  # works, and somebody should look at it
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    verdict: Verdict
    text: str


Check = Callable[[Settings], AsyncIterator[Finding]]
"""Looks at one subject after the other. Raises what it did not expect: `guarded` makes a finding of it."""


def ok(subject: str, text: str) -> Finding:
    return Finding(subject, Verdict.OK, text)


def off(subject: str, text: str) -> Finding:
    return Finding(subject, Verdict.OFF, text)


def look(subject: str, text: str) -> Finding:
    return Finding(subject, Verdict.LOOK, text)


def wrong(subject: str, text: str) -> Finding:
    return Finding(subject, Verdict.WRONG, text)


def said(error: BaseException) -> str:
    """An error in a line, without what looks like a secret or somebody's number."""
    original = getattr(error, "orig", None) or error
    first = str(original).strip().partition("\n")[0]
    return masked(first)[:LONGEST] or type(original).__name__


async def guarded(check: Check, settings: Settings, subject: str) -> list[Finding]:
    """All that `check` finds; what it raises is one finding more."""
    found: list[Finding] = []
    try:
        async for each in check(settings):
            found.append(each)
    except Exception as error:
        found.append(wrong(subject, f"could not be checked to the end: {type(error).__name__}: {said(error)}"))
    return found
