"""The carriers' rates, per account and per recipient; replies before campaigns. Waiting delays, it never drops."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from bot.channels.carrier import Channel, RateLimits

RECIPIENTS_REMEMBERED = 10_000
BULK_SHARE = 0.7
"""Share of an account's rate that campaigns use at most, where the settings do not say."""


class Account:
    """The rate of one account, in messages a second.

    A reply waits for the account's rate only. A bulk message also waits for its share of it, evenly spread, so that a
    campaign leaves no burst behind it; and it does not stand in the queue of the replies, but takes what they leave.
    """

    def __init__(self, per_second: float, bulk_share: float) -> None:
        per_second = max(1.0, per_second)
        self._rate = AsyncLimiter(per_second, 1)
        self._bulk_rate = AsyncLimiter(1, 1 / (per_second * bulk_share))
        self._refill = 1 / per_second
        self._replies_waiting = 0

    async def reply(self) -> None:
        """Wait until a reply may go."""
        self._replies_waiting += 1
        try:
            await self._rate.acquire()
        finally:
            self._replies_waiting -= 1

    async def bulk(self) -> None:
        """Wait until a bulk message may go: for as long as it takes until no reply waits."""
        await self._bulk_rate.acquire()
        while self._replies_waiting or not self._rate.has_capacity():  # noqa: ASYNC110 - a bucket that drains tells nobody
            await asyncio.sleep(self._refill)
        await self._rate.acquire()  # at once: nothing else ran since it was seen to be free


class Throttle:
    """The accounts of all channels, and what each recipient may get."""

    def __init__(self, limits: dict[Channel, RateLimits], bulk_share: float = BULK_SHARE) -> None:
        self._limits = limits
        self._accounts = {channel: Account(limit.account_per_second, bulk_share) for channel, limit in limits.items()}
        self._recipients: dict[tuple[Channel, str], AsyncLimiter] = {}

    async def reply(self, channel: Channel, address: str) -> None:
        """Wait until a reply may go to this recipient."""
        await self.recipient(channel, address)
        if (account := self._accounts.get(channel)) is not None:
            await account.reply()

    async def bulk(self, channel: Channel) -> None:
        """Wait until a bulk message may go to anybody; the chosen one then waits for `recipient`."""
        if (account := self._accounts.get(channel)) is not None:
            await account.bulk()

    async def recipient(self, channel: Channel, address: str) -> None:
        """Wait until this recipient may get another message."""
        limit = self._limits.get(channel)
        if limit is not None and limit.recipient_per_second != float("inf"):
            await self._recipient(channel, address, limit.recipient_per_second).acquire()

    def _recipient(self, channel: Channel, address: str, per_second: float) -> AsyncLimiter:
        if len(self._recipients) > RECIPIENTS_REMEMBERED:
            self._recipients.clear()
        return self._recipients.setdefault(
            (channel, address), AsyncLimiter(max(1, per_second), max(1.0, 1 / per_second))
        )
