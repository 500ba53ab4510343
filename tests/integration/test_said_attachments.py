"""What an action says with a picture or a document: from the action, through Rasa, to the row of the reply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from rasa_sdk.executor import CollectingDispatcher
from stage import Stage

from actions.speech import Attachment, say
from bot.engine.local_action import LocalAction
from store.models import Direction

PICTURE: Attachment = {"make": "bill_picture", "name": "facture-2026-03.png", "spec": {"total": "640.00"}}
DOCUMENT: Attachment = {"make": "bill_copy", "name": "facture-2026-03.pdf", "spec": {"total": "640.00"}}


@contextmanager
def greeting_with(*attachments: Attachment | None) -> Iterator[None]:
    """Let the greeting be said once with each of these."""

    async def greets(dispatcher: CollectingDispatcher, *_: object) -> list[object]:
        for attachment in attachments:
            say(dispatcher, "utter_greet", operator="Relève", attachment=attachment)
        return []

    before = LocalAction.executor.actions["action_greet"]
    LocalAction.executor.actions["action_greet"] = greets
    try:
        yield
    finally:
        LocalAction.executor.actions["action_greet"] = before


async def _payload(stage: Stage) -> dict[str, Any]:
    await stage.write("bonjour")
    (reply,) = await stage.messages(Direction.OUT)
    return reply.payload or {}


async def test_what_an_action_says_with_a_picture_is_a_reply_with_what_to_make(stage: Stage) -> None:
    with greeting_with(PICTURE):
        assert (await _payload(stage))["attachment"] == PICTURE


async def test_what_is_said_without_one_has_none(stage: Stage) -> None:
    with greeting_with(None):
        assert "attachment" not in await _payload(stage)


async def test_a_reply_carries_the_last_of_several_and_says_so_in_the_log(stage: Stage) -> None:
    with structlog.testing.capture_logs() as logs, greeting_with(PICTURE, None, DOCUMENT):
        assert (await _payload(stage))["attachment"] == DOCUMENT
    assert [log["count"] for log in logs if log["event"] == "turn.attachments_left_out"] == [1]
