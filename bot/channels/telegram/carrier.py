"""The Telegram carrier: updates in by webhook or polling, messages out."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import structlog
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter
from yarl import URL

from bot.channels.carrier import (
    CAPTION_LIMIT,
    MOST_MEDIA_BYTES,
    Accepted,
    Busy,
    Button,
    CannotAsk,
    Channel,
    InDoubt,
    Intake,
    Media,
    NotFetched,
    Outbound,
    RateLimits,
    Refused,
    SendError,
)
from bot.channels.media import Downloads
from bot.channels.text import shorten, units
from bot.channels.webhook import read_body, rejection
from bot.settings import Settings

# The library's own switch, read at each use: durations are timedelta, as they will be in its next major
# version.
os.environ.setdefault("PTB_TIMEDELTA", "true")

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.channels.telegram.requests import BotRequest, PollRequest, Unavailable
from bot.channels.telegram.updates import ALLOWED_UPDATES, UNREADABLE, Malformed, Received, parse, read

log = structlog.stdlib.get_logger(__name__)

PATH = "/webhooks/telegram"
MOST_BYTES = 1024 * 1024
"""An update with a long text, its entities and the message it replies to runs to some 100 KiB."""

TEXT_LIMIT = 4096
SHORT_TITLE = 16
"""Characters of a button title of which two fit in a row on a small phone."""

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
POLL_SECONDS = 30
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0

LIMITS = {Channel.TELEGRAM: RateLimits(account_per_second=30, recipient_per_second=1)}
"""https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this"""


class TelegramCarrier:
    """One Telegram bot."""

    name = "telegram"
    channels = frozenset({Channel.TELEGRAM})

    def __init__(self, settings: Settings) -> None:
        if settings.telegram_token is None:
            raise ValueError("TELEGRAM_TOKEN is required")
        token = settings.telegram_token.get_secret_value()
        api_url = (settings.telegram_api_url or "https://api.telegram.org").rstrip("/")
        self._request = _request(BotRequest)
        self._poll_request = _request(PollRequest)
        self._bot = Bot(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            request=self._request,
            get_updates_request=self._poll_request,
        )
        self._files = f"{api_url}/file/bot{token}/"
        self._downloads = Downloads(URL(api_url), is_own=settings.telegram_api_url is not None)
        self._polls = settings.telegram_mode == "polling"
        self._webhook_url = f"{settings.public_url}{PATH}"
        given = settings.telegram_webhook_secret
        self._secret = given.get_secret_value() if given else _derived_secret(token)
        self._task: asyncio.Task[None] | None = None
        # httpx logs each address at INFO, and the bot's token is part of it.
        logging.getLogger("httpx").setLevel(logging.WARNING)

    @property
    def limits(self) -> Mapping[Channel, RateLimits]:
        return LIMITS

    # -- in ----------------------------------------------------------------------------------------

    def router(self, intake: Intake) -> APIRouter:
        """403 for a wrong secret, 400 for what is no update; `intake`'s errors become 500: sent again."""
        router = APIRouter(tags=["webhooks"])

        @router.post(PATH)
        async def receive(request: Request) -> Response:
            secret = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
            if not hmac.compare_digest(secret.encode(), self._secret.encode()):
                raise rejection(self.name, 403, "wrong secret token" if secret else "no secret token")
            body = await read_body(request, self.name, MOST_BYTES)
            try:
                received = read(parse(_decode(body), self._bot))
            except Malformed as error:
                raise rejection(self.name, 400, str(error)) from error
            if received.inbound:
                await intake.accept([received.inbound])
            return Response(status_code=200, background=BackgroundTask(self._follow_up, received))

        return router

    async def _follow_up(self, received: Received) -> None:
        """What is owed to Telegram once the message is safe: stop the button from spinning, leave the group.

        Both are courtesies: a failure is logged and nothing else.
        """
        try:
            if received.callback_query_id:
                await self._bot.answer_callback_query(received.callback_query_id)
            if received.leave_chat_id is not None:
                await self._bot.leave_chat(received.leave_chat_id)
                log.info("left a group", carrier=self.name)
        except TelegramError as error:
            log.info("follow-up refused", carrier=self.name, error=type(error).__name__)

    async def fetch(self, media: Media) -> bytes:
        try:
            file = await self._bot.get_file(media.reference)
        except (BadRequest, Forbidden) as error:
            raise NotFetched(error.message, is_gone=True) from error
        except TelegramError as error:
            raise NotFetched(type(error).__name__) from error
        # The library's own download would read a file of this machine, if that is what it were told.
        if not file.file_path or not file.file_path.startswith(self._files):
            raise NotFetched("no address of Telegram's files")
        if (file.file_size or 0) > MOST_MEDIA_BYTES:
            raise NotFetched(f"larger than {MOST_MEDIA_BYTES} bytes", is_gone=True)
        return await self._downloads.fetch(media, URL(file.file_path))

    async def start(self, intake: Intake | None) -> None:
        await self._request.initialize()
        await self._poll_request.initialize()
        self._downloads.open()
        if intake is None:
            return
        if self._polls:
            self._task = asyncio.create_task(self._poll(intake), name="telegram polling")
        elif not await self._set_webhook():
            self._task = asyncio.create_task(self._keep_setting_webhook(), name="telegram webhook")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._downloads.close()
        await self._request.shutdown()
        await self._poll_request.shutdown()

    async def _set_webhook(self) -> bool:
        """Tell Telegram where to call. False when it could not be asked; a refusal is logged and final."""
        try:
            await self._bot.set_webhook(self._webhook_url, secret_token=self._secret, allowed_updates=ALLOWED_UPDATES)
        except (BadRequest, InvalidToken, Forbidden) as error:
            log.error("webhook refused", carrier=self.name, url=self._webhook_url, error=error.message)
        except TelegramError as error:
            log.warning("webhook not set yet", carrier=self.name, error=type(error).__name__)
            return False
        return True

    async def _keep_setting_webhook(self) -> None:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(ConnectionError),
            wait=_backoff(),
        ):
            with attempt:
                if not await self._set_webhook():
                    raise ConnectionError

    async def _poll(self, intake: Intake) -> None:
        """Fetch updates for ever. Asking for the next batch confirms the last, so only once it is stored."""
        persistent = AsyncRetrying(
            retry=retry_if_exception_type(Exception), wait=_poll_wait, before_sleep=_log_poll_failure
        )
        await persistent(self._bot.delete_webhook)  # Telegram refuses to be polled while there is one
        offset: int | None = None
        while True:
            offset = await persistent(self._poll_once, intake, offset)

    async def _poll_once(self, intake: Intake, offset: int | None) -> int | None:
        """Store one batch of updates from `offset` on; the offset of the next one."""
        updates = await self._bot.get_updates(offset, timeout=POLL_SECONDS, allowed_updates=ALLOWED_UPDATES)
        batch = [read(update) for update in updates]
        if messages := [received.inbound for received in batch if received.inbound]:
            await intake.accept(messages)
        await asyncio.gather(*map(self._follow_up, batch))
        return updates[-1].update_id + 1 if updates else offset

    # -- out ---------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Accepted:
        try:
            chat_id = int(message.address)
        except ValueError as error:
            raise Refused("the address is no chat id") from error
        try:
            sent = await self._send(chat_id, message)
        except TelegramError as error:
            raise _send_error(error) from error
        except UNREADABLE as error:
            # Telegram answered "ok" and only the library cannot read the receipt. It could not next time
            # either: sending again would go on for ever.
            log.error("receipt that cannot be read", carrier=self.name, error=type(error).__name__)
            return Accepted(f"{chat_id}:unread-{message.key}")
        # A message id is unique within its chat only.
        return Accepted(f"{chat_id}:{sent.message_id}")

    async def _send(self, chat_id: int, message: Outbound) -> Message:
        """Send the text as the caption of its picture or document, or alone when it has none or is too long."""
        text, keyboard = message.text, _keyboard(message.buttons)
        attachment = message.attachment
        content = await attachment.content() if attachment else None
        if attachment and content:
            if units(text) <= CAPTION_LIMIT:
                try:
                    if attachment.is_picture:
                        return await self._bot.send_photo(
                            chat_id, content, caption=text, filename=attachment.name, reply_markup=keyboard
                        )
                    return await self._bot.send_document(
                        chat_id, content, caption=text, filename=attachment.name, reply_markup=keyboard
                    )
                except BadRequest as error:
                    # Not taken, for the file's sake or for another; without the file it says which.
                    log.error("attachment refused", carrier=self.name, key=message.key, error=error.message)
            else:
                log.warning("text too long for a caption", carrier=self.name, key=message.key)
            text += attachment.link
        if units(text) > TEXT_LIMIT:
            log.warning("message too long for its channel", carrier=self.name, key=message.key)
        return await self._bot.send_message(chat_id, shorten(text, TEXT_LIMIT), reply_markup=keyboard)

    async def find_sent(self, message: Outbound, known: frozenset[str] = frozenset()) -> Accepted | None:
        """Always raises `CannotAsk`: the Bot API does not show what a bot has sent."""
        raise CannotAsk


