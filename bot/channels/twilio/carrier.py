"""The Twilio carrier: webhooks in, messages out, and the question whether a message in doubt was taken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

import aiohttp
import structlog
from fastapi import APIRouter, Request, Response
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.messaging_response import MessagingResponse

from bot.channels import gsm
from bot.channels.carrier import (
    CAPTION_LIMIT,
    Accepted,
    Attachment,
    Busy,
    Channel,
    Inbound,
    InDoubt,
    Intake,
    Media,
    Outbound,
    RateLimits,
    Refused,
    SendError,
    Template,
)
from bot.channels.text import numbered, shorten, units
from bot.channels.twilio.client import NotStarted, TwilioHttp, Unavailable
from bot.channels.twilio.contents import Choice, Contents, encoded
from bot.channels.twilio.forms import (
    WHATSAPP,
    Form,
    Malformed,
    decode_form,
    decode_json,
    read_message,
    read_status,
    without_numbers,
)
from bot.channels.twilio.media import SentMedia
from bot.channels.twilio.received import Received
from bot.channels.webhook import read_body, rejection
from bot.settings import Settings

log = structlog.stdlib.get_logger(__name__)

MESSAGE_PATH = "/webhooks/twilio"
STATUS_PATH = "/webhooks/twilio/status"
MOST_BYTES = 64 * 1024

NO_REPLY = str(MessagingResponse())

CLOCK_MARGIN = timedelta(minutes=2)
"""Twilio's clock may be this far behind ours when a message in doubt is looked for."""

MOST_LISTED = 200
"""Messages to one customer, newest first, among which a message in doubt is looked for."""

BAD_TEMPLATE = frozenset({21655, 21656, 21657, 92005, 92007})
"""ContentSid or ContentVariables refused: a text with buttons may still go as plain text."""

BAD_MEDIA = frozenset({21620})
"""MediaUrl refused, likewise."""

ACCOUNT_TROUBLE = frozenset({401, 403, 404})
"""Wrong credentials, a suspended account, a wrong address: no message's own trouble, so it keeps until an
operator has looked. What is wrong with a message or its recipient is answered 400.
"""


class _BadTemplate(Refused):
    """Refused for its template, not for its recipient."""


class _BadMedia(Refused):
    """Refused for what goes with it."""


