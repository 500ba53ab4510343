"""What may stand in a log line. Everything else is withheld, whoever wrote the line.

A key that is not known here has its text withheld: what a customer wrote cannot slip in under a new name. A text that
may be written still has numbers of seven digits and more, e-mail addresses and long secrets taken out, since
carriers and drivers put them in their errors. `tests/unit/test_log_keys.py` finds keys that nobody decided on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from structlog.typing import EventDict

WITHHELD = "[withheld]"

IDENTIFIERS = frozenset(
    (
        *("answers", "conversation", "correlation", "hand_over", "id", "key", "message", "notice", "oldest"),
        *("references", "request", "timestamp", "update_id", "user"),
    )
)
"""Numbers of rows, of messages and of requests to us, and moments: kept as they are."""

WORDS = frozenset(
    (
        *("action", "area", "carrier", "category", "certainty", "channel", "endpoint", "error", "event", "exception"),
        *(
            "format",
            "intent",
            "kind",
            "language",
            "level",
            "logger",
            "method",
            "model",
            "name",
            "outcome",
            "path",
            "reason",
        ),
        *("route", "signal", "state", "status", "url"),
    )
)
"""Words of ours, of a carrier or of a library: kept, without what looks like a number, an address or a secret."""

CARRIER_ID = "carrier_id"
"""On Telegram `CHAT:MESSAGE`, and the chat is the customer's: only what follows is kept."""

LARGEST_COUNT = 10_000_000
"""Numbers from here on may be telephones or contracts, unless their key says what they are."""

_PERSONAL = re.compile(
    r"""
    (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<secret>\b\d{6,}:[\w-]{20,} | \bBearer\s+\S+ | \brlv_[\w-]+ | \bwhsec_\S+ | (?<=://)[^\s/]+@
        | (?!\b[A-Z]{2}[0-9a-f]{32}\b)(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,})
    | (?P<number>(?!\d{4}-\d\d-\d\d(?:\D|$))(?<![\w.])\+?\d(?:[\s.()/-]{0,2}\d){6,})
    """,
    re.VERBOSE,
)
"""E-mails; tokens, keys, passwords in addresses, but not Twilio's `SM…`; digits of any script, but not dates."""
_MAY_MATCH = re.compile(r"[@:]|\d[\s\d.()/-]{5}|[\w-]{32}|Bearer|rlv_|whsec_")


def masked(text: str) -> str:
    """`text` with what could be somebody's, or a secret, replaced by its kind in brackets."""
    if _MAY_MATCH.search(text) is None:
        return text
    return _PERSONAL.sub(lambda found: f"[{found.lastgroup}]", text)


def withhold(_logger: object, _method: str, event: EventDict) -> EventDict:
    """structlog's processor: leaves in a line what may be there."""
    for key, value in event.items():
        if key not in IDENTIFIERS and type(value) is not bool and value is not None:
            event[key] = _kept(key, value)
    return event


def _kept(key: str, value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case Enum():
            return value.value
        case float() | Decimal() | date():
            return value
        case int():
            return value if abs(value) < LARGEST_COUNT else WITHHELD
        case str() if key == CARRIER_ID:
            return f"…:{value.partition(':')[2]}" if ":" in value else value
        case str():
            return masked(value) if key in WORDS else WITHHELD
        case Mapping():
            return {masked(str(name)): _kept(str(name), each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_kept(key, each) for each in value]
    return WITHHELD
