"""What a file is by its bytes, whatever its name or its sender says of it."""

from __future__ import annotations

from typing import Final

import filetype  # type: ignore[import-untyped]

EXTENSIONS: Final = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "audio/mp4": "m4a",
    "video/mp4": "mp4",
}
"""What a file of each kind is called."""

_ALSO: Final = {"image/apng": "image/png"}


def kind_of(content: bytes) -> str | None:
    """The type of a picture, a voice message, a film or a PDF; None for everything else."""
    kind = filetype.guess_mime(content)
    kind = _ALSO.get(kind, kind)
    return kind if kind in EXTENSIONS else None
