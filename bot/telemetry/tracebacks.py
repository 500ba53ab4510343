"""A traceback for the log: where it happened and what kind of error it was, not what the error says.

An error's message may quote what a customer wrote ("invalid literal for int(): …"), a driver's the row that it could
not store. Lines of code are ours and may be shown; values of variables never are.
"""

from __future__ import annotations

import sys
import traceback
from types import TracebackType
from typing import Any

from structlog.typing import EventDict

MOST_FRAMES = 30
"""Innermost ones; recursion has a thousand."""
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def scrubbed(error: BaseException) -> str:
    """`error` with its causes, without any message but those of the operating system."""
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.extract_tb(current.__traceback__)[-MOST_FRAMES:]
        lines.append("".join(traceback.format_list(frames)) + summary(current))
        cause = current.__cause__
        current = cause or (None if current.__suppress_context__ else current.__context__)
    return "\ncaused by\n".join(lines)


def summary(error: BaseException) -> str:
    """The kind of an error in a line, with what the driver or the operating system calls it."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):
        code = getattr(original, "sqlstate", None) or getattr(original, "sqlite_errorname", None)
        return f"{name} of {type(original).__qualname__}" + (f" ({code})" if code else "")
    if isinstance(error, BaseExceptionGroup):
        return f"{name} of {', '.join(sorted({type(each).__qualname__ for each in error.exceptions}))}"
    return name


def trace(_logger: object, _method: str, event: EventDict) -> EventDict:
    """structlog's processor: `exc_info` becomes `exception`."""
    given: Any = event.pop("exc_info", None)
    if not given:
        return event
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if error is not None:
        event["exception"] = scrubbed(error)
    return event
