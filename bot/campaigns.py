"""Campaigns before and after they run: what one would send, what it costs, starting one.

For the command and the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actions.operator import Operator
from bot.channels.carrier import Carrier, Channel
from bot.channels.gsm import parts, transliterate
from bot.engine.texts import Texts
from bot.notice_text import Composer, Recipient, Unreachable
from nlu.language import DEFAULT
from store.audience import Selection
from store.campaigns import enrol, move, recipients
from store.database import Database
from store.notices import restored, stored

BATCH = 250
"""Contracts of one transaction: on SQLite customers wait behind it."""


def bulk_rates(carriers: Iterable[Carrier], share: float) -> dict[Channel, float]:
    """Messages of campaigns a second on each channel: `share` of what the carriers allow."""
    return {
        channel: limit.account_per_second * share for carrier in carriers for channel, limit in carrier.limits.items()
    }


@dataclass(slots=True)
class Preview:
    """What a campaign would send now. `seconds` is how long its channels take side by side at their rates."""

    messages: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    channels: Counter[Channel] = field(default_factory=Counter)
    sms_parts: int = 0
    examples: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


async def preview(
    database: Database,
    texts: Texts,
    operator: Operator,
    rates: Mapping[Channel, float],
    selection: Selection,
    now: datetime,
) -> Preview:
    """Go through the whole selection without changing anything.

    `rates` are messages of campaigns a second on each channel that messages can be sent on.
    """
    composer, found = Composer(texts, operator, rates.keys()), Preview()
    taken: set[str] = set()
    place: int | None = 0
    while place is not None:
        async with database.reading() as session:
            page, place = await recipients(session, selection, now, place, BATCH, taken)
        for each in page:
            if each.excluded is not None:
                found.excluded[each.excluded] += 1
                continue
            talk, language = each.conversation, each.language or DEFAULT
            channel = Channel.SMS if talk is None else Channel(talk.channel)
            to = Recipient(channel, each.address, None if talk is None else talk.last_inbound_at)
            params = {name: restored(stored(value)) for name, value in each.candidate.params.items()}
            composed = composer.compose(each.candidate.response, params, language, to, now)
            if isinstance(composed, Unreachable):
                found.excluded[composed.reason] += 1
                continue
            found.messages += 1
            found.languages[language] += 1
            found.channels[composed.channel] += 1
            if composed.channel is Channel.SMS:
                found.sms_parts += parts(transliterate(composed.text))
            found.examples.setdefault(language, composed.text)
    found.seconds = max((count / rates[channel] for channel, count in found.channels.items()), default=0.0)
    return found


async def start(
    database: Database,
    name: str,
    actor: str,
    now: datetime,
    advanced: Callable[[], None] = lambda: None,
) -> None:
    """Put all notices of a draft down and let it run. After a crash it goes on where it stopped.

    `advanced` is called after each batch. Raises `CampaignRefused`.
    """
    place: int | None = 0
    while place is not None:
        async with database.writing() as session:
            place = await enrol(session, name, now, place, BATCH)
        advanced()
    async with database.writing() as session:
        await move(session, name, "start", actor, now)
