"""What Chatwoot is told: a conversation for each hand-over, a summary of it, and what the customer writes."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bot.bridges.chatwoot import words
from bot.bridges.chatwoot.api import INCOMING, MARK, SOURCE, ChatwootApi, Posted
from bot.channels.carrier import NotFetched
from bot.clock import Clock
from bot.file_kinds import kind_of
from bot.received_files import OTHER, NoSuchFile, ReceivedFiles, file_name
from store import hand_over_record, helpdesk_stays
from store.database import Database
from store.helpdesk_models import HelpdeskStay
from store.models import Conversation, Direction, Message

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Telling:
    """Each step is written down before the next, so that the work can end anywhere and go on from there."""

    api: ChatwootApi
    database: Database
    files: ReceivedFiles
    public_url: str
    clock: Clock

    async def tell(self, hand_over_id: int) -> None:
        """All that is new since the last time. Raises `ChatwootFault`."""
        stay = await self._stay(hand_over_id)
        if stay.ticket is None:
            stay = await self._open(stay)
        if stay.introduced_at is None:
            await self._introduce(stay)
        async with self.database.reading() as session:
            waiting = await helpdesk_stays.untold(session, stay)
        for message in waiting:
            await self._tell(stay, message)

    async def tell_ended(self, hand_over_id: int) -> None:
        """That the assistant answers again, unless Chatwoot ended it. Raises `ChatwootFault`."""
        stay = await self._stay(hand_over_id)
        assert stay.ticket is not None
        assert stay.hand_over.outcome is not None
        status, _ = await self.api.standing(stay.ticket)
        if status == "resolved":
            return
        said = words.ended(stay.hand_over.outcome.value)
        if not any(each.is_private and each.content == said for each in await self.api.messages(stay.ticket, 0)):
            await self.api.post(stay.ticket, said, f"{MARK}ended-{hand_over_id}", private=True)
        await self.api.resolve(stay.ticket)

    async def _open(self, stay: HelpdeskStay) -> HelpdeskStay:
        """Find or make the customer's contact and the hand-over's conversation."""
        conversation = stay.hand_over.conversation
        phone = conversation.address if conversation.address.startswith("+") else None
        async with self.database.reading() as session:
            known = await hand_over_record.context(session, conversation.id, self.clock())
        name = ", ".join(known["customers"]) or conversation.address
        contact = await self.api.contact(_identifier(conversation), phone, name)
        attributes = {
            "releve_channel": conversation.channel,
            "releve_language": stay.hand_over.language or "",
            "releve_contracts": ", ".join(known["contracts"]),
            "releve_reason": stay.hand_over.reason,
        }
        source_id = f"{MARK}conversation-{conversation.id}"
        ticket = await self.api.conversation(contact, source_id, stay.hand_over_id, attributes)
        async with self.database.writing() as session:
            kept = await session.get_one(HelpdeskStay, stay.hand_over_id)
            kept.contact, kept.ticket = contact, ticket
        return await self._stay(stay.hand_over_id)

    async def _introduce(self, stay: HelpdeskStay) -> None:
        """Write the summary, once: after a break it is looked whether it stands there already."""
        assert stay.ticket is not None
        mark = f"{MARK}summary-{stay.hand_over_id}"
        begins = await self.api.messages(stay.ticket, 0)
        if not any(each.source_id == mark for each in begins):
            async with self.database.reading() as session:
                hand_over = await hand_over_record.load(session, stay.hand_over_id)
                assert hand_over is not None
                known = await hand_over_record.context(session, hand_over.conversation_id, self.clock())
            known["transcript"] = [each for each in known["transcript"] if each["id"] < stay.first_message_id]
            address = f"{self.public_url}/desk/conversations/{hand_over.conversation_id}"
            said = words.summary(hand_over_record.stay(hand_over, hand_over.conversation), known, address)
            await self.api.post(stay.ticket, said, mark, private=True)
        async with self.database.writing() as session:
            kept = await session.get_one(HelpdeskStay, stay.hand_over_id)
            kept.introduced_at = self.clock()

    async def _tell(self, stay: HelpdeskStay, message: Message) -> None:
        """Write one message there, once: one that may have arrived before a break is looked for first."""
        assert stay.ticket is not None
        async with self.database.writing() as session:
            is_new = await helpdesk_stays.on_its_way(session, message.id, SOURCE)
        source_id = f"{MARK}{message.id}"
        if message.direction == Direction.IN:
            files = await self._files_of(message)
            text = message.body
            if len(files) < len((message.payload or {}).get("media", ())):
                text = f"{text}\n{words.FILE_NOT_HAD}".strip()
            text = text or ("" if files else words.NO_TEXT)
        else:
            files, text = [], words.note(hand_over_record.said(message, await self._author_of(message)))
        number = None if is_new else await self._arrived(stay.ticket, source_id, text, message.direction)
        if number is None:
            is_private = message.direction == Direction.OUT
            number = await self.api.post(stay.ticket, text, source_id, private=is_private, files=files)
        async with self.database.writing() as session:
            await helpdesk_stays.told(session, message.id, str(number))

    async def _arrived(self, ticket: int, source_id: str, text: str, direction: Direction) -> int | None:
        """The number of a message that was told before a break; None when it was not.

        By our mark; where this Chatwoot does not keep marks, by its words, unless they are told already.
        """
        posted = await self.api.messages(ticket, 0)
        marked = next((each for each in posted if each.source_id == source_id), None)
        if marked is not None or any(each.source_id for each in posted):
            return None if marked is None else marked.id
        same = [each for each in posted if each.content == text and _is_of(each, direction)]
        async with self.database.reading() as session:
            told = await helpdesk_stays.references(session, SOURCE, [str(each.id) for each in same])
        return next((each.id for each in same if str(each.id) not in told), None)

    async def _files_of(self, message: Message) -> list[tuple[str, bytes, str]]:
        """The customer's files that can be had."""
        files = []
        for number in range(len((message.payload or {}).get("media", ()))):
            try:
                content = await self.files.content(message, number)
            except (NotFetched, NoSuchFile) as error:
                log.warning("chatwoot.file_not_fetched", message=message.id, reason=str(error))
                continue
            files.append((file_name(content, f"message-{message.id}-{number}"), content, kind_of(content) or OTHER))
        return files

    async def _author_of(self, message: Message) -> str | None:
        async with self.database.reading() as session:
            return await hand_over_record.agent_of(session, message)

    async def _stay(self, hand_over_id: int) -> HelpdeskStay:
        async with self.database.reading() as session:
            return await helpdesk_stays.get(session, hand_over_id)


def _identifier(conversation: Conversation) -> str:
    """One contact for a phone, on whichever channel; others are told apart by their channel."""
    if conversation.address.startswith("+"):
        return f"{MARK}{conversation.address}"
    return f"{MARK}{conversation.channel}:{conversation.address}"


def _is_of(posted: Posted, direction: Direction) -> bool:
    return posted.kind == INCOMING if direction == Direction.IN else posted.is_private
