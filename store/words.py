"""The words of messages: where they are kept, and how they go while the rows that others refer to stay.

Shared by what a customer asks to have erased (`store.personal_data`) and by what is old enough to go
(`store.retention`).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from store.models import DialogueTurn, Message, MessageState

SETTLED = (
    MessageState.HANDLED,
    MessageState.SET_ASIDE,
    MessageState.SENT,
    MessageState.REFUSED,
    MessageState.DEAD,
)
"""Messages that nothing is left to do for: only their text may go."""
HAS_WORDS: ColumnElement[bool] = or_(
    Message.body != "", Message.payload.is_not(None), Message.understood.is_not(None), Message.error.is_not(None)
)


async def erase_words(session: AsyncSession, those: ColumnElement[bool]) -> None:
    """Erase the texts of settled messages, what came with them, and what the dialogue made of them.

    What is to be drawn for a reply is kept twice, in the message and in the dialogue's events: both go.
    """
    settled = (those, Message.state.in_(SETTLED))
    handled = select(Message.id).where(*settled)
    await session.execute(
        delete(DialogueTurn).where(DialogueTurn.message_id.in_(handled)).execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Message)
        .where(*settled)
        .values(body="", payload=None, understood=None, error=None)
        .execution_options(synchronize_session=False)
    )
