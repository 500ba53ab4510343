"""`/api/v1/hand-overs`: conversations with people, for a helpdesk that is the operator's desk.

What happens is told by webhooks (`hand_over.opened`, `.message`, `.ended`); these are the way back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.api.access import allowed
from bot.api.answers import answers
from bot.api.hand_over_models import Action, Closing, NewNote, Reply, Said, Stay, StayInFull, Transfer
from bot.channels.carrier import Channel
from bot.clock import Clock, system_clock
from bot.desk.conversations.sendable import NotSendable
from bot.outside_desk import KeyUsed, NoHandOver, OutsideDesk, reason_of
from bot.parting import Parting
from bot.received_files import ReceivedLinks
from bot.wake import announce
from store import hand_over_record, hand_overs, outside
from store.api_keys import Scope
from store.database import Database
from store.desk_messages import add_note
from store.desk_models import HandOver, Outcome
from store.hand_overs import NoSuchTarget, NotOpen, Taken

NONE = "there is no hand-over {number}"
GONE = "this conversation is no longer with the agents"


def hand_overs_router(
    database: Database,
    parting: Parting,
    channels: Collection[Channel],
    links: ReceivedLinks,
    send: Callable[[int], None],
    clock: Clock = system_clock,
) -> APIRouter:
    router = APIRouter(prefix="/api/v1/hand-overs", tags=["hand-overs"])
    key = allowed(database, Scope.HAND_OVERS, clock=clock)
    acting = answers(404, 409, _409="It is no longer with people, or somebody else has it")

    @router.get("", responses=answers())
    async def list_hand_overs(
        actor: str = key,
        state: Literal["open", "waiting", "ended"] = "open",
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> list[Stay]:
        """Hand-overs in the order in which they began; `after` is the last one of the page before."""
        query = select(HandOver).where(HandOver.id > after).order_by(HandOver.id).limit(limit)
        query = query.where(HandOver.ended_at.is_not(None) if state == "ended" else HandOver.ended_at.is_(None))
        if state == "waiting":
            query = query.where(HandOver.user_id.is_(None))
        async with database.reading() as session:
            found = await session.scalars(query.options(*hand_over_record.PARTS))
            return [_stay(each) for each in found]

    @router.get("/{number}", responses=answers(404))
    async def show_hand_over(number: int, actor: str = key) -> StayInFull:
        """One hand-over, open or not, with what is needed to answer."""
        async with database.reading() as session:
            hand_over = await _found(session, number)
            known = await hand_over_record.context(session, hand_over.conversation_id, clock())
            known["transcript"] = [_said(each) for each in known["transcript"]]
            return StayInFull(**hand_over_record.stay(hand_over, hand_over.conversation), **known)

    @router.get("/{number}/messages", responses=answers(404))
    async def list_messages(
        number: int,
        actor: str = key,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> list[Said]:
        """Messages of the conversation after message `after`, also of before the hand-over, in order."""
        async with database.reading() as session:
            hand_over = await _found(session, number)
            found = await hand_over_record.messages(session, hand_over.conversation_id, limit, after)
            return [_said(each) for each in found]

    @router.post("/{number}/messages", status_code=201, responses=acting)
    async def reply(number: int, wanted: Reply, actor: str = key) -> Said:
        """Send the customer a message, which takes the conversation. 422 says why a message cannot be sent."""
        if (before := await _replied(actor, number, wanted)) is not None:
            return before
        async with _acting(actor, number) as (session, desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            message = await desk.reply(session, hand_over, user, wanted.text, wanted.key, clock())
            name = user.name
        send(message.conversation_id)
        return _said(hand_over_record.said(message, name))

    @router.post("/{number}/claim", responses=acting)
    async def claim(number: int, wanted: Action, actor: str = key) -> Stay:
        """Have an agent have the conversation; from one agent of the helpdesk to another whenever it says so."""
        async with _acting(actor, number) as (session, desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            await desk.take_over(session, hand_over, user, clock())
            return _stay(hand_over)

    @router.post("/{number}/notes", status_code=201, responses=acting)
    async def note(number: int, wanted: NewNote, actor: str = key) -> Stay:
        """Write a note beside the transcript; the same words again within a minute are one note."""
        async with _acting(actor, number) as (session, _desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            await add_note(session, hand_over.conversation_id, user.id, wanted.text, clock())
            return _stay(hand_over)

    @router.post("/{number}/release", responses=acting)
    async def release(number: int, wanted: Action, actor: str = key) -> Stay:
        """Give the conversation back to the assistant; the customer is told."""
        async with _acting(actor, number) as (session, desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            await desk.take_over(session, hand_over, user, clock())
            await parting.release(session, hand_over, user.id, clock())
            ended = _stay(hand_over)
        send(ended.conversation)
        return ended

    @router.post("/{number}/close", responses=acting)
    async def close(number: int, wanted: Closing, actor: str = key) -> Stay:
        """End the hand-over; the assistant answers the customer's next message."""
        async with _acting(actor, number) as (session, desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            await desk.take_over(session, hand_over, user, clock())
            outcome, summary = Outcome(wanted.outcome), wanted.summary
            await parting.close(session, hand_over, user.id, clock(), outcome, summary, ask=wanted.ask)
            ended = _stay(hand_over)
        send(ended.conversation)
        return ended

    @router.post("/{number}/transfer", responses=acting)
    async def transfer(number: int, wanted: Transfer, actor: str = key) -> Stay:
        """Give the conversation to our desk: to a team, where it waits, or to a person."""
        async with _acting(actor, number) as (session, _desk, hand_over):
            user = await outside.agent(session, actor, wanted.agent.reference, wanted.agent.name, clock())
            await hand_overs.transfer(
                session,
                hand_over,
                user.id,
                clock(),
                to_team_id=wanted.team,
                to_user_id=wanted.user,
                note=wanted.note,
            )
            await announce(session, hand_over.conversation_id)
            return _stay(hand_over)

    @asynccontextmanager
    async def _acting(actor: str, number: int) -> AsyncIterator[tuple[AsyncSession, OutsideDesk, HandOver]]:
        """The open hand-over in a transaction; what goes wrong as what the caller is told."""
        desk = OutsideDesk(actor, channels)
        try:
            async with database.writing() as session:
                yield session, desk, await desk.held(session, _row(number))
        except NoHandOver as error:
            raise HTTPException(404, NONE.format(number=number)) from error
        except NotOpen as error:
            raise HTTPException(409, GONE) from error
        except (Taken, KeyUsed) as error:
            raise HTTPException(409, str(error)) from error
        except NotSendable as error:
            raise HTTPException(422, reason_of(error)) from error
        except NoSuchTarget as error:
            raise HTTPException(422, str(error)) from error

    async def _replied(actor: str, number: int, wanted: Reply) -> Said | None:
        """What the same call was answered before, also when the conversation is over since."""
        async with database.reading() as session:
            hand_over = await _found(session, number)
            try:
                message = await OutsideDesk(actor, channels).replied(session, hand_over, wanted.text, wanted.key)
            except KeyUsed as error:
                raise HTTPException(409, str(error)) from error
            if message is None:
                return None
            return _said(hand_over_record.said(message, await hand_over_record.agent_of(session, message)))

    async def _found(session: AsyncSession, number: int) -> HandOver:
        found = await hand_over_record.load(session, _row(number))
        if found is None:
            raise HTTPException(404, NONE.format(number=number))
        return found

    def _said(said: dict[str, Any]) -> Said:
        for each in said["attachments"]:
            each["url"] = links.url(said["id"], each["number"], clock())
        return Said(**said)

    return router


def _stay(hand_over: HandOver) -> Stay:
    return Stay(**hand_over_record.stay(hand_over, hand_over.conversation))


def _row(number: int) -> int:
    """A number that the database can compare: any other is that of no row."""
    return number if 0 < number < 2**63 else 0
