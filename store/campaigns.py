"""Campaigns: who is written to, once each, and how far it has come. Every change of one is in the audit.

A campaign is a draft until all its notices are down, batch after batch; starting it again after a crash goes on where
it stopped. `bot.announcer` then makes messages of them for as long as it is running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.calendar import CASABLANCA
from store.audience import SELECTION, Candidate, ReadingReminder, Selection, candidates
from store.models import (
    Audit,
    Campaign,
    CampaignKind,
    CampaignState,
    Conversation,
    Message,
    MessageState,
    Notice,
    NoticeState,
    RegisteredPhone,
)
from store.notices import News, tell

State = CampaignState
MOVES = {
    "start": (State.DRAFT, State.RUNNING),
    "pause": (State.RUNNING, State.PAUSED),
    "resume": (State.PAUSED, State.RUNNING),
}
"""From which state to which. `cancel` goes from any that is not over."""
OVER = (State.DONE, State.CANCELLED)
UNSENT = (MessageState.QUEUED, MessageState.SENDING)


class CampaignRefused(ValueError):
    """What was asked cannot be done with this campaign; the message is one line."""


class NoSuchCampaign(CampaignRefused):
    """Nobody has written a campaign of this name."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A candidate and where to write: a conversation, or a phone by SMS that has none yet."""

    candidate: Candidate
    excluded: str | None = None
    conversation: Conversation | None = None
    address: str = ""

    @property
    def language(self) -> str | None:
        known = None if self.conversation is None else self.conversation.language
        return known or self.candidate.language


async def create(session: AsyncSession, name: str, selection: Selection, actor: str, now: datetime) -> Campaign:
    """A draft. Raises `CampaignRefused` when the name is taken."""
    if await session.scalar(select(Campaign.id).where(Campaign.name == name)) is not None:
        raise CampaignRefused(f"there is a campaign {name!r} already")
    campaign = Campaign(
        name=name,
        kind=CampaignKind(selection.kind),
        state=State.DRAFT,
        selection=selection.model_dump(mode="json"),
        created_at=now,
        created_by=actor,
    )
    session.add(campaign)
    await session.flush()
    _note(session, campaign, "create", actor, now)
    return campaign


async def campaign_named(session: AsyncSession, name: str, *, held: bool = False) -> Campaign:
    """Raises `NoSuchCampaign`. `held`: locked until the transaction ends, so that nothing of it is written."""
    query = select(Campaign).where(Campaign.name == name)
    campaign = await session.scalar(query.with_for_update() if held else query)
    if campaign is None:
        raise NoSuchCampaign(f"no campaign {name!r}")
    return campaign


def selection_of(campaign: Campaign) -> Selection:
    return SELECTION.validate_python(campaign.selection)


async def recipients(
    session: AsyncSession, selection: Selection, now: datetime, after: int, limit: int, taken: set[str]
) -> tuple[list[Recipient], int | None]:
    """The next contracts with where to write to their customers, and the place to go on from (None at the end).

    One message a person: who has several contracts is written to about the first. `taken` are the addresses that
    have one, and gets those found.
    """
    found = await candidates(session, selection, now, after, limit)
    ids = [each.contract_id for each in found if each.excluded is None]
    phones: dict[int, list[str]] = {}
    registered = select(RegisteredPhone).where(RegisteredPhone.contract_id.in_(ids)).order_by(RegisteredPhone.number)
    for phone in await session.scalars(registered):
        phones.setdefault(phone.contract_id, []).append(phone.number)
    numbers = {number for each in phones.values() for number in each}
    talks: dict[str, list[Conversation]] = {}
    for talk in await session.scalars(select(Conversation).where(Conversation.address.in_(numbers))):
        talks.setdefault(talk.address, []).append(talk)
    reached = [_reached(each, phones.get(each.contract_id, []), talks, taken) for each in found]
    return reached, found[-1].contract_id if len(found) == limit else None


def _reached(
    candidate: Candidate, numbers: list[str], talks: dict[str, list[Conversation]], taken: set[str]
) -> Recipient:
    if candidate.excluded is not None:
        return Recipient(candidate, candidate.excluded)
    if not numbers:
        return Recipient(candidate, "no_phone")
    willing = [n for n in numbers if not any(talk.opted_out_at for talk in talks.get(n, ()))]
    if not willing:
        return Recipient(candidate, "opted_out")
    if not taken.isdisjoint(numbers):
        return Recipient(candidate, "told_already")
    spoken = [talk for number in willing for talk in talks.get(number, ()) if talk.last_inbound_at is not None]
    latest = max(spoken, key=lambda talk: talk.last_inbound_at or talk.created_at, default=None)
    if latest is None:
        latest = next((talk for talk in talks.get(willing[0], ()) if talk.channel == "sms"), None)
    address = willing[0] if latest is None else latest.address
    taken.update(numbers)
    return Recipient(candidate, None, latest, address)


