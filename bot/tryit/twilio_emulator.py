"""A Twilio account in memory: the Messages and Content APIs towards the house, phones and webhooks behind it.

The real SDK works against it when `https://api.twilio.com` and `https://content.twilio.com` are replaced by
the address where `app` is mounted. Nothing survives the process, and old messages are forgotten.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from base64 import b64encode
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator

from bot.channels.carrier import Channel, DeliveryState
from bot.clock import Clock, system_clock
from bot.tryit.customer import PHOTO, CustomerAction, MediaKind
from bot.tryit.faults import FaultKind, Faults, abort
from bot.tryit.ledger import Ledger
from bot.tryit.phone import Content, PhoneKey, PhoneMessage, Phones
from bot.tryit.postman import Postman
from bot.tryit.received import File, ReceivedFiles
from bot.tryit.sms_parts import count_parts
from bot.tryit.twilio_content import PAGE_SIZE, ApprovedTemplate, ContentTemplates, Rendered
from bot.tryit.twilio_errors import TwilioError, refusal
from bot.tryit.twilio_messages import Message, MessageBook, media_as_json
from bot.tryit.twilio_reach import Reach
from bot.tryit.twilio_webhook import (
    API_VERSION,
    Tap,
    TwilioAccount,
    incoming_form,
    signed,
    status_form,
)

MAX_BODY = 1_600
MEDIA_TYPES = frozenset({"image/jpeg", "image/png", "application/pdf"})
"""Of those that WhatsApp takes, the ones that the house may send."""
MAX_PICTURES = 500
MAX_PAGE_SIZE = 1_000

E164 = re.compile(r"\+[1-9]\d{7,14}")

MEDIA_NOT_DOWNLOADED = 63019
MEDIA_NOT_SUPPORTED = 63021

Receipts = Literal["off", "delivered", "read"]
"""How far delivery goes: nothing is reported, or up to this state. Only WhatsApp tells that it was read."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An accepted message on its way to a phone. `callback` is where its states are reported."""

    message: Message
    phone: PhoneKey
    rendered: Rendered
    encoding: str
    callback: str | None


