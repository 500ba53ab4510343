"""A Chatwoot account in memory: the routes of its application API that an API channel needs, and its webhooks.

Shapes and habits are those of Chatwoot's own controllers and listeners: conversations by their display number,
message types as numbers in answers and as words in webhooks, an incoming message that opens a resolved conversation
again, webhooks that are sent once and never again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from bot.clock import Clock, system_clock

TOKEN = "chatwoot-token"
SECRET = "chatwoot-webhook-secret"
ACCOUNT, INBOX = 3, 7
TYPES = {"incoming": 0, "outgoing": 1, "activity": 2}
AMINA = {"id": 11, "name": "Amina Chatwoot", "type": "user", "email": "amina@chatwoot.test"}


@dataclass
class Chatwoot:
    """`is_down` answers 503; `answers_lost` does what it is asked and then answers 500, so many times.

    `keeps_marks` is False for a Chatwoot that does not take `source_id`.
    """

    webhook_url: str = ""
    contacts: dict[int, dict[str, Any]] = field(default_factory=dict)
    conversations: dict[int, dict[str, Any]] = field(default_factory=dict)
    posted: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    sent_webhooks: list[dict[str, Any]] = field(default_factory=list)
    inbox: dict[str, Any] = field(default_factory=dict)
    is_down: bool = False
    answers_lost: int = 0
    keeps_marks: bool = True
    webhooks_lost: bool = False
    base: str = ""
    clock: Clock = system_clock
    _numbers: count[int] = field(default_factory=lambda: count(1000))

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.include_router(_routes(self), prefix=f"/api/v1/accounts/{ACCOUNT}")

        @app.get("/rails/active_storage/blobs/{name}")
        async def blob(name: str) -> Response:
            return Response(self.files[name])

        @app.middleware("http")
        async def faults(request: Request, call_next: Any) -> Response:
            if request.url.path.startswith("/api"):
                if self.is_down:
                    return JSONResponse({"error": "down"}, 503)
                if request.headers.get("api_access_token") != TOKEN:
                    return JSONResponse({"error": "Invalid Access Token"}, 401)
            answer: Response = await call_next(request)
            if request.method == "POST" and self.answers_lost:
                self.answers_lost -= 1
                return JSONResponse({"error": "lost"}, 500)
            return answer

        return app

    # --- what its agents do ---------------------------------------------------------------------------------

    async def write(self, ticket: int, content: str, *, private: bool = False, files: tuple[bytes, ...] = ()) -> int:
        """An agent writes to the customer, or a note."""
        attachments = []
        for body in files:
            name = f"{next(self._numbers)}-plan.pdf"
            self.files[name] = body
            url = f"{self.base}/rails/active_storage/blobs/{name}"
            attachments.append({"id": next(self._numbers), "file_type": "file", "data_url": url})
        message = self.add(ticket, content, "outgoing", private=private, sender=dict(AMINA), attachments=attachments)
        await self._tell({**_webhook_message(self, message), "event": "message_created"})
        return int(message["id"])

    async def resolve(self, ticket: int) -> None:
        self.conversations[ticket]["status"] = "resolved"
        self.conversations[ticket]["assignee"] = AMINA
        changed = {"event": "conversation_status_changed", **_webhook_conversation(self.conversations[ticket])}
        await self._tell(changed)

    async def repeat(self, number: int = -1) -> int:
        """Send a webhook that was sent before once more; the answer's status."""
        return await self._post(self.sent_webhooks[number])

    def said(self, ticket: int, kind: str | None = None, *, private: bool | None = None) -> list[str]:
        return [
            each["content"]
            for each in self.posted
            if each["conversation_id"] == ticket
            and (kind is None or each["message_type"] == TYPES[kind])
            and (private is None or each["private"] is private)
        ]

    def add(self, ticket: int, content: str, kind: str, *, private: bool = False, **values: Any) -> dict[str, Any]:
        message = {
            "id": next(self._numbers),
            "content": content,
            "inbox_id": INBOX,
            "conversation_id": ticket,
            "message_type": TYPES[kind],
            "content_type": "text",
            "status": "sent",
            "content_attributes": {},
            "created_at": int(self.clock().timestamp()),
            "private": private,
            "source_id": None,
            "sender": None,
            **values,
        }
        self.posted.append(message)
        conversation = self.conversations[ticket]
        if kind == "incoming" and conversation["status"] == "resolved":
            conversation["status"] = "open"
        return message

    async def _tell(self, event: dict[str, Any]) -> None:
        self.sent_webhooks.append(event)
        if not self.webhooks_lost:
            await self._post(event)

    async def _post(self, event: dict[str, Any]) -> int:
        body = json.dumps(event).encode()
        stamp = str(int(self.clock().timestamp()))
        digest = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/json",
            "x-chatwoot-delivery": str(uuid.uuid4()),
            "x-chatwoot-timestamp": stamp,
            "x-chatwoot-signature": f"sha256={digest}",
        }
        async with httpx.AsyncClient(timeout=5) as client:
            try:
                return (await client.post(self.webhook_url, content=body, headers=headers)).status_code
            except httpx.HTTPError:
                return 0  # Chatwoot does not try again

    async def until(self, holds: Any, seconds: float = 20) -> Any:
        """Wait until `holds()` is true; what it is."""
        async with asyncio.timeout(seconds):
            while not (found := holds()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return found


def _routes(chatwoot: Chatwoot) -> APIRouter:
    router = APIRouter()

    def conversation_of(number: int) -> dict[str, Any]:
        if number not in chatwoot.conversations:
            raise HTTPException(404, "Resource could not be found")
        return chatwoot.conversations[number]

    @router.get("/inboxes/{number}")
    async def inbox(number: int) -> dict[str, Any]:
        if number != INBOX:
            raise HTTPException(404, "Resource could not be found")
        return {"id": INBOX, "name": "Relève", "channel_type": "Channel::Api", **chatwoot.inbox}

    @router.get("/contacts/search")
    async def search(q: str) -> dict[str, Any]:
        found = [
            each
            for each in chatwoot.contacts.values()
            if any(q.lower() in str(each[name] or "").lower() for name in ("identifier", "phone_number", "name"))
        ]
        return {"meta": {"count": len(found), "current_page": 1}, "payload": found}

    @router.post("/contacts")
    async def create_contact(request: Request) -> Response:
        body = await request.json()
        for name in ("identifier", "phone_number"):
            if body.get(name) and any(each[name] == body[name] for each in chatwoot.contacts.values()):
                return JSONResponse({"message": f"{name} has already been taken"}, 422)
        contact = {
            "id": next(chatwoot._numbers),
            "name": body["name"],
            "identifier": body.get("identifier"),
            "phone_number": body.get("phone_number"),
            "email": None,
            "custom_attributes": {},
        }
        chatwoot.contacts[contact["id"]] = contact
        inbox = {"source_id": str(uuid.uuid4()), "inbox": {"id": body["inbox_id"], "channel_type": "Channel::Api"}}
        return JSONResponse({"payload": {"contact": contact, "contact_inbox": inbox}})

    @router.get("/contacts/{number}/conversations")
    async def of_contact(number: int) -> dict[str, Any]:
        return {"payload": [each for each in chatwoot.conversations.values() if each["contact_id"] == number]}

    @router.post("/conversations")
    async def create_conversation(request: Request) -> dict[str, Any]:
        body = await request.json()
        assert body["inbox_id"] == INBOX
        assert body["contact_id"] in chatwoot.contacts
        number = len(chatwoot.conversations) + 1
        chatwoot.conversations[number] = {
            "id": number,
            "account_id": ACCOUNT,
            "inbox_id": INBOX,
            "contact_id": body["contact_id"],
            "status": body["status"],
            "custom_attributes": body["custom_attributes"],
            "additional_attributes": {},
            "source_id": body["source_id"],
            "assignee": None,
        }
        return chatwoot.conversations[number]

    @router.get("/conversations/{number}")
    async def show(number: int) -> dict[str, Any]:
        found = conversation_of(number)
        meta = {"channel": "Channel::Api", "sender": chatwoot.contacts[found["contact_id"]]}
        return {**found, "meta": meta | ({"assignee": found["assignee"]} if found["assignee"] else {})}

    @router.post("/conversations/{number}/toggle_status")
    async def toggle(number: int, request: Request) -> dict[str, Any]:
        found = conversation_of(number)
        found["status"] = (await request.json())["status"]
        payload = {"success": True, "current_status": found["status"], "conversation_id": number}
        return {"meta": {}, "payload": payload}

    @router.get("/conversations/{number}/messages")
    async def messages(number: int, after: int | None = None) -> dict[str, Any]:
        conversation_of(number)
        found = [each for each in chatwoot.posted if each["conversation_id"] == number]
        page = found[-20:] if after is None else [each for each in found if each["id"] > after][:100]
        return {"meta": {"labels": [], "contact": {}}, "payload": page}

    @router.post("/conversations/{number}/messages")
    async def create_message(number: int, request: Request) -> dict[str, Any]:
        found = conversation_of(number)
        attachments = []
        if request.headers["content-type"].startswith("multipart/"):
            async with request.form() as form:
                body: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
                for each in form.getlist("attachments[]"):
                    assert isinstance(each, UploadFile) or hasattr(each, "filename")
                    attachments.append({"file_type": "image", "name": each.filename, "size": len(await each.read())})  # type: ignore[union-attr]
        else:
            body = await request.json()
        kind = body.get("message_type", "outgoing")
        sender = AMINA if kind == "outgoing" else {**chatwoot.contacts[found["contact_id"]], "type": "contact"}
        mark = body.get("source_id") if chatwoot.keeps_marks else None
        return chatwoot.add(
            number,
            body.get("content", ""),
            kind,
            private=bool(body.get("private", False)),
            source_id=mark,
            sender=sender,
            attachments=attachments,
        )

    @router.patch("/conversations/{number}/messages/{message}")
    async def update_message(number: int, message: int, request: Request) -> dict[str, Any]:
        conversation_of(number)
        found = next(each for each in chatwoot.posted if each["id"] == message)
        body = await request.json()
        found["status"] = body["status"]
        found["content_attributes"] = {"external_error": body["external_error"]}
        return found

    return router


def _webhook_conversation(conversation: dict[str, Any]) -> dict[str, Any]:
    """As `conversation.webhook_data` shows it."""
    return {
        "id": conversation["id"],
        "account_id": ACCOUNT,
        "inbox_id": INBOX,
        "status": conversation["status"],
        "custom_attributes": conversation["custom_attributes"],
        "meta": {"assignee": conversation["assignee"]},
    }


def _webhook_message(chatwoot: Chatwoot, message: dict[str, Any]) -> dict[str, Any]:
    """As `message.webhook_data` shows it."""
    words = {number: word for word, number in TYPES.items()}
    return {
        "id": message["id"],
        "content": message["content"],
        "message_type": words[message["message_type"]],
        "content_type": "text",
        "private": message["private"],
        "source_id": message["source_id"],
        "sender": message["sender"],
        "account": {"id": ACCOUNT, "name": "ONEE"},
        "inbox": {"id": INBOX, "name": "Relève"},
        "conversation": _webhook_conversation(chatwoot.conversations[message["conversation_id"]]),
    }
