"""The carriers' books: every send they accepted, in order. What tests and measurements count replies with."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from bot.channels.carrier import Channel


class Ledger:
    """Accepted sends as JSON lines, the newest `size` in memory and all of them in `path` when there is one.

    A line is written before the carrier answers, so that a send whose answer is lost is in the books too.
    """

    def __init__(self, path: Path | None = None, *, size: int = 200_000) -> None:
        self._lines: deque[str] = deque(maxlen=size)
        self._number = 0
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def record(
        self,
        *,
        channel: Channel,
        to: str,
        body: str,
        id: str,
        buttons: list[dict[str, Any]],
        media: Sequence[str] = (),
    ) -> None:
        """`media` is what went with it: addresses on Twilio, names of uploaded files on Telegram."""
        self._number += 1
        line = json.dumps(
            {
                "number": self._number,
                "at": datetime.now(UTC).isoformat(),
                "channel": channel,
                "to": to,
                "id": id,
                "body": body,
                "buttons": buttons,
                "media": list(media),
            },
            ensure_ascii=False,
        )
        self._lines.append(line)
        if self._file:
            self._file.write(line + "\n")

    def lines(self, after: int = 0) -> Iterator[str]:
        """The lines numbered above `after`, oldest first."""
        first = self._number - len(self._lines) + 1
        return islice(self._lines, max(0, after + 1 - first), None)

    def close(self) -> None:
        if self._file:
            self._file.close()