class TwilioCarrier:
    """One Twilio account, for SMS, WhatsApp or both.

    In Twilio's console, set the webhook to `PUBLIC_URL/webhooks/twilio#rc=3&rp=all` and the fallback to the
    same address: by default Twilio tries again once, and only when it could not connect, so that a message
    which we answered 5xx (no database) would be lost.
    """

    name = "twilio"

    def __init__(self, settings: Settings) -> None:
        if not settings.twilio_account_sid or not settings.twilio_auth_token:
            raise ValueError("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are required")
        token = settings.twilio_auth_token.get_secret_value()
        senders = {Channel.SMS: settings.twilio_sms_from, Channel.WHATSAPP: settings.twilio_whatsapp_from}
        self._senders = {channel: sender for channel, sender in senders.items() if sender}
        self.channels = frozenset(self._senders)
        per_second = {
            Channel.SMS: settings.twilio_sms_per_second,
            Channel.WHATSAPP: settings.twilio_whatsapp_per_second,
        }
        self._limits = {channel: RateLimits(per_second[channel]) for channel in self._senders}
        self._public_url = settings.public_url
        self._validator = RequestValidator(token)
        self._http = TwilioHttp(settings.twilio_api_url)
        self._client = Client(settings.twilio_account_sid, token, http_client=self._http)
        self._contents = Contents(self._client)
        self._received = Received(self._client, self._senders)
        self._media = SentMedia(settings.twilio_api_url, settings.twilio_account_sid, token)

    @property
    def limits(self) -> Mapping[Channel, RateLimits]:
        return self._limits

    # -- in ----------------------------------------------------------------------------------------

    def router(self, intake: Intake) -> APIRouter:
        """403 for a wrong signature, 400 for a body not like Twilio's; `intake`'s errors become 500."""
        router = APIRouter(tags=["webhooks"])

        @router.post(MESSAGE_PATH)
        async def receive(request: Request) -> Response:
            form = await self._signed_form(request, MESSAGE_PATH)
            try:
                message = read_message(form)
            except Malformed as error:
                raise rejection(self.name, 400, str(error)) from error
            if message is None or message.channel not in self.channels:
                log.warning("message that cannot be answered ignored", carrier=self.name)
            else:
                await intake.accept([message])
            return Response(NO_REPLY, media_type="application/xml")

        @router.post(STATUS_PATH)
        async def receive_status(request: Request) -> Response:
            form = await self._signed_form(request, STATUS_PATH)
            try:
                update = read_status(form)
            except Malformed as error:
                raise rejection(self.name, 400, str(error)) from error
            if update is not None:
                await intake.advance(update)
            return Response(status_code=204)

        return router

    async def _signed_form(self, request: Request, path: str) -> Form:
        """The request's parameters, once its signature is checked against the public address.

        Twilio signs the address it called, which a proxy may have changed on the way, with either every form
        parameter or, for a JSON body, the `bodySHA256` that it put in the query.
        """
        signature = request.headers.get("X-Twilio-Signature")
        if not signature:
            raise rejection(self.name, 403, "no signature")
        body = await read_body(request, self.name, MOST_BYTES)
        query = request.url.query
        url = f"{self._public_url}{path}?{query}" if query else f"{self._public_url}{path}"
        form: Form
        try:
            match request.headers.get("Content-Type", "").partition(";")[0].strip().lower():
                case "application/x-www-form-urlencoded":
                    form = decode_form(body)
                    valid = self._is_signed(url, form, signature)
                case "application/json":
                    text = _utf8(body)
                    # Without a hash the SDK would not look at the body at all.
                    hashed = bool(request.query_params.get("bodySHA256"))
                    valid = hashed and self._validator.validate(url, text, signature)
                    form = decode_json(text) if valid else {}
                case _:
                    raise Malformed("neither a form nor JSON")
        except Malformed as error:
            raise rejection(self.name, 400, str(error)) from error
        if not valid:
            raise rejection(self.name, 403, "wrong signature")
        return form

    def _is_signed(self, url: str, form: Form, signature: str) -> bool:
        """Whether Twilio signed `form`: as a rule for `url` as it stands, so that is tried first. The SDK's own check
        always tries with and without a port, and takes twice as long.
        """
        expected = self._validator.compute_signature(url, form)
        return compare_digest(expected.encode(), signature.encode()) or self._validator.validate(url, form, signature)

    # -- out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Accepted:
        if message.template and message.channel is Channel.WHATSAPP:
            return await self._send_template(message, message.template)
        media, link = await _placed(message)
        if media:
            try:
                return await self._create(message, body=_body(message), media_url=[media.url])
            except _BadMedia as error:
                log.error("attachment refused", carrier=self.name, key=message.key, error=error.reason)
                link = media.link
        # A template for buttons has a body of one variable, so that a link can only be in the plain text.
        choice = Choice.of(message) if message.channel is Channel.WHATSAPP and not link else None
        if choice and (sid := await self._contents.sid(choice)):
            try:
                return await self._create(message, content_sid=sid, content_variables=choice.variables)
            except _BadTemplate as error:
                self._contents.pause(error.reason)
        body = _body(message, link)
        accepted = await self._create(message, body=body)
        return Accepted(accepted.carrier_id, gsm.parts(body)) if message.channel is Channel.SMS else accepted

    async def _send_template(self, message: Outbound, template: Template) -> Accepted:
        """An approved text. Refused, it is refused: in its place a free text would fail outside the window."""
        content = {"content_sid": template.sid}
        if template.variables:
            content["content_variables"] = encoded(template.variables)
        return await self._create(message, **content)

    async def _create(self, message: Outbound, **content: str | list[str]) -> Accepted:
        try:
            created = await self._client.messages.create_async(
                to=_address(message.channel, message.address),
                status_callback=f"{self._public_url}{STATUS_PATH}",
                **self._sender(message.channel),
                **content,
            )
        except Exception as error:
            raise _send_error(error) from error
        if not created.sid:
            raise InDoubt("Twilio answered without a message sid")
        return Accepted(created.sid)

    async def find_sent(self, message: Outbound, known: frozenset[str] = frozenset()) -> Accepted | None:
        """Looks among the customer's last messages for one from our sender with this text.

        The list is not filtered by `DateSent` although Twilio can: a message that is still queued has none
        yet.
        """
        try:
            listed = await self._client.messages.list_async(
                to=_address(message.channel, message.address), limit=MOST_LISTED
            )
        except Exception as error:
            if isinstance(error, Unavailable):
                raise Busy(str(error), error.retry_after) from error
            raise Busy(f"could not ask: {type(error).__name__}") from error
        earliest = message.created_at - CLOCK_MARGIN if message.created_at else None
        # With buttons or with numbered lines, and with the link to a document or without.
        link = message.attachment.link if message.attachment else ""
        bodies = {text.strip() for text in (message.text, _body(message), _body(message, link))}
        if message.template:
            # Twilio does not say whether it lists a template's text before it has put it together.
            bodies.add("")
        for record in reversed(listed):
            if (
                record.sid
                and record.sid not in known
                and ((record.body or "").strip() in bodies or _is_of(message.template, record.body or ""))
                and self._is_ours(record, message.channel)
                and (earliest is None or record.date_created is None or record.date_created >= earliest)
            ):
                parts = gsm.parts(record.body or "") if message.channel is Channel.SMS else 1
                return Accepted(record.sid, parts)
        return None

    def _sender(self, channel: Channel) -> dict[str, str]:
        sender = self._senders.get(channel)
        if sender is None:
            raise Refused(f"no sender is configured for {channel}")
        if sender.startswith("MG"):
            return {"messaging_service_sid": sender}
        return {"from_": _address(channel, sender)}

    def _is_ours(self, record: Any, channel: Channel) -> bool:
        ours = self._sender(channel)
        return all(getattr(record, field) == value for field, value in ours.items())

    def received(self, since: datetime, until: datetime) -> AsyncIterator[Inbound]:
        """What customers sent between the two moments, by Twilio's own list."""
        return self._received.between(since, until)

    async def fetch(self, media: Media) -> bytes:
        return await self._media.fetch(media)

    async def start(self, intake: Intake | None) -> None:
        self._http.open()
        self._media.open()

    async def stop(self) -> None:
        await self._media.close()
        await self._http.close()


