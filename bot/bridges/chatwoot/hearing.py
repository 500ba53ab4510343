"""What is heard from Chatwoot: its agents' messages, which go to the customer, and that it was resolved there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bridges.chatwoot import words
from bot.bridges.chatwoot.api import OUTGOING, ChatwootApi, ChatwootFault, Posted
from bot.clock import Clock
from bot.desk.conversations.sendable import NotSendable
from bot.outside_desk import OutsideDesk
from bot.parting import Parting
from bot.sending.uploads import BadFile, checked, clean_name
from store import helpdesk_stays, outside, uploads
from store.database import Database
from store.desk_models import Outcome, User
from store.hand_overs import NotOpen, Taken
from store.helpdesk_models import HelpdeskStay
from store.sealing import Keyring

log = structlog.get_logger()

NAMELESS = "Chatwoot"
"""Whoever acts when Chatwoot does not say who: a rule, or somebody who has left."""
CLIENT_ERRORS = range(400, 500)
BUSY = 429


@dataclass(frozen=True, slots=True)
class _Part:
    """One message to the customer: a text, and the file that goes with it (name, bytes, type)."""

    reference: str
    text: str
    file: tuple[str, bytes, str] | None = None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard is written down with what it changed: heard twice, it is done once."""

    api: ChatwootApi
    database: Database
    desk: OutsideDesk
    parting: Parting
    keyring: Keyring
    send: Callable[[int], None]
    clock: Clock

    async def hear(self, hand_over_id: int) -> None:
        """All that is new since the last time. Raises `ChatwootFault`."""
        stay = await self._stay(hand_over_id)
        assert stay.ticket is not None
        # First the status: what was written before a conversation was resolved is there when its messages are read.
        status, assignee = await self.api.standing(stay.ticket)
        for posted in await self.api.messages(stay.ticket, stay.heard):
            if _is_for_customer(posted):
                await self._pass_on(stay, posted)
            else:
                await self._note_heard(stay, posted)
        if status == "resolved":
            await self._close(stay, assignee)

    async def _pass_on(self, stay: HelpdeskStay, posted: Posted) -> None:
        """Send an agent's message to the customer, or show in Chatwoot why it is not sent."""
        assert stay.ticket is not None
        try:
            parts = await self._parts_of(posted)
            async with self.database.writing() as session:
                hand_over = await self.desk.held(session, stay.hand_over_id)
                user = await self._agent(session, posted.sender)
                for part in parts:
                    upload = None
                    if part.file is not None:
                        name, content, kind = part.file
                        upload = await uploads.keep(session, self.keyring, user.id, name, kind, content, self.clock())
                    await self.desk.reply(
                        session, hand_over, user, part.text, part.reference, self.clock(), upload=upload
                    )
                await self._heard(session, stay, posted)
                conversation_id = hand_over.conversation_id
        except (NotOpen, Taken, NotSendable, BadFile) as error:
            log.info("chatwoot.not_sent", hand_over=stay.hand_over_id, reason=type(error).__name__)
            await self.api.mark_failed(stay.ticket, posted.id, _why(error))
            await self._note_heard(stay, posted)
        else:
            self.send(conversation_id)

    async def _parts_of(self, posted: Posted) -> list[_Part]:
        """The messages that one of Chatwoot's becomes: a message of ours carries one file. Raises `BadFile`."""
        reference = str(posted.id)
        if not posted.attachments:
            return [_Part(reference, posted.content)]
        parts = []
        for number, each in enumerate(posted.attachments):
            url = str(each.get("data_url") or "")
            try:
                content = await self.api.file(url)
            except ChatwootFault as error:
                if error.status in CLIENT_ERRORS and error.status != BUSY:  # it will never be had
                    raise BadFile("empty") from error
                raise
            kind = checked(content)
            name = clean_name(url.rpartition("/")[2].partition("?")[0], kind)
            text = posted.content if number == 0 and posted.content else name
            parts.append(_Part(reference if number == 0 else f"{reference}.{number}", text, (name, content, kind)))
        return parts

    async def _close(self, stay: HelpdeskStay, assignee: Mapping[str, Any]) -> None:
        """End the hand-over with the conversation in Chatwoot; the customer is asked how it was.

        Not when the customer wrote something that nobody saw there, nor when somebody of our own desk has it.
        """
        try:
            async with self.database.writing() as session:
                hand_over = await self.desk.held(session, stay.hand_over_id)
                if await helpdesk_stays.has_unheard(session, stay):
                    return
                user = hand_over.user
                if user is None:
                    user = await self._agent(session, assignee)
                await self.desk.take_over(session, hand_over, user, self.clock())
                await self.parting.close(session, hand_over, user.id, self.clock(), Outcome.SOLVED, None)
                conversation_id = hand_over.conversation_id
        except (NotOpen, Taken):
            return
        self.send(conversation_id)

    async def _agent(self, session: AsyncSession, sender: Mapping[str, Any]) -> User:
        reference, name = str(sender.get("id") or NAMELESS), str(sender.get("name") or NAMELESS)
        return await outside.agent(session, self.desk.source, reference, name, self.clock())

    async def _note_heard(self, stay: HelpdeskStay, posted: Posted) -> None:
        async with self.database.writing() as session:
            await self._heard(session, stay, posted)

    async def _heard(self, session: AsyncSession, stay: HelpdeskStay, posted: Posted) -> None:
        kept = await session.get_one(HelpdeskStay, stay.hand_over_id)
        kept.heard = max(kept.heard, posted.id)

    async def _stay(self, hand_over_id: int) -> HelpdeskStay:
        async with self.database.reading() as session:
            return await helpdesk_stays.get(session, hand_over_id)


def _is_for_customer(posted: Posted) -> bool:
    """What an agent wrote to the customer: no note, nothing of Chatwoot's own, nothing that came from here."""
    return posted.kind == OUTGOING and not posted.is_private and posted.content_type == "text"


def _why(error: NotOpen | Taken | NotSendable | BadFile) -> str:
    if isinstance(error, NotOpen):
        return words.NOT_OPEN
    if isinstance(error, Taken):
        return words.TAKEN % {"by": error.by}
    return words.why_not_sent(error)
