"""WhatsApp buttons. Twilio sends them only through templates of its Content API.

Body, titles and ids may all be variables of a template, so that one template per kind and number of choices
serves every message, and no customer's text is kept in one. Within 24 hours of the customer's last message
such a template needs no approval by WhatsApp. Limits of both kinds:
https://www.twilio.com/docs/content/twilio-quick-reply, https://www.twilio.com/docs/content/twiliolist-picker
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from twilio.base.exceptions import TwilioException
from twilio.rest.content.v1.content import ContentList

from bot.channels.carrier import Outbound
from bot.channels.text import shorten, units
from bot.channels.twilio.client import NotStarted, Unavailable

if TYPE_CHECKING:
    from twilio.rest import Client

log = structlog.stdlib.get_logger(__name__)

BODY_LIMIT = 1024
MOST_REPLIES, REPLY_TITLE_LIMIT = 3, 20
MOST_ITEMS, ITEM_TITLE_LIMIT = 10, 24
MENU_LIMIT = 20

RETRY_SECONDS = 600.0
"""How long buttons stay numbered lines after the Content API failed, so that each message does not pay for
it.
"""

MOST_TEMPLATES = 1000


class Layout(StrEnum):
    QUICK_REPLY = "twilio/quick-reply"
    LIST_PICKER = "twilio/list-picker"


@dataclass(frozen=True, slots=True)
class Choice:
    """A message with buttons as WhatsApp shows them. `variables` is the template's JSON object of values."""

    layout: Layout
    count: int
    variables: str

    @classmethod
    def of(cls, message: Outbound) -> Choice | None:
        """None when WhatsApp cannot show these buttons: there are none, or too many, the text is too long,
        two titles begin alike, or there is no title for the button that opens a list.
        """
        buttons = [button for button in message.buttons if not button.shares_phone]
        if not buttons or not message.text.strip() or units(message.text) > BODY_LIMIT:
            return None
        if len(buttons) <= MOST_REPLIES:
            layout, title_limit, values = Layout.QUICK_REPLY, REPLY_TITLE_LIMIT, [message.text]
        elif len(buttons) <= MOST_ITEMS and message.menu:
            layout, title_limit = Layout.LIST_PICKER, ITEM_TITLE_LIMIT
            values = [message.text, shorten(message.menu, MENU_LIMIT)]
        else:
            return None
        titles = [shorten(button.title, title_limit) for button in buttons]
        if len(set(titles)) < len(titles):
            return None
        for title, button in zip(titles, buttons, strict=True):
            values += [title, button.token]
        return cls(layout, len(buttons), encoded({str(n): value for n, value in enumerate(values, start=1)}))


def encoded(variables: Mapping[str, str]) -> str:
    """What fills a template's places, as Twilio takes it."""
    # Twilio has been seen to answer 21656 to an apostrophe in a value; its escape is the same JSON.
    return json.dumps(dict(variables)).replace("'", "\\u0027")


class Contents:
    """The account's templates for buttons: found by name, created when missing, remembered in the process."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sids: dict[str, str] = {}
        self._lock = asyncio.Lock()
        self._paused_until = 0.0

    async def sid(self, choice: Choice) -> str | None:
        """The template to send `choice` with, or None when there is none now. Never raises."""
        name = _name(choice)
        async with self._lock:
            if name not in self._sids and time.monotonic() >= self._paused_until:
                try:
                    await self._find_or_create(choice)
                except (
                    TwilioException,
                    Unavailable,
                    NotStarted,
                    aiohttp.ClientError,
                    TimeoutError,
                    ValueError,
                ) as error:
                    self.pause(type(error).__name__)
            return self._sids.get(name)

    def pause(self, reason: str) -> None:
        """Do without templates for a while, then look them up again."""
        log.warning("WhatsApp buttons fall back to numbered lines", reason=reason, seconds=RETRY_SECONDS)
        self._sids.clear()
        self._paused_until = time.monotonic() + RETRY_SECONDS

    async def _find_or_create(self, choice: Choice) -> None:
        contents = self._client.content.v1.contents
        if not self._sids:
            for content in await contents.list_async(limit=MOST_TEMPLATES):
                if content.sid and content.friendly_name:
                    self._sids[content.friendly_name] = content.sid
        name = _name(choice)
        if name not in self._sids:
            created = await contents.create_async(ContentList.ContentCreateRequest(_template(choice)))
            if not created.sid:
                raise ValueError("a template without a sid")
            self._sids[name] = created.sid


def _name(choice: Choice) -> str:
    return f"releve_{choice.layout.name.lower()}_{choice.count}_v1"


def _template(choice: Choice) -> dict[str, Any]:
    """The template's definition: all its texts are variables, numbered in the order of `Choice.variables`."""
    first = 2 if choice.layout is Layout.QUICK_REPLY else 3
    slots = [(f"{{{{{n}}}}}", f"{{{{{n + 1}}}}}") for n in range(first, first + 2 * choice.count, 2)]
    content: dict[str, Any] = {"body": "{{1}}"}
    if choice.layout is Layout.QUICK_REPLY:
        content["actions"] = [{"type": "QUICK_REPLY", "title": title, "id": token} for title, token in slots]
    else:
        content["button"] = "{{2}}"
        content["items"] = [{"item": title, "id": token} for title, token in slots]
    samples = {str(number): f"v{number}" for number in range(1, first + 2 * choice.count)}
    return {
        "friendly_name": _name(choice),
        "language": "fr",  # required, and without effect on variables
        "variables": samples,
        "types": {choice.layout.value: content},
    }