class TwilioEmulator:
    """One account. `app` is the API to mount; `customer_does` is the customers' side of it.

    `api_base` is where `app` is reachable (media addresses start with it), `webhook` the address that the
    account's numbers are configured with. `receipt_pause`, in seconds, lies between two delivery states.
    `approved` are the templates that WhatsApp has approved already, `clock` is what its 24 hours are counted by.
    """

    def __init__(
        self,
        account: TwilioAccount,
        *,
        phones: Phones,
        files: ReceivedFiles,
        ledger: Ledger,
        postman: Postman,
        api_base: str,
        webhook: str,
        receipts: Receipts = "read",
        receipt_pause: float = 0.4,
        approved: Sequence[ApprovedTemplate] = (),
        keeps_opt_outs: bool = True,
        clock: Clock = system_clock,
    ) -> None:
        self.account = account
        self.faults = Faults()
        self.receipts = receipts
        self._phones = phones
        self._files = files
        self._ledger = ledger
        self._postman = postman
        self._api_base = api_base.rstrip("/")
        self._webhook = webhook
        self._receipt_pause = receipt_pause
        self._validator = RequestValidator(account.auth_token)
        credentials = b64encode(f"{account.sid}:{account.auth_token}".encode()).decode()
        self._authorization = f"Basic {credentials}".encode()
        self._templates = ContentTemplates(account.sid, approved)
        self._book = MessageBook()
        self._photo_media: deque[str] = deque(maxlen=MAX_PICTURES)
        self._clock = clock
        self._reach = Reach(clock, keeps_opt_outs=keeps_opt_outs)
        messages = f"/{API_VERSION}/Accounts/{{account}}/Messages"
        self.app = Starlette(
            routes=[
                Route(f"{messages}.json", self._create_message, methods=["POST"]),
                Route(f"{messages}.json", self._list_messages, methods=["GET"]),
                Route(f"{messages}/{{sid}}.json", self._fetch_message, methods=["GET"]),
                Route(f"{messages}/{{sid}}/Media.json", self._list_media, methods=["GET"]),
                Route(f"{messages}/{{sid}}/Media/{{media}}", self._fetch_media, methods=["GET"]),
                Route("/v1/Services/{service}/PhoneNumbers", self._list_numbers, methods=["GET"]),
                Route("/v1/Content", self._create_content, methods=["POST"]),
                Route("/v1/Content", self._list_content, methods=["GET"]),
                Route("/v1/Content/{sid}", self._fetch_content, methods=["GET"]),
                Route("/v1/Content/{sid}/ApprovalRequests", self._fetch_approval, methods=["GET"]),
                Route("/v1/Content/{sid}/ApprovalRequests/whatsapp", self._approve, methods=["POST"]),
            ],
            exception_handlers={TwilioError: _answer_error},
        )

    # The customer's side

    async def customer_does(self, channel: Channel, action: CustomerAction) -> tuple[str, list[int | None]]:
        """Do it on the phone and post the webhook. Returns the message's SID and the webhook's statuses.

        Raises `ValueError` for what this application has not got, such as a button that is not on the screen.
        """
        phone = PhoneKey(channel, action.sender)
        if action.event:
            self._reach.happens(phone, action.event)
            return "", []
        if action.dice or action.edits or action.group:
            raise ValueError(f"there are no dice, edits or groups on {channel}")
        tap = self._tap(phone, action.button) if action.button is not None else None
        sid = ("MM" if action.media or action.contact else "SM") + secrets.token_hex(16)
        media = "ME" + secrets.token_hex(16)
        if action.media is MediaKind.PHOTO:
            self._photo_media.append(media)
        media_url = f"{self._api_base}/{API_VERSION}/Accounts/{self.account.sid}/Messages/{sid}/Media/{media}"
        form = incoming_form(self.account, channel, sid, action, media_url, tap)
        self._book.add(
            Message(
                sid=sid,
                to=form["To"],
                sender=form["From"],
                body=form["Body"],
                direction="inbound",
                sent_at=self._now(),
                parts=int(form["NumSegments"]),
                media=((media, form["MediaContentType0"]),) if "MediaUrl0" in form else (),
                status="received",
            )
        )
        text = form["Body"] or action.contact or ""
        shown = self._phones.add(phone, id=sid, mine=True, text=text, content=_shown(action))
        if answer := self._reach.wrote(phone, form["Body"]):
            self._answer_itself(phone, answer)
        body, headers = signed(self._validator, self._webhook, form)
        statuses = await asyncio.gather(
            *(self._postman.post(self._webhook, body, headers) for _ in range(action.times))
        )
        self._phones.arrived(shown, statuses[0])
        return sid, list(statuses)

    def _tap(self, phone: PhoneKey, token: str) -> Tap:
        found = self._phones.find_button(phone, token)
        if found is None:
            raise ValueError(f"no such button on this phone: {token}")
        message, button = found
        return Tap(button, message)

    def _answer_itself(self, phone: PhoneKey, text: str) -> None:
        parts, encoding = count_parts(text)
        self._phones.add(
            phone, id="SM" + secrets.token_hex(16), mine=False, text=text, parts=parts, encoding=encoding
        )

    # The API

    async def _create_message(self, request: Request) -> Response:
        self._authorise(request)
        fields = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        params = dict(fields)
        media = [value for name, value in fields if name == "MediaUrl"][:1]  # WhatsApp ignores any further ones
        fault = await self.faults.meet(params.get("To", "").removeprefix("whatsapp:"))
        if fault and fault.kind is FaultKind.REFUSE:
            return refusal(fault.status)
        if fault and fault.kind is FaultKind.DROP:
            return await abort(request)
        channel, number, rendered = self._checked(params)
        if not all(url.startswith(("http://", "https://")) for url in media):
            raise TwilioError(21620)
        parts, encoding = count_parts(rendered.text) if channel is Channel.SMS else (1, "")
        message = Message(
            sid="SM" + secrets.token_hex(16),
            to=params["To"],
            sender=self.account.own_address(channel),
            body=rendered.text,
            direction="outbound-api",
            sent_at=self._now(),
            parts=parts,
            media=tuple(("ME" + secrets.token_hex(16), "") for _ in media),
            service=params.get("MessagingServiceSid"),
        )
        answer = JSONResponse(message.as_json(self.account.sid), status_code=201)
        self._book.add(message)
        self._ledger.record(
            channel=channel,
            to=number,
            id=message.sid,
            body=rendered.text,
            buttons=[{"title": button.title, "token": button.token} for button in rendered.buttons],
            media=media,
        )
        delivery = Delivery(message, PhoneKey(channel, number), rendered, encoding, params.get("StatusCallback"))
        if media:
            self._postman.later(self._deliver_with(media[0], delivery))
        else:
            self._deliver(delivery)
        if fault and fault.kind is FaultKind.ACCEPT_THEN_DROP:
            return await abort(request)
        if fault and fault.kind is FaultKind.ACCEPT_THEN_HOLD:
            await asyncio.sleep(fault.seconds)
        return answer

    def _checked(self, params: dict[str, str]) -> tuple[Channel, str, Rendered]:
        """Channel, customer's number and text of a send. Raises `TwilioError` for what Twilio refuses."""
        to, sender = params.get("To"), params.get("MessagingServiceSid") or params.get("From")
        if not to:
            raise TwilioError(21604)
        if not sender:
            raise TwilioError(21603)
        channel = Channel.WHATSAPP if to.startswith("whatsapp:") else Channel.SMS
        number = to.removeprefix("whatsapp:")
        if not E164.fullmatch(number):
            raise TwilioError(21211, to)
        if channel is Channel.WHATSAPP and sender != self.account.own_address(channel):
            raise TwilioError(63007)
        if channel is Channel.SMS and sender not in (self.account.sms_from, self.account.sms_number):
            raise TwilioError(21606, sender)
        if content_sid := params.get("ContentSid"):
            rendered = self._templates.render(content_sid, params.get("ContentVariables"))
        else:
            rendered = Rendered(params.get("Body", ""))
        if not rendered.text and not params.get("MediaUrl"):
            raise TwilioError(21602)
        if len(rendered.text) > MAX_BODY:
            raise TwilioError(21617)
        if self._reach.is_opted_out(PhoneKey(channel, number)):
            raise TwilioError(21610)
        return channel, number, rendered

    async def _list_messages(self, request: Request) -> Response:
        self._authorise(request)
        query = dict(request.query_params)
        size = min(int(query.get("PageSize", PAGE_SIZE)), MAX_PAGE_SIZE)
        page = int(query.get("Page", 0))
        found = list(islice(self._book.matching(query), size + 1))
        messages, more = found[:size], len(found) > size
        path = f"/{API_VERSION}/Accounts/{self.account.sid}/Messages.json"

        def address(number: int, **token: str) -> str:
            return f"{path}?{urlencode(query | {'PageSize': size, 'Page': number} | token)}"

        return JSONResponse(
            {
                "messages": [message.as_json(self.account.sid) for message in messages],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + max(0, len(messages) - 1),
                "uri": address(page),
                "first_page_uri": address(0),
                "previous_page_uri": None,
                "next_page_uri": address(page + 1, PageToken=f"PA{messages[-1].sid}") if more else None,
            }
        )

    async def _fetch_message(self, request: Request) -> Response:
        self._authorise(request)
        message = self._book.get(request.path_params["sid"])
        if message is None:
            raise TwilioError(20404, request.url.path)
        return JSONResponse(message.as_json(self.account.sid))

    async def _list_media(self, request: Request) -> Response:
        self._authorise(request)
        message = self._book.get(request.path_params["sid"])
        if message is None:
            raise TwilioError(20404, request.url.path)
        listed = media_as_json(message, self.account.sid)
        return JSONResponse({"media_list": listed, "page": 0, "page_size": PAGE_SIZE, "next_page_uri": None})

    async def _list_numbers(self, request: Request) -> Response:
        """The numbers of the messaging service."""
        self._authorise(request)
        if request.path_params["service"] != self.account.messaging_service:
            raise TwilioError(20404, request.url.path)
        meta = {"key": "phone_numbers", "page": 0, "page_size": PAGE_SIZE, "next_page_url": None}
        number = {"sid": "PN" + "0" * 32, "phone_number": self.account.sms_number}
        return JSONResponse({"phone_numbers": [number], "meta": meta})

    async def _fetch_media(self, request: Request) -> Response:
        """The picture that a phone sent. Other media have no content here: not found, as once they expire."""
        self._authorise(request)
        if request.path_params["media"] not in self._photo_media:
            raise TwilioError(20404, request.url.path)
        return FileResponse(PHOTO)

    async def _create_content(self, request: Request) -> Response:
        self._authorise(request)
        template = self._templates.create(await request.body(), f"{self._api_base}/v1/Content")
        return JSONResponse(template, status_code=201)

    async def _list_content(self, request: Request) -> Response:
        self._authorise(request)
        query = request.query_params
        page = self._templates.page(
            f"{self._api_base}/v1/Content", int(query.get("Page", 0)), int(query.get("PageSize", PAGE_SIZE))
        )
        return JSONResponse(page)

    async def _fetch_content(self, request: Request) -> Response:
        self._authorise(request)
        return JSONResponse(self._templates.fetch(request.path_params["sid"]))

    async def _fetch_approval(self, request: Request) -> Response:
        self._authorise(request)
        return JSONResponse(self._templates.approval(request.path_params["sid"]))

    async def _approve(self, request: Request) -> Response:
        """WhatsApp takes a day or so to look at a template; this one is approved at once."""
        self._authorise(request)
        approved = self._templates.approve(request.path_params["sid"], await request.body())
        return JSONResponse(approved, status_code=201)

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode()
        account = request.path_params.get("account", self.account.sid)
        if not hmac.compare_digest(given, self._authorization) or account != self.account.sid:
            raise TwilioError(20003)

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC).replace(microsecond=0)

    # Delivery

    async def _deliver_with(self, url: str, delivery: Delivery) -> None:
        """As Twilio does, the message is taken first; what cannot be fetched then makes it fail, text and all."""
        file = await self._postman.fetch(url)
        if file is None:
            self._deliver(delivery, failure=MEDIA_NOT_DOWNLOADED)
        elif file.content_type not in MEDIA_TYPES:
            self._deliver(delivery, failure=MEDIA_NOT_SUPPORTED)
        else:
            self._deliver(delivery, file)

    def _deliver(self, delivery: Delivery, file: File | None = None, failure: int | None = None) -> None:
        """Show the message on the phone, unless it cannot arrive, and report its states."""
        message, phone, rendered = delivery.message, delivery.phone, delivery.rendered
        life: list[tuple[str, int | None]] = [("sent", None), ("delivered", None), ("read", None)]
        if failure:
            life = [("failed", failure)]
        elif fate := self._reach.fate(phone, approved=rendered.approved):
            life = fate
        elif self.receipts == "delivered" or phone.channel is Channel.SMS:
            life.pop()
        shown = None
        if life[-1][1] is None:
            shown = self._phones.add(
                phone,
                id=message.sid,
                mine=False,
                text=rendered.text,
                content=_kind(file),
                file=self._files.keep(file) if file else None,
                buttons=rendered.buttons,
                parts=message.parts,
                encoding=delivery.encoding,
            )
        if self.receipts == "off":
            message.status, message.error = life[0]
        else:
            self._postman.later(self._live(delivery, life, shown))

    async def _live(self, delivery: Delivery, life: list[tuple[str, int | None]], shown: PhoneMessage | None) -> None:
        message, callback = delivery.message, delivery.callback
        for step, (status, error) in enumerate(life):
            if step:
                await asyncio.sleep(self._receipt_pause)
            message.status, message.error = status, error
            if shown:
                shown.state = DeliveryState(status)
                self._phones.changed(shown)
            if callback:
                form = status_form(
                    self.account, delivery.phone.channel, message.sid, message.to, message.sender, status, error
                )
                body, headers = signed(self._validator, callback, form)
                await self._postman.post(callback, body, headers)


async def _answer_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, TwilioError)
    return error.response()


def _kind(file: File | None) -> Content:
    if file is None:
        return Content.TEXT
    return Content.PHOTO if file.is_picture else Content.DOCUMENT


def _shown(action: CustomerAction) -> Content:
    if action.media:
        return Content(action.media)
    if action.location:
        return Content.LOCATION
    return Content.CONTACT if action.contact else Content.TEXT
