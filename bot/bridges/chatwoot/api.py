"""The calls of Chatwoot's application API that the bridge needs, with the access token of one of its users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.settings import Settings

SOURCE = "chatwoot"
"""How the store calls it (`store.helpdesk_models`)."""
MARK = "releve:"
"""Begins the `source_id` of what the bridge wrote there."""
TIMEOUT_SECONDS = 10.0
INCOMING, OUTGOING = 0, 1
"""What `message_type` is in answers; in requests it is a word."""
LARGEST_FILE = 6 * 1024 * 1024
"""Bytes of an agent's file that are read; a little more than may be sent."""
PAGE = 100
MOST_STEPS = 3


class ChatwootFault(RuntimeError):
    """Chatwoot did not do what it was asked; one line, without anything that was said. `status` is its answer's."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Posted:
    """A message in a Chatwoot conversation, as its API shows it."""

    id: int
    kind: int
    content: str
    is_private: bool
    content_type: str
    source_id: str | None
    sender: Mapping[str, Any]
    attachments: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Posted:
        return cls(
            id=int(told["id"]),
            kind=int(told["message_type"]),
            content=told.get("content") or "",
            is_private=bool(told.get("private")),
            content_type=told.get("content_type") or "text",
            source_id=told.get("source_id"),
            sender=told.get("sender") or {},
            attachments=told.get("attachments") or (),
        )


class ChatwootApi:
    """Raises `ChatwootFault` from every call."""

    def __init__(self, settings: Settings) -> None:
        assert settings.chatwoot_url
        assert settings.chatwoot_api_token
        self._url = settings.chatwoot_url.rstrip("/")
        self._account = f"{self._url}/api/v1/accounts/{settings.chatwoot_account_id}"
        self.inbox_id = settings.chatwoot_inbox_id
        self._token = settings.chatwoot_api_token
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def inbox(self) -> Mapping[str, Any]:
        """What the inbox is like."""
        found: Mapping[str, Any] = await self._call("GET", f"inboxes/{self.inbox_id}")
        return found

    # --- contacts and conversations -------------------------------------------------------------------------

    async def contact(self, identifier: str, phone: str | None, name: str) -> int:
        """The customer's contact, made when there is none: known by our `identifier`, or by the phone."""
        for sought in filter(None, (identifier, phone)):
            found = await self._call("GET", "contacts/search", params={"q": sought})
            for each in found["payload"]:
                if each.get("identifier") == identifier or (phone and each.get("phone_number") == phone):
                    return int(each["id"])
        body = {"inbox_id": self.inbox_id, "identifier": identifier, "name": name}
        made = await self._call("POST", "contacts", json=body | ({"phone_number": phone} if phone else {}))
        return int(made["payload"]["contact"]["id"])

    async def conversation(
        self, contact: int, source_id: str, hand_over_id: int, attributes: Mapping[str, Any]
    ) -> int:
        """The conversation of a hand-over, made when there is none; its number in the account."""
        mark = str(hand_over_id)
        found = await self._call("GET", f"contacts/{contact}/conversations")
        for each in found["payload"]:
            if (each.get("custom_attributes") or {}).get("releve_hand_over") == mark:
                return int(each["id"])
        body = {
            "inbox_id": self.inbox_id,
            "contact_id": contact,
            "source_id": source_id,
            "status": "open",
            "custom_attributes": {"releve_hand_over": mark, **attributes},
        }
        return int((await self._call("POST", "conversations", json=body))["id"])

    async def standing(self, ticket: int) -> tuple[str, Mapping[str, Any]]:
        """A conversation's status (`open`, `resolved`, `pending`, `snoozed`), and who it is assigned to."""
        found = await self._call("GET", f"conversations/{ticket}")
        return str(found["status"]), (found.get("meta") or {}).get("assignee") or {}

    async def is_gone(self, ticket: int) -> bool:
        """Whether Chatwoot says that it has no such conversation; False also when it says nothing now."""
        try:
            await self.standing(ticket)
        except ChatwootFault as error:
            return error.status == httpx.codes.NOT_FOUND
        return False

    async def resolve(self, ticket: int) -> None:
        await self._call("POST", f"conversations/{ticket}/toggle_status", json={"status": "resolved"})

    # --- messages -------------------------------------------------------------------------------------------

    async def messages(self, ticket: int, after: int) -> list[Posted]:
        """Messages after number `after`, in order."""
        posted: list[Posted] = []
        while True:
            found = await self._call("GET", f"conversations/{ticket}/messages", params={"after": after})
            page = sorted((Posted.of(each) for each in found["payload"]), key=lambda each: each.id)
            page = [each for each in page if each.id > after]
            posted += page
            if len(page) < PAGE:
                return posted
            after = page[-1].id

    async def post(
        self,
        ticket: int,
        content: str,
        source_id: str,
        *,
        private: bool = False,
        files: Sequence[tuple[str, bytes, str]] = (),
    ) -> int:
        """Write the customer's message, with its files (name, bytes, type), or a private note; its number."""
        kind = "outgoing" if private else "incoming"
        fields = {"content": content, "message_type": kind, "source_id": source_id}
        path = f"conversations/{ticket}/messages"
        if not files:
            made = await self._call("POST", path, json={**fields, "private": private})
        else:
            made = await self._call(
                "POST", path, data=fields, files=[("attachments[]", (name, body, kind)) for name, body, kind in files]
            )
        return int(made["id"])

    async def mark_failed(self, ticket: int, message: int, reason: str) -> None:
        """Show an agent's message as not sent, and why; an older Chatwoot gets a note."""
        body = {"status": "failed", "external_error": reason}
        try:
            await self._call("PATCH", f"conversations/{ticket}/messages/{message}", json=body)
        except ChatwootFault as error:
            if error.status not in (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED):
                raise
            await self.post(ticket, reason, f"{MARK}failed-{message}", private=True)

    async def file(self, url: str) -> bytes:
        """An agent's file. Chatwoot leads from its own address to wherever it keeps files."""
        if urlsplit(url).netloc != urlsplit(self._url).netloc:
            raise ChatwootFault("a file is not at Chatwoot's own address", 422)
        body = bytearray()
        try:
            client = httpx.AsyncClient(
                timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=True, max_redirects=MOST_STEPS
            )
            async with client, client.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise ChatwootFault(f"a file was answered with {answer.status_code}", answer.status_code)
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_FILE:
                        break
        except httpx.HTTPError as error:
            raise ChatwootFault(f"a file: {type(error).__name__}") from error
        return bytes(body)

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        headers = {"api_access_token": self._token.get_secret_value()}
        what = f"{method} {path.partition('/')[0]}"
        try:
            answer = await self._client.request(method, f"{self._account}/{path}", headers=headers, **request)
            if not answer.is_success:
                raise ChatwootFault(f"{what} was answered with {answer.status_code}", answer.status_code)
            return answer.json() if answer.content else {}
        except httpx.HTTPError as error:
            raise ChatwootFault(f"{what}: {type(error).__name__}") from error
        except ValueError as error:
            raise ChatwootFault(f"{what} was answered with no JSON") from error