def _is_of(template: Template | None, body: str) -> bool:
    """Whether `body` holds all that fills the template: what WhatsApp approved may be worded unlike our text."""
    if template is None or not template.variables:
        return False
    return all(value in body for value in template.variables.values())


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error


def _address(channel: Channel, address: str) -> str:
    return WHATSAPP + address if channel is Channel.WHATSAPP else address


async def _placed(message: Outbound) -> tuple[Attachment | None, str]:
    """Where the attachment goes, if it can be made: as the message's media, or as a link at the end of its text.

    Not to a phone that has SMS only, and not with a text that WhatsApp cannot show as a caption: neither one that is
    too long, nor any beside a document ("Guidance on WhatsApp Media Messages").
    """
    attachment = message.attachment
    if attachment is None:
        return None, ""
    if message.channel is Channel.SMS and attachment.is_picture and not attachment.essential:
        return None, ""
    if await attachment.content() is None:  # Twilio fetches it after it has taken the message: too late to find out
        return None, ""
    if message.channel is Channel.SMS or not attachment.is_picture:
        return None, attachment.link
    if units(_body(message)) > CAPTION_LIMIT:
        log.warning("text too long for a caption", carrier=TwilioCarrier.name, key=message.key)
        return None, attachment.link
    return attachment, ""


def _body(message: Outbound, link: str = "") -> str:
    """The text, a link, and its buttons as numbered lines, fitted to one message; a cut of the text is logged."""
    titles = [button.title for button in message.buttons if not button.shares_phone]
    lines = link + (f"\n{numbered(titles)}" if titles else "")
    if message.channel is Channel.SMS:
        body = gsm.fit(message.text, lines)
    else:
        body = shorten(message.text, gsm.BODY_LIMIT - units(lines)) + lines
    length = units(message.text) + units(lines)
    if length > gsm.BODY_LIMIT:
        log.warning("message too long for its channel", carrier=TwilioCarrier.name, key=message.key, length=length)
    return body


def _send_error(error: Exception) -> SendError:
    """What an exception of the SDK or of aiohttp says about the message."""
    match error:
        case SendError():
            return error
        case NotStarted():
            return Busy("the carrier is not started")
        case Unavailable(status=429 | 503):
            return Busy(str(error), error.retry_after)
        case Unavailable():
            # 500, 502, 504: whoever answers may have passed the message on. Asking costs little.
            return InDoubt(str(error))
        case TwilioRestException() | TwilioServiceException():
            return _answered(error)
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.InvalidURL():
            return Busy(f"no connection: {type(error).__name__}")
        case aiohttp.ClientError() | TimeoutError() | TwilioException() | ValueError():
            return InDoubt(f"no answer: {type(error).__name__}")
        case _:
            return InDoubt(type(error).__name__)


def _answered(error: TwilioRestException | TwilioServiceException) -> SendError:
    if isinstance(error, TwilioRestException):
        code, words = error.code, error.msg.removeprefix("Unable to create record: ")
    else:
        code, words = error.code, error.detail or error.title
    reason = without_numbers(f"{code} {words}")[:200]
    if error.status in ACCOUNT_TROUBLE:
        return Busy(reason)
    if code in BAD_TEMPLATE:
        return _BadTemplate(reason)
    if code in BAD_MEDIA:
        return _BadMedia(reason)
    return Refused(reason) if 400 <= error.status < 500 else InDoubt(reason)
