"""The file that an agent sends with a reply: taken in once, and kept while the reply is not yet sent."""

from __future__ import annotations

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile

from bot.desk.access import Actor
from bot.desk.context import Desk
from bot.desk.conversations.sendable import NotSendable
from bot.desk.forms import Form
from bot.desk.wording import N_
from bot.sending.uploads import MOST_BYTES, BadFile, checked, clean_name
from store import uploads
from store.desk_models import Upload

BESIDE_A_FILE = 256 * 1024
"""Bytes of a form around the file in it."""
LARGEST_BODY = MOST_BYTES + 1024 * 1024
"""Bytes of a request that are read at all; a little more than is taken, so that most are told why."""

FILE_TOO_LARGE = N_("Le fichier est trop grand : 5 Mo au plus.")
FILE_GONE = N_("Le fichier joint n’est plus là. Joignez-le de nouveau.")
BAD_FILES = {
    "empty": N_("Le fichier est vide."),
    "too_large": FILE_TOO_LARGE,
    "wrong_kind": N_("Ce fichier n’est ni un PDF ni une image PNG ou JPEG."),
}


async def bounded(request: Request) -> None:
    """413 before a form is read whose file is too large to be sent; 411 when it does not say."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise HTTPException(411)
    if int(length) > MOST_BYTES + BESIDE_A_FILE:
        raise HTTPException(413, FILE_TOO_LARGE)


async def file_of(desk: Desk, form: FormData, actor: Actor) -> Upload | None:
    """The file to send: one that comes with the form (`file`) is stored first, so that a refused reply does not lose
    it; else the one of an earlier try (`upload`, its number).

    Raises `NotSendable`.
    """
    file = form.get("file")
    if isinstance(file, UploadFile) and file.filename:
        content = await file.read(MOST_BYTES + 1)
        try:
            kind = checked(content)
        except BadFile as error:
            raise NotSendable(BAD_FILES[error.why]) from error
        async with desk.database.writing() as session:
            name = clean_name(file.filename, kind)
            keyring = desk.settings.keyring
            return await uploads.keep(session, keyring, actor.user_id, name, kind, content, desk.clock())
    ids = Form({"id": (text_of(form, "upload"),)}).row_ids("id")
    if not ids:
        return None
    async with desk.database.reading() as session:
        kept = await uploads.unsent(session, ids[0], actor.user_id)
    if kept is None:
        raise NotSendable(FILE_GONE)
    return kept


def text_of(form: FormData, name: str) -> str:
    """A field as it was typed; empty when it is missing or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
