"""Twilio's Content API as far as quick replies and list pickers need it: templates, and filling them in."""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.tryit.phone import ButtonKind, PhoneButton
from bot.tryit.twilio_errors import TwilioError

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
MAX_TEMPLATES = 2_000
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template with its variables filled in, as the customer sees it."""

    text: str
    buttons: tuple[PhoneButton, ...] = ()


class ContentTemplates:
    """The account's content templates, in memory; past `MAX_TEMPLATES` the oldest goes."""

    def __init__(self, account_sid: str) -> None:
        self._account_sid = account_sid
        self._templates: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def create(self, body: bytes, url: str) -> dict[str, Any]:
        """Create from the request's JSON; `url` is the collection's address. Raises `TwilioError`."""
        try:
            payload = json.loads(body)
            types = payload["types"]
            language = payload["language"]
        except (ValueError, TypeError, KeyError) as error:
            raise TwilioError(20422, str(error)) from error
        if not isinstance(types, dict) or not types:
            raise TwilioError(20422, "types")
        sid = "HX" + secrets.token_hex(16)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        template = self._templates[sid] = {
            "sid": sid,
            "account_sid": self._account_sid,
            "friendly_name": payload.get("friendly_name"),
            "language": language,
            "variables": payload.get("variables") or {},
            "types": types,
            "url": f"{url}/{sid}",
            "date_created": now,
            "date_updated": now,
            "links": {
                "approval_create": f"{url}/{sid}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/{sid}/ApprovalRequests",
            },
        }
        if len(self._templates) > MAX_TEMPLATES:
            self._templates.popitem(last=False)
        return template

    def fetch(self, sid: str) -> dict[str, Any]:
        """Raises `TwilioError` when there is none."""
        if sid not in self._templates:
            raise TwilioError(20404, f"/Content/{sid}")
        return self._templates[sid]

    def page(self, url: str, number: int, size: int) -> dict[str, Any]:
        """One page of the list, in Twilio's paging envelope."""
        start = number * size
        more = len(self._templates) > start + size

        def address(page: int) -> str:
            return f"{url}?PageSize={size}&Page={page}"

        return {
            "contents": list(self._templates.values())[start : start + size],
            "meta": {
                "key": "contents",
                "page": number,
                "page_size": size,
                "first_page_url": address(0),
                "previous_page_url": address(number - 1) if number else None,
                "next_page_url": address(number + 1) if more else None,
                "url": address(number),
            },
        }

    def render(self, sid: str, variables: str | None) -> Rendered:
        """What the customer sees; `variables` is the JSON of ContentVariables. Raises `TwilioError`."""
        template = self._templates.get(sid)
        if template is None:
            raise TwilioError(21655)
        try:
            values = template["variables"] | (json.loads(variables) if variables else {})
        except (ValueError, TypeError) as error:
            raise TwilioError(21656) from error

        def fill(text: str) -> str:
            return PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), text)

        types, kind = template["types"], ButtonKind.REPLY
        if quick_reply := types.get("twilio/quick-reply"):
            buttons = [(action["title"], action["id"]) for action in quick_reply["actions"]]
            text = quick_reply["body"]
        elif picker := types.get("twilio/list-picker"):
            buttons = [(item["item"], item["id"]) for item in picker["items"]]
            text, kind = picker["body"], ButtonKind.LIST_ITEM
        else:
            buttons = []
            text = next(iter(types.values())).get("body", "")
        return Rendered(fill(text), tuple(PhoneButton(fill(title), fill(token), kind) for title, token in buttons))
