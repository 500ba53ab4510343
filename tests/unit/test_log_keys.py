"""Every key of every log line is one that somebody decided on: its text is shown, or known to be withheld."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bot.settings import PROJECT
from bot.telemetry.masking import CARRIER_ID, IDENTIFIERS, WORDS

FOLDERS = ("bot", "actions", "store", "nlu", "billing")
METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
NUMBERS = frozenset(
    (
        *("attempt", "conversations", "count", "drain_seconds", "exc_info", "failures", "length", "lines", "listed"),
        *("messages", "mib", "milliseconds", "most", "removed", "retry_after", "rows", "seconds", "status"),
        *("wait_seconds", "waited_seconds"),
    )
)
"""Keys whose values are numbers, moments or flags: there is no text to show or to withhold."""
WITHHELD = frozenset({"answer"})
"""Keys whose text others wrote, which is known and meant not to be shown."""


def test_no_line_has_a_key_that_nobody_decided_on() -> None:
    decided = IDENTIFIERS | WORDS | NUMBERS | WITHHELD | {CARRIER_ID}
    unknown = [f"{where}: {key}" for where, key in _keys() if key not in decided]
    assert not unknown, (
        "its text would be withheld: add it to WORDS or IDENTIFIERS of bot/telemetry/masking.py if it never has a "
        f"customer's words or number in it, or here if it is a number: {unknown}"
    )


def _keys() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for file in sorted((PROJECT / folder).rglob("*.py")):
            for call in _log_calls(file):
                for keyword in call.keywords:
                    if keyword.arg is not None:
                        yield f"{file.relative_to(PROJECT)}:{call.lineno}", keyword.arg


def _log_calls(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in METHODS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in ("log", "structlogger", "logger")
        ):
            yield node
