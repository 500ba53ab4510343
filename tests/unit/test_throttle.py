"""Who goes first when an account's rate is short: replies before campaigns. Real time, quick rates."""

from __future__ import annotations

import asyncio

import pytest

from bot.channels.carrier import Channel, RateLimits
from bot.sending.throttle import Account, Throttle


async def many(account: Account, kind: str, count: int, order: list[str]) -> None:
    for _ in range(count):
        await getattr(account, kind)()
        order.append(kind)


async def test_replies_that_wait_all_go_before_the_next_bulk_message() -> None:
    account, order = Account(100, 1.0), list[str]()
    for _ in range(100):  # a burst that uses the account up
        await account.reply()
    campaign = asyncio.create_task(many(account, "bulk", 3, order))
    await asyncio.sleep(0)
    await asyncio.gather(*(many(account, "reply", 1, order) for _ in range(20)))
    assert order == ["reply"] * 20
    await campaign
    assert order[20:] == ["bulk"] * 3


async def test_a_reply_does_not_wait_for_a_campaign() -> None:
    account, order = Account(50, 0.7), list[str]()
    campaign = asyncio.create_task(many(account, "bulk", 1_000, order))
    await asyncio.sleep(0.2)
    order.clear()
    await asyncio.gather(*(many(account, "reply", 1, order) for _ in range(40)))  # fewer than the burst allowed
    campaign.cancel()
    assert order.count("reply") == 40
    assert order.count("bulk") <= 1


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
async def test_a_campaign_keeps_to_its_share_and_spreads_it(share: float) -> None:
    account, order = Account(200, share), list[str]()
    campaign = asyncio.create_task(many(account, "bulk", 10_000, order))
    await asyncio.sleep(0.5)
    campaign.cancel()
    # At most its share of half a second's messages, and one that the bucket begins with.
    assert 0 < len(order) <= 200 * share * 0.5 + 2


async def test_a_reply_that_was_given_up_keeps_no_campaign_waiting() -> None:
    account = Account(20, 1.0)
    for _ in range(20):
        await account.reply()
    waiting = asyncio.create_task(account.reply())
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5):
        await account.bulk()


async def test_accounts_do_not_wait_for_each_other() -> None:
    throttle = Throttle({Channel.SMS: RateLimits(1), Channel.WHATSAPP: RateLimits(1_000)})
    await throttle.reply(Channel.SMS, "+212600000001")  # all of this second's
    async with asyncio.timeout(0.5):
        for _ in range(10):
            await throttle.bulk(Channel.WHATSAPP)
            await throttle.reply(Channel.WHATSAPP, "+212600000001")
            await throttle.bulk(Channel.TERMINAL)  # without limits


async def test_one_recipient_gets_one_message_a_second_and_the_others_theirs() -> None:
    throttle, gone = Throttle({Channel.TELEGRAM: RateLimits(30, 1)}), list[str]()

    async def send(address: str) -> None:
        await throttle.reply(Channel.TELEGRAM, address)
        gone.append(address)

    sends = [asyncio.create_task(send(address)) for address in ("1", "1", "2", "3")]
    await asyncio.sleep(0.3)
    assert gone == ["1", "2", "3"]
    await asyncio.gather(*sends)
    assert gone == ["1", "2", "3", "1"]
