"""A Telegram bot account in memory: the Bot API towards the house, chats and updates behind it.

python-telegram-bot works against it with `base_url` set to the address where `app` is mounted plus `/bot`.
Methods and errors: https://core.telegram.org/bots/api. Nothing survives the process.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.channels.carrier import Channel
from bot.tryit.customer import PHOTO, CustomerAction, PhoneEvent, chat_id_for
from bot.tryit.faults import FaultKind, Faults, abort
from bot.tryit.ledger import Ledger
from bot.tryit.phone import Content, Notice, PhoneKey, Phones
from bot.tryit.postman import Postman
from bot.tryit.received import ReceivedFiles
from bot.tryit.telegram_content import Sent, buttons, parameters, sent_document, sent_photo, sent_text
from bot.tryit.telegram_errors import TelegramError, refusal
from bot.tryit.telegram_updates import (
    PHOTO_FILE_ID,
    Json,
    TelegramUser,
    Terminated,
    UpdateQueue,
    membership_update,
    message_update,
    tap_update,
)

MAX_MESSAGES = 50_000
MAX_TAPS = 10_000
PHOTO_PATH = "photos/meter.jpg"


class TelegramEmulator:
    """One bot. `app` is the API to mount; `customer_does` is the customers' side of it.

    Until the bot calls `setWebhook` or `deleteWebhook`, updates go to `webhook` with `secret`, or wait to be
    fetched when `webhook` is None.
    """

    def __init__(
        self,
        token: str,
        *,
        phones: Phones,
        files: ReceivedFiles,
        ledger: Ledger,
        postman: Postman,
        webhook: str | None,
        secret: str | None,
        username: str = "releve_demo_bot",
    ) -> None:
        self.faults = Faults()
        self._token = token
        self._phones = phones
        self._files = files
        self._ledger = ledger
        self._postman = postman
        self._webhook = webhook
        self._secret = secret
        self._last_error: tuple[int, str] | None = None
        self._bot: Json = {
            "id": int(token.partition(":")[0]) if token.partition(":")[0].isdigit() else 1,
            "is_bot": True,
            "first_name": "Relève",
            "username": username,
        }
        self._updates = UpdateQueue()
        self._last_message_id = 0
        self._messages: OrderedDict[tuple[str, int], Json] = OrderedDict()
        self._tapped: OrderedDict[str, str] = OrderedDict()
        """The chat of each tap that may still be answered, by its query id."""
        self._blocked: set[str] = set()
        self._commands: list[Json] = []
        self._methods: dict[str, Callable[[Json, Request], Awaitable[Any]]] = {
            "getme": self._get_me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._get_webhook_info,
            "getupdates": self._get_updates,
            "sendmessage": partial(self._send, sent_text),
            "sendphoto": partial(self._send, sent_photo),
            "senddocument": partial(self._send, sent_document),
            "editmessagetext": self._edit_message,
            "editmessagereplymarkup": self._edit_message,
            "answercallbackquery": self._answer_callback_query,
            "sendchataction": self._send_chat_action,
            "setmycommands": self._set_my_commands,
            "getmycommands": self._get_my_commands,
            "leavechat": self._leave_chat,
            "getfile": self._get_file,
        }
        self.app = Starlette(
            routes=[
                Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
                Route("/file/bot{token}/{path:path}", self._download, methods=["GET"]),
            ]
        )

    # The customer's side

    async def customer_does(self, action: CustomerAction) -> tuple[str, list[int | None]]:
        """Do it on the phone and post the update, or keep it to be fetched.

        Returns the update's id and the webhook's statuses (none without a webhook; an empty id when the bot
        does not take this kind of update). Raises `ValueError` for what is not there, as an unknown button.
        """
        chat = chat_id_for(action.sender) if action.sender.startswith("+") else action.sender
        user = TelegramUser(int(chat), action.name, action.language)
        update = self._updates.number(self._update(user, action))
        if update is None:
            return "", []
        update_id = str(update["update_id"])
        if self._webhook is None:
            self._updates.put(update)
            return update_id, []
        body = json.dumps(update).encode()
        statuses = await asyncio.gather(*(self._post(body) for _ in range(action.times)))
        sent = update.get("message")
        shown = sent and self._phones.find(PhoneKey(Channel.TELEGRAM, chat), str(sent["message_id"]))
        if shown:
            self._phones.arrived(shown, statuses[0])
        return update_id, list(statuses)

    def _update(self, user: TelegramUser, action: CustomerAction) -> Json:
        phone = PhoneKey(Channel.TELEGRAM, str(user.id))
        if action.event in (PhoneEvent.BLOCK, PhoneEvent.UNBLOCK):
            (self._blocked.add if action.event is PhoneEvent.BLOCK else self._blocked.discard)(phone.address)
            return membership_update(user, self._bot, action.event)
        if action.event:
            raise ValueError(f"{action.event} does not exist on Telegram")
        if action.button is not None:
            found = self._phones.find_button(phone, action.button)
            if found is None or (phone.address, int(found[0].id)) not in self._messages:
                raise ValueError(f"no such button on this phone: {action.button}")
            update = tap_update(user, action.button, self._messages[phone.address, int(found[0].id)])
            self._tapped[update["callback_query"]["id"]] = phone.address
            if len(self._tapped) > MAX_TAPS:
                self._tapped.popitem(last=False)
            return update
        message_id = int(action.edits) if action.edits else self._new_message_id()
        update = message_update(user, action, message_id)
        if action.edits and (old := self._phones.find(phone, action.edits)):
            old.text = action.text or ""
            self._phones.changed(old)
        elif not action.group:
            text = action.text or action.contact or ""
            self._phones.add(phone, id=str(message_id), mine=True, text=text, content=_shown(action))
        return update

    async def _post(self, body: bytes) -> int | None:
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self._secret
        assert self._webhook is not None
        # Telegram repeats an update until the webhook answers 2xx.
        status = await self._postman.post(self._webhook, body, headers, again=lambda status: status >= 300)
        if status is None or status >= 300:
            reason = "Connection refused" if status is None else f"Wrong response from the webhook: {status}"
            self._last_error = (int(time.time()), reason)
        return status

    # The API

    async def _call(self, request: Request) -> Response:
        try:
            self._authorise(request)
            method = self._methods.get(request.path_params["method"].lower())
            if method is None:
                raise TelegramError(404, "Not Found")
            result = await method(await parameters(request), request)
        except TelegramError as error:
            return error.response()
        return result if isinstance(result, Response) else JSONResponse({"ok": True, "result": result})

    async def _download(self, request: Request) -> Response:
        try:
            self._authorise(request)
        except TelegramError as error:
            return error.response()
        if request.path_params["path"] != PHOTO_PATH:
            return TelegramError(404, "Not Found").response()
        return FileResponse(PHOTO)

    def _authorise(self, request: Request) -> None:
        if not hmac.compare_digest(request.path_params["token"].encode(), self._token.encode()):
            raise TelegramError(401, "Unauthorized")

    async def _get_me(self, _params: Json, _request: Request) -> Json:
        return self._bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    async def _set_webhook(self, params: Json, _request: Request) -> bool:
        self._webhook = params.get("url") or None
        self._secret = params.get("secret_token")
        self._allow(params)
        if params.get("drop_pending_updates"):
            self._updates.clear()
        return True

    async def _delete_webhook(self, params: Json, _request: Request) -> bool:
        self._webhook = None
        if params.get("drop_pending_updates"):
            self._updates.clear()
        return True

    async def _get_webhook_info(self, _params: Json, _request: Request) -> Json:
        info: Json = {
            "url": self._webhook or "",
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates),
        }
        if self._last_error:
            info["last_error_date"], info["last_error_message"] = self._last_error
        if self._updates.allowed is not None:
            info["allowed_updates"] = sorted(self._updates.allowed)
        return info

    async def _get_updates(self, params: Json, _request: Request) -> list[Json]:
        if self._webhook:
            raise TelegramError(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._allow(params)
        try:
            return await self._updates.fetch(
                offset=int(params.get("offset", 0)),
                limit=int(params.get("limit", 100)),
                seconds=float(params.get("timeout", 0)),
            )
        except Terminated as error:
            raise TelegramError(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            ) from error

    async def _send(self, read: Callable[[Json], Sent], params: Json, request: Request) -> Json | Response:
        """All methods that send a message, whose content `read` takes from the parameters."""
        chat = str(params.get("chat_id", ""))
        fault = await self.faults.meet(chat)
        if fault and fault.kind is FaultKind.REFUSE:
            raise refusal(fault.status, fault.retry_after)
        if fault and fault.kind is FaultKind.DROP:
            return await abort(request)
        markup = params.get("reply_markup") or {}
        if not chat.lstrip("-").isdigit():
            raise TelegramError(400, "Bad Request: chat not found")
        if chat in self._blocked:
            raise TelegramError(403, "Forbidden: bot was blocked by the user")
        sent, offered = read(params), buttons(markup)
        message: Json = {
            "message_id": self._new_message_id(),
            "from": self._bot,
            "chat": {"id": int(chat), "type": "private" if int(chat) > 0 else "group"},
            "date": int(time.time()),
            **sent.fields,
        }
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
        self._messages[chat, message["message_id"]] = message
        if len(self._messages) > MAX_MESSAGES:
            self._messages.popitem(last=False)
        message_id = str(message["message_id"])
        self._ledger.record(
            channel=Channel.TELEGRAM,
            to=chat,
            id=message_id,
            body=sent.text,
            buttons=[{"title": button.title, "token": button.token} for button in offered],
            media=[sent.file.name] if sent.file else [],
        )
        self._phones.add(
            PhoneKey(Channel.TELEGRAM, chat),
            id=message_id,
            mine=False,
            text=sent.text,
            content=sent.content,
            file=self._files.keep(sent.file) if sent.file else None,
            buttons=offered,
        )
        if fault and fault.kind is FaultKind.ACCEPT_THEN_DROP:
            return await abort(request)
        if fault and fault.kind is FaultKind.ACCEPT_THEN_HOLD:
            await asyncio.sleep(fault.seconds)
        return message

    async def _edit_message(self, params: Json, _request: Request) -> Json:
        """Both of editMessageText and editMessageReplyMarkup: without a text, the text stays."""
        chat, message_id = str(params.get("chat_id", "")), str(params.get("message_id", ""))
        message = self._messages.get((chat, int(message_id))) if message_id.isdigit() else None
        if message is None:
            raise TelegramError(400, "Bad Request: message to edit not found")
        old = message.get("text")
        if "text" in params and old is None:
            raise TelegramError(400, "Bad Request: there is no text in the message to edit")
        text = params.get("text", old)
        markup = params.get("reply_markup") or {}
        offered = buttons(markup)
        if text == old and markup == message.get("reply_markup", {}):
            raise TelegramError(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message",
            )
        message["edit_date"] = int(time.time())
        if text is not None:
            message["text"] = text
        message.pop("reply_markup", None)
        if markup:
            message["reply_markup"] = markup
        if shown := self._phones.find(PhoneKey(Channel.TELEGRAM, chat), message_id):
            shown.text, shown.buttons = shown.text if text is None else text, offered
            self._phones.changed(shown)
        return message

    async def _answer_callback_query(self, params: Json, _request: Request) -> bool:
        chat = self._tapped.pop(str(params.get("callback_query_id", "")), None)
        if chat is None:
            raise TelegramError(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        if text := params.get("text"):
            self._phones.notice(Notice(PhoneKey(Channel.TELEGRAM, chat), str(text)))
        return True

    async def _send_chat_action(self, _params: Json, _request: Request) -> bool:
        return True

    async def _set_my_commands(self, params: Json, _request: Request) -> bool:
        self._commands = params.get("commands", [])
        return True

    async def _get_my_commands(self, _params: Json, _request: Request) -> list[Json]:
        return self._commands

    async def _leave_chat(self, params: Json, _request: Request) -> bool:
        if not str(params.get("chat_id", "")).startswith("-"):
            raise TelegramError(400, "Bad Request: chat member status can't be changed in private chats")
        return True

    async def _get_file(self, params: Json, _request: Request) -> Json:
        if params.get("file_id") != PHOTO_FILE_ID:
            raise TelegramError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        size = PHOTO.stat().st_size
        return {
            "file_id": PHOTO_FILE_ID,
            "file_unique_id": "meter",
            "file_size": size,
            "file_path": PHOTO_PATH,
        }

    def _allow(self, params: Json) -> None:
        """Note `allowed_updates`: an empty list means the default, none at all the previous setting."""
        if (allowed := params.get("allowed_updates")) is not None:
            self._updates.allowed = frozenset(allowed) if allowed else None

    def _new_message_id(self) -> int:
        self._last_message_id += 1
        return self._last_message_id


def _shown(action: CustomerAction) -> Content:
    if action.media:
        return Content(action.media)
    if action.location:
        return Content.LOCATION
    if action.dice:
        return Content.DICE
    return Content.CONTACT if action.contact else Content.TEXT
