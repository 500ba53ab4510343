"""Twilio's Content API as far as texts, quick replies and list pickers need it: templates, and filling them in.

A template that WhatsApp approved may be sent at any time, the others within 24 hours of the customer's last message.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable
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
    approved: bool = False


@dataclass(frozen=True, slots=True)
class ApprovedTemplate:
    """A text that WhatsApp approved before the emulator started; `{{1}}` and so on in `body` are its variables."""

    sid: str
    body: str
    language: str = "fr"
    name: str = ""


APPROVED = (
    ApprovedTemplate(
        "HX00000000000000000000000000000001",
        "Bonjour, c'est le moment de relever le compteur du contrat {{1}}. Répondez par votre index avant le {{2}}. "
        "Pour ne plus recevoir ces messages : ARRET.",
        "fr",
        "releve_reading_fr",
    ),
    ApprovedTemplate(
        "HX00000000000000000000000000000002",
        "السلام عليكم، حان وقت قراءة عداد العقد {{1}}. أجيبوا برقم العداد قبل {{2}}. لإيقاف هذه الرسائل: توقف.",
        "ar",
        "releve_reading_ar",
    ),
    ApprovedTemplate(
        "HX00000000000000000000000000000003",
        "Hello, it is time to read the meter of contract {{1}}. Reply with your reading before {{2}}. "
        "To end these messages, reply ARRET.",
        "en",
        "releve_reading_en",
    ),
)
"""Examples, for whoever has none of their own."""


class ContentTemplates:
    """The account's content templates, in memory; past `MAX_TEMPLATES` the oldest goes."""

    def __init__(self, account_sid: str, approved: Iterable[ApprovedTemplate] = ()) -> None:
        self._account_sid = account_sid
        self._templates: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._approved: dict[str, str] = {}
        """The name that each approved template has at WhatsApp, by its sid."""
        for each in approved:
            types = {"twilio/text": {"body": each.body}}
            definition = {"friendly_name": each.name, "language": each.language, "types": types}
            self._keep(each.sid, definition, "/v1/Content")
            self._approved[each.sid] = each.name or each.sid.lower()

    def create(self, body: bytes, url: str) -> dict[str, Any]:
        """Create from the request's JSON; `url` is the collection's address. Raises `TwilioError`."""
        try:
            payload = json.loads(body)
            missing = {"types", "language"} - payload.keys()
        except (ValueError, AttributeError) as error:
            raise TwilioError(20422, str(error)) from error
        if missing or not isinstance(payload["types"], dict) or not payload["types"]:
            raise TwilioError(20422, ", ".join(sorted(missing)) or "types")
        return self._keep("HX" + secrets.token_hex(16), payload, url)

    def _keep(self, sid: str, payload: dict[str, Any], url: str) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        template = self._templates[sid] = {
            "sid": sid,
            "account_sid": self._account_sid,
            "friendly_name": payload.get("friendly_name"),
            "language": payload["language"],
            "variables": payload.get("variables") or {},
            "types": payload["types"],
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

    def approve(self, sid: str, body: bytes) -> dict[str, Any]:
        """Approve at once what the request's JSON names. Raises `TwilioError`."""
        self.fetch(sid)
        try:
            self._approved[sid] = str(json.loads(body)["name"])
        except (ValueError, TypeError, KeyError) as error:
            raise TwilioError(20422, "name") from error
        approval: dict[str, Any] = self.approval(sid)["whatsapp"]
        return approval | {"status": "received"}

    def approval(self, sid: str) -> dict[str, Any]:
        """What WhatsApp says of a template. Raises `TwilioError` when there is none."""
        template = self.fetch(sid)
        name = self._approved.get(sid)
        return {
            "sid": sid,
            "account_sid": self._account_sid,
            "url": f"{template['url']}/ApprovalRequests",
            "whatsapp": {
                "type": "whatsapp",
                "name": name or "",
                "category": "UTILITY",
                "content_type": next(iter(template["types"])),
                "status": "approved" if name is not None else "unsubmitted",
                "rejection_reason": "",
                "allow_category_change": True,
            },
        }

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
        shown = tuple(PhoneButton(fill(title), fill(token), kind) for title, token in buttons)
        return Rendered(fill(text), shown, approved=sid in self._approved)
