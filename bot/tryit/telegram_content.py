"""What a bot sends, read from a call's parameters as Telegram reads it: a text, a picture or a document, buttons."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.requests import Request

from bot.tryit.phone import ButtonKind, Content, PhoneButton
from bot.tryit.received import PNG, File
from bot.tryit.telegram_errors import TelegramError
from bot.tryit.telegram_updates import Json

MAX_TEXT = 4_096
MAX_CAPTION = 1_024
MAX_CALLBACK_DATA = 64  # bytes
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_DOCUMENT_BYTES = 50 * 1024 * 1024
MAX_PHOTO_SIDES, MAX_PHOTO_RATIO = 10_000, 20
"""Width and height together, and the longer by the shorter."""

JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that may go: `fields` are those of the Message object that are its content."""

    text: str
    fields: Json
    content: Content = Content.TEXT
    file: File | None = None


def sent_text(params: Json) -> Sent:
    """Raises `TelegramError`, as the other two do."""
    text = str(params.get("text", ""))
    if not text.strip():
        raise TelegramError(400, "Bad Request: message text is empty")
    if len(text) > MAX_TEXT:
        raise TelegramError(400, "Bad Request: message is too long")
    return Sent(text, {"text": text})


def sent_photo(params: Json) -> Sent:
    caption, file = _caption(params), _upload(params, "photo", MAX_PHOTO_BYTES)
    if not file.content.startswith((PNG, JPEG)):
        raise TelegramError(400, "Bad Request: IMAGE_PROCESS_FAILED")
    width, height = file.sides or (1, 1)  # a JPEG is taken as it is
    if width + height > MAX_PHOTO_SIDES or max(width, height) > MAX_PHOTO_RATIO * min(width, height):
        raise TelegramError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
    size = {**_file(file), "width": width, "height": height}
    return Sent(caption, {"photo": [size], **_captioned(caption)}, Content.PHOTO, file)


def sent_document(params: Json) -> Sent:
    caption, file = _caption(params), _upload(params, "document", MAX_DOCUMENT_BYTES)
    document = {**_file(file), "file_name": file.name, "mime_type": file.content_type}
    return Sent(caption, {"document": document, **_captioned(caption)}, Content.DOCUMENT, file)


def buttons(markup: Json) -> tuple[PhoneButton, ...]:
    """What the phone offers below a message. Raises `TelegramError` for a button that Telegram refuses."""
    found = []
    for button in (button for row in markup.get("inline_keyboard", []) for button in row):
        data = button.get("callback_data")
        if data is None:
            continue  # an address to open: nothing comes back from it
        if not 1 <= len(data.encode()) <= MAX_CALLBACK_DATA:
            raise TelegramError(400, "Bad Request: BUTTON_DATA_INVALID")
        found.append(PhoneButton(button["text"], data))
    for button in (button for row in markup.get("keyboard", []) for button in row):
        if isinstance(button, str):
            found.append(PhoneButton(button, kind=ButtonKind.TEXT))
        else:
            kind = ButtonKind.SHARE_PHONE if button.get("request_contact") else ButtonKind.TEXT
            found.append(PhoneButton(button["text"], kind=kind))
    return tuple(found)


async def parameters(request: Request) -> Json:
    """A method's parameters, from the query and from a JSON, form or multipart body; an uploaded file is a `File`.

    In a form, whatever is not text is JSON: Telegram reads it by the parameter's type, we by its name.
    """
    params: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        try:
            params |= json.loads(await request.body() or b"{}")
        except ValueError as error:
            raise TelegramError(400, "Bad Request: can't parse JSON object") from error
    elif content_type.startswith("multipart/"):
        async with request.form() as form:
            for name, part in form.items():
                params[name] = await _read(part) if isinstance(part, UploadFile) else part
    else:
        params |= parse_qsl((await request.body()).decode(), keep_blank_values=True)
    for name in ("reply_markup", "allowed_updates", "commands", "drop_pending_updates"):
        if isinstance(value := params.get(name), str):
            try:
                params[name] = json.loads(value)
            except ValueError as error:
                raise TelegramError(400, f"Bad Request: can't parse {name} JSON object") from error
    return params


async def _read(upload: UploadFile) -> File:
    content_type = upload.content_type or "application/octet-stream"
    return File(upload.filename or "file", content_type, await upload.read())


def _caption(params: Json) -> str:
    caption = str(params.get("caption", ""))
    if len(caption) > MAX_CAPTION:
        raise TelegramError(400, "Bad Request: message caption is too long")
    return caption


def _upload(params: Json, name: str, limit: int) -> File:
    file = params.get(name)
    if not isinstance(file, File):  # an address or the id of an earlier file: the house has no use for them
        raise TelegramError(400, f"Bad Request: there is no {name} in the request")
    if not file.content:
        raise TelegramError(400, "Bad Request: file must be non-empty")
    if len(file.content) > limit:
        raise TelegramError(413, "Request Entity Too Large")
    return file


def _file(file: File) -> Json:
    return {
        "file_id": secrets.token_urlsafe(24),
        "file_unique_id": secrets.token_urlsafe(8),
        "file_size": len(file.content),
    }


def _captioned(caption: str) -> Json:
    return {"caption": caption} if caption else {}
