"""The pictures and documents that phones received from the house, for the page to show and the tests to look at."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 64 * 1024 * 1024
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class File:
    """What a carrier was given to pass on."""

    name: str
    content_type: str
    content: bytes

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    @property
    def sides(self) -> tuple[int, int] | None:
        """Width and height of a PNG in pixels, from its first chunk."""
        if not self.content.startswith(PNG) or self.content[12:16] != b"IHDR":
            return None
        return int.from_bytes(self.content[16:20], "big"), int.from_bytes(self.content[20:24], "big")


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file as a message refers to it; the bytes are in `ReceivedFiles` for as long as there is room."""

    id: str
    name: str
    content_type: str
    size: int
    sides: tuple[int, int] | None

    def as_json(self) -> dict[str, Any]:
        """`url` is relative to where the emulators are mounted; `width` and `height` are in pixels, where known."""
        width, height = self.sides or (None, None)
        return {
            "url": f"customer/files/{self.id}/{self.name}",
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size,
            "width": width,
            "height": height,
        }


class ReceivedFiles:
    """All phones' files, in memory; past `max_bytes` the oldest are forgotten."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._room = max_bytes
        self._files: OrderedDict[str, File] = OrderedDict()

    def keep(self, file: File) -> ReceivedFile:
        id = secrets.token_hex(16)
        self._files[id] = file
        self._room -= len(file.content)
        while self._room < 0:
            _, oldest = self._files.popitem(last=False)
            self._room += len(oldest.content)
        return ReceivedFile(id, file.name, file.content_type, len(file.content), file.sides)

    def get(self, id: str) -> File | None:
        return self._files.get(id)
