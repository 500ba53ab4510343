"""What was not understood: asked again, then a person offered, then brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from actions.handover import alarm, bring_a_person, offer_agent
from actions.message import Message
from actions.speech import button, say
from actions.turn import Turn, current_turn
from store.conversations import is_overheard, previous_messages

LOST = ("nlu_fallback", "out_of_scope")
MOST_LOST = 3
"""Messages in a row that were not understood, after which a person is brought without being asked for."""


async def times_lost(turn: Turn) -> int:
    """How many of the customer's last messages, in a row, were not understood or not our business, this one aside.

    Messages that only agents answered count for nothing.
    """
    before = await previous_messages(turn.session, turn.conversation.id, turn.message_id, MOST_LOST - 1)
    lost = [(each.understood or {}).get("intent") in LOST and not is_overheard(each) for each in before]
    return lost.index(False) if False in lost else len(lost)


async def lost_again(dispatcher: CollectingDispatcher, turn: Turn) -> list[EventType] | None:
    """Offer a person to whom we fail the second time in a row, bring one the third; None the first time."""
    lost_before = await times_lost(turn)
    if lost_before >= MOST_LOST - 1:
        return await bring_a_person(dispatcher, turn, "lost")
    if lost_before:
        return offer_agent(dispatcher, turn, "utter_lost_again", reason="lost")
    return None


CHOICES = 2
"""How many of the likeliest intents the question "do you mean A or B?" is made from."""
NOT_PROPOSED = frozenset(
    {"affirm", "deny", "greet", "goodbye", "thank", "cancel", "talk_to_agent", "out_of_scope", "nlu_fallback"}
)
"""Meanings that nobody needs to choose from a list."""


def proposed(ranking: Sequence[Mapping[str, Any]]) -> list[str]:
    """The intents that a customer whose message was unsure may choose from, the likeliest first."""
    return [each["name"] for each in ranking[:CHOICES] if each["name"] not in NOT_PROPOSED]


class Lost(Action):
    """The message was not understood: ask which of the likely meanings, offer a person the second time, bring one
    the third.
    """

    def name(self) -> str:
        return "action_lost"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        turn = current_turn()
        if Message.of(tracker).first("danger"):
            return await alarm(dispatcher, turn)
        latest = tracker.latest_message
        likely = proposed(latest.get("intent_ranking", ()))
        if (again := await lost_again(dispatcher, turn)) is not None:
            return again
        if tracker.active_loop.get("name"):
            say(dispatcher, "utter_lost_in_form")  # its question follows
            return []
        if latest.get("certainty") == "unsure" and likely:
            say(
                dispatcher,
                "utter_did_you_mean",
                buttons=[
                    *(button(f"utter_intent_{name}", name) for name in likely),
                    button("utter_choice_agent", "talk_to_agent"),
                ],
            )
            return []
        say(dispatcher, "utter_lost")
        return []