def _request(kind: type[BotRequest]) -> Any:
    return kind(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        media_write_timeout=ANSWER_SECONDS,
        pool_timeout=ANSWER_SECONDS,
    )


def _derived_secret(token: str) -> str:
    """A webhook secret when none is set: as secret as the bot's token, and the same in every process."""
    return hmac.new(token.encode(), b"releve webhook secret", hashlib.sha256).hexdigest()


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON in UTF-8") from error


def _keyboard(buttons: tuple[Button, ...]) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    """Buttons under the message, or in the place of the keyboard when one of them shares the phone number.

    Only there may a button ask for the number; the others then send their title as a text.
    """
    if not buttons:
        return None
    if any(button.shares_phone for button in buttons):
        keys = [[KeyboardButton(b.title, request_contact=b.shares_phone or None)] for b in buttons]
        return ReplyKeyboardMarkup(keys, one_time_keyboard=True, resize_keyboard=True)
    inline = [InlineKeyboardButton(button.title, callback_data=button.token) for button in buttons]
    per_row = 2 if all(units(button.title) <= SHORT_TITLE for button in buttons) else 1
    return InlineKeyboardMarkup([inline[i : i + per_row] for i in range(0, len(inline), per_row)])


def _send_error(error: TelegramError) -> SendError:
    """What an exception of the library says about the message."""
    match error:
        case RetryAfter():
            return Busy("429 flood control", _seconds(error))
        case Forbidden() | BadRequest() | ChatMigrated():
            return Refused(error.message)
        case InvalidToken():  # the bot's trouble, not the message's: it keeps until an operator looks
            return Busy(error.message)
        case Unavailable(status=429 | 503):
            return Busy(error.message)
        case NetworkError() if isinstance(error.__cause__, _NOT_SENT):
            return Busy(f"no connection: {type(error.__cause__).__name__}")
        case _:
            return InDoubt(f"no answer: {type(error.__cause__ or error).__name__}")


_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    RuntimeError,  # the client is closed
)


def _seconds(error: RetryAfter) -> float:
    duration = error.retry_after
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)


def _poll_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RetryAfter):
        return _seconds(error)
    return _backoff()(state)


def _backoff() -> wait_exponential_jitter:
    """Twice as long each time, with jitter so that processes do not come back together."""
    return wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS, jitter=FIRST_WAIT_SECONDS)


def _log_poll_failure(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    words = error.message if isinstance(error, TelegramError) else ""  # other errors may quote the message
    log.warning(
        "polling failed",
        carrier="telegram",
        error=type(error).__name__,
        reason=words,
        attempt=state.attempt_number,
    )
