"""A message of ours that waits in the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from store.models import Conversation, Direction, Message, MessageState


def queued(conversation: Conversation, text: str, language: str, now: datetime, **more: Any) -> Message:
    """One to be sent from `now` on; `more` are further columns. The caller adds it to the session."""
    return Message(
        conversation_id=conversation.id,
        channel=conversation.channel,
        direction=Direction.OUT,
        state=MessageState.QUEUED,
        body=text,
        language=language,
        due_at=now,
        created_at=now,
        **more,
    )
