"""A tracker store that starts each turn from a compact state and appends what happened.

Rasa replays a conversation's events several times per message: the cost of a turn grows with the session, and at
a session's start all past slot events come along for ever (trap 12). What the next turn depends on is small: the
slots and the active form. That state is a column of the conversation; the events themselves are appended to
`dialogue_turn`, for people and for training, and never read back here.
"""

from __future__ import annotations

from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.constants import ACTION_LISTEN_NAME, REQUESTED_SLOT
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker

from actions.turn import current_turn


class DialogueStateStore(TrackerStore):
    """Reads and writes through the current turn's session; knows nothing of other conversations."""

    def __init__(self, domain: Domain | None = None) -> None:
        super().__init__(domain)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        turn = current_turn()
        if sender_id != str(turn.conversation.id):
            raise LookupError(f"conversation {sender_id} is not the one whose turn it is")
        state = turn.conversation.dialogue
        return None if state is None else _restored(sender_id, state, self.domain.slots)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Append the events since the last save; Rasa calls this once a turn, twice for a new sender."""
        turn = current_turn()
        events = list(tracker.events)
        saved = getattr(tracker, "events_saved", 0)
        tracker.events_saved = len(events)
        turn.conversation.dialogue = _state(tracker)
        turn.events += [event.as_dict() for event in events[saved:]]


def _state(tracker: DialogueStateTracker) -> dict[str, Any]:
    """What the next turn depends on: the slots that differ from their initial value, and the active form."""
    slots = {slot.name: slot.value for slot in tracker.slots.values() if slot.value != slot.initial_value}
    return {"slots": slots, "loop": tracker.active_loop_name}


def _restored(sender_id: str, state: dict[str, Any], slots: list[Slot]) -> DialogueStateTracker:
    """A tracker as Rasa would leave it at the end of the last turn: listening, within the form if there is one."""
    events: list[Event] = [SessionStarted()]
    loop = state.get("loop")
    if loop:
        events += [ActionExecuted(loop), ActiveLoop(loop)]
    events += [SlotSet(name, value) for name, value in state["slots"].items()]
    if loop and REQUESTED_SLOT not in state["slots"]:
        events.append(SlotSet(REQUESTED_SLOT, None))
    events.append(ActionExecuted(ACTION_LISTEN_NAME))
    tracker = DialogueStateTracker.from_events(sender_id, events, slots)
    tracker.events_saved = len(events)
    return tracker
