"""The customer's message as an action sees it: what was understood and what it contains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from rasa_sdk import Tracker

MOST_DIGITS = 6
"""Of a number that answers a question such as "how many?"."""


@dataclass(frozen=True, slots=True)
class GivenReading:
    """A number that may be an index; `register` when the customer said which one."""

    value: int
    register: str | None = None
    negative: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "register": self.register, "negative": self.negative}


@dataclass(frozen=True, slots=True)
class Message:
    """Rasa's parse of one message."""

    text: str
    intent: str | None
    entities: tuple[dict[str, Any], ...]
    ranking: tuple[dict[str, Any], ...] = ()

    @classmethod
    def of(cls, tracker: Tracker) -> Message:
        latest = tracker.latest_message
        return cls(
            text=latest.get("text") or "",
            intent=(latest.get("intent") or {}).get("name"),
            entities=tuple(latest.get("entities") or ()),
            ranking=tuple(latest.get("intent_ranking") or ()),
        )

    def values(self, entity: str) -> list[Any]:
        return [each["value"] for each in self.entities if each["entity"] == entity]

    def first(self, entity: str) -> Any | None:
        return next(iter(self.values(entity)), None)

    @property
    def readings(self) -> list[GivenReading]:
        return [
            GivenReading(int(each["value"]), each.get("register"), bool(each.get("negative")))
            for each in self.entities
            if each["entity"] == "reading"
        ]

    @property
    def contract(self) -> str | None:
        value = self.first("contract")
        return None if value is None else str(value)

    @property
    def count(self) -> int | None:
        """How many parts, where the message says so."""
        value = self.first("count")
        return int(str(value)) if str(value).isdecimal() else None

    @property
    def bare_number(self) -> int | None:
        """The number that a message consists of, whatever it was taken for."""
        text = self.text.strip(" .!")
        return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None

    @property
    def taken_on(self) -> date | None:
        return _day(self.first("date"))

    @property
    def payable_on(self) -> date | None:
        """The day that a message names, where one to come is meant: "Friday", "the 15th", "10 days"."""
        given = next((each for each in self.entities if each["entity"] == "date"), None)
        return None if given is None else _day(given.get("future", given["value"]))

    @property
    def amount(self) -> Decimal | None:
        """An amount in dirhams, two places."""
        value = self.first("amount")
        try:
            return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))
        except InvalidOperation:
            return None


def _day(value: Any) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