async def enrol(session: AsyncSession, name: str, now: datetime, after: int, limit: int) -> int | None:
    """Put the notices of the next contracts down. The place to go on from; None when all are.

    Any number of times and from any place: who has a notice of the campaign gets no second. Raises
    `CampaignRefused` when it is not a draft (any more).
    """
    campaign = await campaign_named(session, name, held=True)
    if campaign.state != State.DRAFT:
        raise CampaignRefused(f"campaign {name!r} is {campaign.state.value}: only a draft can be started")
    selection = selection_of(campaign)
    told = select(Conversation.address).join(Notice, Notice.conversation_id == Conversation.id)
    taken = set(await session.scalars(told.where(Notice.campaign_id == campaign.id)))
    page, place = await recipients(session, selection, now, after, limit, taken)
    not_before = now
    if isinstance(selection, ReadingReminder):
        not_before = max(now, datetime.combine(selection.opens_on, time(), CASABLANCA))
    for each in page:
        if each.excluded is not None:
            continue
        conversation = each.conversation
        if conversation is None:
            conversation = Conversation(channel="sms", address=each.address, created_at=now)
            session.add(conversation)
            await session.flush()
        news = News(
            key=f"campaign:{campaign.id}:{conversation.id}",
            response=each.candidate.response,
            params=each.candidate.params,
            not_before=not_before,
            language=each.language,
            contract_id=each.candidate.contract_id,
            campaign_id=campaign.id,
        )
        await tell(session, conversation.id, news, now)
    return place


async def move(session: AsyncSession, name: str, verb: str, actor: str, now: datetime) -> int:
    """`start` (all notices being down), `pause`, `resume` or `cancel` a campaign, at once.

    Pausing and cancelling take messages back that no process has in hand; returns how many. Raises
    `CampaignRefused`.
    """
    campaign = await campaign_named(session, name, held=True)
    allowed = campaign.state not in OVER if verb == "cancel" else campaign.state == MOVES[verb][0]
    if not allowed:
        raise CampaignRefused(f"{verb}: not a campaign in state {campaign.state.value}, as {name!r} is")
    campaign.state = State.CANCELLED if verb == "cancel" else MOVES[verb][1]
    taken_back = 0
    if verb in ("pause", "cancel"):
        taken_back = await _take_back(session, campaign.id)
    if verb == "cancel":
        campaign.finished_at = now
        await session.execute(
            update(Notice)
            .where(Notice.campaign_id == campaign.id, Notice.state == NoticeState.WAITING)
            .values(state=NoticeState.SKIPPED, skipped="cancelled", settled_at=now)
        )
    _note(session, campaign, verb, actor, now)
    await session.flush()
    return taken_back


async def _take_back(session: AsyncSession, campaign_id: int) -> int:
    """Notices whose message waits to be tried for the first time wait again themselves."""
    query = (
        select(Notice, Message)
        .join(Message, Message.id == Notice.message_id)
        .where(Notice.campaign_id == campaign_id, Message.state == MessageState.QUEUED, Message.attempts == 0)
        .with_for_update(of=Message, skip_locked=True)
    )
    rows = list(await session.execute(query))
    for notice, _ in rows:
        notice.state, notice.message_id, notice.settled_at = NoticeState.WAITING, None, None
    await session.flush()
    await session.execute(delete(Message).where(Message.id.in_([message.id for _, message in rows])))
    return len(rows)


async def running(session: AsyncSession) -> list[Campaign]:
    """Campaigns that messages are written for, each kept from being paused until the transaction ends."""
    return list(
        await session.scalars(
            select(Campaign).where(Campaign.state == State.RUNNING).with_for_update(read=True, skip_locked=True)
        )
    )


async def finish(session: AsyncSession, now: datetime) -> list[str]:
    """Campaigns with nothing left to write or to send are done; their names."""
    waiting = exists().where(Notice.campaign_id == Campaign.id, Notice.state == NoticeState.WAITING)
    unsent = exists().where(
        Notice.campaign_id == Campaign.id, Message.id == Notice.message_id, Message.state.in_(UNSENT)
    )
    over = select(Campaign).where(Campaign.state == State.RUNNING, ~waiting, ~unsent)
    done = list(await session.scalars(over.with_for_update(skip_locked=True)))
    for campaign in done:
        campaign.state, campaign.finished_at = State.DONE, now
        _note(session, campaign, "done", "announcer", now)
    return [campaign.name for campaign in done]


async def all_campaigns(session: AsyncSession) -> Sequence[Campaign]:
    """The newest first."""
    return list(await session.scalars(select(Campaign).order_by(Campaign.id.desc())))


def _note(session: AsyncSession, campaign: Campaign, verb: str, actor: str, now: datetime) -> None:
    session.add(
        Audit(
            at=now,
            actor=actor,
            action=f"campaign.{verb}",
            subject=f"campaign:{campaign.id}",
            details={"name": campaign.name, "selection": campaign.selection},
        )
    )
