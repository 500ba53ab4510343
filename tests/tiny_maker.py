"""A maker of pictures for the tests of what sends them. It is imported by worker processes, as the real ones are.

`spec` says what it does: `words` are put into the picture, `log` is a file that gets a line with the process at each
making, and `fate` is what befalls it.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

WIDTH, HEIGHT = 64, 36
PNG = b"\x89PNG\r\n\x1a\n"


def render(spec: dict[str, Any]) -> bytes:
    if log := spec.get("log"):
        with Path(log).open("a") as file:
            file.write(f"{os.getpid()}\n")
    time.sleep(spec.get("seconds", 0))
    match spec.get("fate"):
        case "fails":
            raise ValueError(f"cannot draw {spec['words']}")
        case "dies":
            os._exit(1)
        case "hangs":
            time.sleep(60)
        case "is empty":
            return b""
    return picture(spec.get("words", ""))


def picture(words: str = "") -> bytes:
    """A grey PNG with `words` as its comment."""
    rows = b"".join(b"\x00" + b"\x80" * WIDTH for _ in range(HEIGHT))
    return PNG + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)),
            _chunk(b"tEXt", b"Comment\x00" + words.encode("latin-1", "replace")),
            _chunk(b"IDAT", zlib.compress(rows)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
