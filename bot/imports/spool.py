"""Files that came over HTTP, kept until they are imported: in a folder of ours that nothing serves."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".import"


@dataclass(frozen=True, slots=True)
class Spooled:
    """A file that is here as a whole. `digest` is its SHA-256."""

    path: Path
    digest: str
    size: int


async def spool(body: AsyncIterator[bytes], directory: Path) -> Spooled:
    """Write a body to a file of its own, readable by us alone. Raises OSError, and what `body` raises.

    Nothing stays of a body that did not come to its end.
    """
    path, file = _private_file(directory)
    digest, size = hashlib.sha256(), 0
    try:
        with file:
            async for chunk in body:
                size += len(chunk)
                digest.update(chunk)
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Spooled(path.resolve(), digest.hexdigest(), size)


def digest_of(path: Path) -> tuple[str, int]:
    """The SHA-256 and the bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest, file.tell()


def sweep(directory: Path, wanted: Collection[Path], before: datetime) -> int:
    """Remove files that were last written `before` that moment and are not `wanted`; return how many those were.

    They are left when a process ends between a file and the note of its import, and hold customers' names.
    """
    swept = 0
    for path in directory.glob(f"*{SUFFIX}"):
        if path.resolve() in wanted:
            continue
        try:
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                swept += 1
        except FileNotFoundError:  # another process was here
            continue
    return swept


def _private_file(directory: Path) -> tuple[Path, BinaryIO]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / f"{secrets.token_hex(16)}{SUFFIX}"
    return path, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
