"""A desk whose agents write: conversations with a transcript, carriers that are never reached, a template or two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
from accounts import settings_for
from desk_room import HOST, Person, Room
from sqlalchemy import select

from actions.operator import WhatsAppTemplate
from bot.channels.configured import carriers
from bot.sending.attachments import UPLOADED, Attachments
from bot.sending.uploads import Uploads
from store.database import Database
from store.desk_models import Draft, HandOver, Note
from store.models import Audit, Conversation, Direction, Message, MessageState

HTMX = {"HX-Request": "true"}
TEMPLATE = "utter_campaign_reading"
SID = "HX" + "0" * 32
APPROVED = WhatsAppTemplate(sid=SID, variables=("contract", "day"))


class TalkRoom(Room):
    """`sent` are the conversations that the outbox was told of."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sent: list[int] = []
        notices = self.desk.operator.notices.model_copy(
            update={
                "whatsapp_templates": {TEMPLATE: {"fr": WhatsAppTemplate(sid=SID, variables=("contract", "day"))}}
            }
        )
        settings = settings_for(HOST, "http://carriers.invalid")
        self.refit(
            operator=self.desk.operator.model_copy(update={"notices": notices}),
            carriers={channel: each for each in carriers(settings) for channel in each.channels},
            attachments=Attachments({UPLOADED: Uploads(database, self.desk.settings.keyring)}),
            send=self.sent.append,
        )

    async def says(self, conversation_id: int, text: str, **values: Any) -> int:
        """The customer writes; the message's number."""
        async with self.database.writing() as session:
            conversation = await session.get_one(Conversation, conversation_id)
            message = self.message(conversation, text, self.now)
            for name, value in values.items():
                setattr(message, name, value)
            conversation.last_inbound_at = self.now
            session.add(message)
        return message.id

    async def told(self, conversation_id: int, text: str, **values: Any) -> int:
        """Something is written to the customer; the message's number."""
        async with self.database.writing() as session:
            conversation = await session.get_one(Conversation, conversation_id)
            given = {"state": MessageState.SENT, "due_at": self.now, "created_at": self.now} | values
            message = Message(
                conversation_id=conversation_id,
                channel=conversation.channel,
                direction=Direction.OUT,
                body=text,
                **given,
            )
            session.add(message)
        return message.id

    async def written(self, conversation_id: int) -> list[Message]:
        """What agents wrote to the customer."""
        return await self.rows(Message, conversation_id, Message.user_id.is_not(None))

    async def rows(self, model: Any, conversation_id: int, *where: Any) -> list[Any]:
        async with self.database.reading() as session:
            query = select(model).where(model.conversation_id == conversation_id, *where)
            return list(await session.scalars(query.order_by(model.created_at if model is Note else model.id)))

    async def draft(self, conversation_id: int, person: Person) -> str | None:
        async with self.database.reading() as session:
            query = select(Draft.body).where(Draft.conversation_id == conversation_id, Draft.user_id == person.id)
            return await session.scalar(query)

    async def stay(self, conversation_id: int) -> HandOver:
        """The latest hand-over of a conversation."""
        return (await self.rows(HandOver, conversation_id))[-1]

    async def audit(self, conversation_id: int) -> list[str]:
        async with self.database.reading() as session:
            query = select(Audit.action).where(Audit.subject == f"conversation:{conversation_id}")
            return list(await session.scalars(query.order_by(Audit.id)))

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)


async def reply(person: Person, conversation_id: int, body: str, **form: Any) -> httpx.Response:
    """Send a reply as the page does."""
    return await person.post(f"/desk/conversations/{conversation_id}/reply", HTMX, body=body, **form)
