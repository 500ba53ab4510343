"""How often a network address may fail: at signing in, with keys, with signatures.

Counted in this process' memory: with several processes an address has as many tries as there are processes. What is
counted is failures alone, so that an office of two hundred people behind one address never meets a limit.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

FAILURES = RateLimitItemPerMinute(30, 15)
"""Of one address: thirty in a quarter of an hour, then none until the oldest is as old as that."""
MOST_REMEMBERED = 50_000
"""Addresses. Beyond, all is forgotten: memory is worth more than the count of whoever has that many addresses."""
PREFIX = 64
"""Bits of an IPv6 address that name one household or machine; the others are its own to choose."""


class TooMany(Exception):
    """This address has failed too often; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} seconds")
        self.retry_after = retry_after


@dataclass(slots=True)
class Try:
    """One try under way."""

    failed: bool = False


class Tries:
    """The failures of each address at one kind of thing."""

    def __init__(self, limit: RateLimitItem = FAILURES) -> None:
        self._limit = limit
        self._storage = MemoryStorage()
        self._window = MovingWindowRateLimiter(self._storage)
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one(self, address: str | None) -> Iterator[Try]:
        """A try, which counts if it says that it `failed`. Raises `TooMany` instead of beginning one too many.

        Those under way count while they last: a hundred at once are a hundred.
        """
        key = _key(address)
        if self._left(key) <= self._under_way[key]:
            raise TooMany(self._wait(key))
        self._under_way[key] += 1
        attempt = Try()
        try:
            yield attempt
        finally:
            self._under_way[key] -= 1
            if not self._under_way[key]:
                del self._under_way[key]
            if attempt.failed:
                self._note(key)

    def failed(self, address: str | None) -> int | None:
        """Count a failure that has happened; the seconds to wait when there were too many before it."""
        key = _key(address)
        if self._left(key) <= 0:
            return self._wait(key)
        self._note(key)
        return None

    def _left(self, key: str) -> int:
        return self._window.get_window_stats(self._limit, key).remaining

    def _note(self, key: str) -> None:
        if len(self._storage.events) > MOST_REMEMBERED:
            self._storage.reset()
        self._window.hit(self._limit, key)

    def _wait(self, key: str) -> int:
        return max(1, math.ceil(self._window.get_window_stats(self._limit, key).reset_time - time.time()))


def _key(address: str | None) -> str:
    """An address as it is counted. One that is none (a local socket) is counted like any other."""
    try:
        number = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "-"
    if isinstance(number, ipaddress.IPv4Address):
        return str(number)
    return str(number.ipv4_mapped or ipaddress.IPv6Network((int(number), PREFIX), strict=False))
