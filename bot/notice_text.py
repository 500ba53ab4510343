"""A notice as one message: on which channel, in which words. The carriers' rules for writing first are here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from actions.operator import Operator
from bot.channels.carrier import Channel
from bot.engine.texts import FALLBACKS, Texts, shown

WHATSAPP_WINDOW = timedelta(hours=24)
"""After the customer's last message; later only approved templates may be sent (error 63016)."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a notice would go by itself."""

    channel: Channel
    address: str
    last_inbound_at: datetime | None


@dataclass(frozen=True, slots=True)
class Composed:
    """What is sent. `channel` is not the recipient's own when only an SMS may be sent."""

    channel: Channel
    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    template: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    reason: str


class Composer:
    """Puts notices in words. `channels` are those that messages can be sent on."""

    def __init__(self, texts: Texts, operator: Operator, channels: Collection[Channel]) -> None:
        self._texts = texts
        self._operator = operator
        self._channels = channels

    def compose(
        self, response: str, params: Mapping[str, Any], language: str, to: Recipient, now: datetime
    ) -> Composed | Unreachable:
        """Raises `MissingText` for a response or parameter that the texts do not have."""
        values = {"operator": self._operator.name, **params}
        if to.channel in self._channels:
            if to.channel is not Channel.WHATSAPP or _in_window(to, now):
                return self._plain(response, values, language, to.channel)
            templated = self._templated(response, values, language)
            if templated is not None:
                return templated
        if Channel.SMS in self._channels and to.address.startswith("+"):
            return self._plain(response, values, language, Channel.SMS)
        return Unreachable("no_template" if to.channel in self._channels else "no_channel")

    def _plain(self, response: str, values: Mapping[str, Any], language: str, channel: Channel) -> Composed:
        said = self._texts.render(response, language, channel.value, values)
        return Composed(channel, said["text"], tuple((b["title"], b["payload"]) for b in said.get("buttons", ())))

    def _templated(self, response: str, values: Mapping[str, Any], language: str) -> Composed | None:
        templates = self._operator.notices.whatsapp_templates.get(response, {})
        for each in FALLBACKS.get(language, (language,)):
            if (template := templates.get(each)) is not None:
                # The stored text is what the carrier sends: a message in doubt is looked for by it.
                flat = {name: self._on_one_line(value, each) for name, value in values.items()}
                text = self._texts.render(response, each, Channel.WHATSAPP.value, flat)["text"]
                numbered = {str(place): flat[name] for place, name in enumerate(template.variables, 1)}
                return Composed(Channel.WHATSAPP, text, (), {"sid": template.sid, "variables": numbered})
        return None

    def _on_one_line(self, value: Any, language: str) -> str:
        """WhatsApp takes neither a line's end nor an empty text in a template's place."""
        match value:
            case {"response": str(name), "params": dict(params)}:
                text = str(self._texts.render(name, language, Channel.WHATSAPP.value, params)["text"])
            case list() | tuple():
                text = ", ".join(self._on_one_line(each, language) for each in value)
            case _:
                text = shown(value, language)
        return " ".join(text.split()) or "-"


def _in_window(to: Recipient, now: datetime) -> bool:
    return to.last_inbound_at is not None and now - to.last_inbound_at < WHATSAPP_WINDOW
