"""Files that agents send: which are taken, what they are called, and where carriers get them from."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from bot.file_kinds import EXTENSIONS, kind_of
from store.database import Database
from store.sealing import Keyring
from store.uploads import content_of

TAKEN: Final = frozenset({"application/pdf", "image/png", "image/jpeg"})
"""What every carrier passes on and every phone shows."""
MOST_BYTES: Final = 5 * 1024 * 1024
"""WhatsApp takes pictures up to this size."""
LONGEST_STEM: Final = 60

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")


class BadFile(ValueError):
    """A file that is not sent. `why` is a word: `empty`, `too_large` or `wrong_kind`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def checked(content: bytes) -> str:
    """The type of a file that may be sent, by its bytes. Raises `BadFile`."""
    if not content:
        raise BadFile("empty")
    if len(content) > MOST_BYTES:
        raise BadFile("too_large")
    kind = kind_of(content)
    if kind not in TAKEN:
        raise BadFile("wrong_kind")
    return kind


def clean_name(given: str, kind: str) -> str:
    """What the customer sees the file called: the name given, in letters that any phone and address can hold.

    Folders, control characters and the extension go; the extension is that of the file's real kind.
    """
    last = given.replace("\\", "/").rpartition("/")[2]
    plain = unicodedata.normalize("NFKD", last.rpartition(".")[0] or last).encode("ascii", "ignore").decode()
    stem = _UNSAFE.sub("-", plain).strip("-")[:LONGEST_STEM].strip("-")
    return f"{stem or 'document'}.{EXTENSIONS[kind]}"


class Uploads:
    """Gives the file that goes with a message (`bot.sending.attachments.Source`)."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def __call__(self, message_id: int) -> bytes:
        async with self._database.reading() as session:
            return await content_of(session, self._keyring, message_id)
