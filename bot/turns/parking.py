"""Requests left half-way: put aside when the customer was away for long, and offered again once nothing is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from actions.casework import FORM, SLOT
from actions.operator import Conversation as Rules
from actions.turn import Turn
from bot.engine.assistant import Assistant, Utterance, open_form
from store.models import Conversation, RequestKind

PARKED = "parked"
KEPT = ("pinned_language", PARKED)
"""Slots that a customer who was away for long still finds."""


def put_aside(conversation: Conversation, since: datetime, now: datetime, rules: Rules) -> None:
    """Begin afresh with a customer last heard of at `since`: whatever form was open is left, a request is kept.

    What was put aside earlier is to be offered once more, or was kept for long enough.
    """
    dialogue = conversation.dialogue or {}
    slots: dict[str, Any] = dialogue.get("slots", {})
    kept = {name: value for name, value in slots.items() if name in KEPT}
    case = slots.get(SLOT)
    # What files nothing (a question, taking a request back) is sooner asked anew than gone on with.
    if open_form(dialogue) == FORM and case and case["kind"] in list(RequestKind):
        kept[PARKED] = {"case": case, "since": since.isoformat()}
    if (parked := kept.get(PARKED)) is not None:
        if now - datetime.fromisoformat(parked["since"]) > timedelta(days=rules.forget_days):
            del kept[PARKED]
        else:
            kept[PARKED] = {**parked, "offered": False}
    conversation.dialogue = {"slots": kept, "loop": None}


def leave_form(conversation: Conversation, now: datetime, rules: Rules) -> None:
    """Leave the form that is open, if any, keeping a request for when the assistant answers again."""
    if open_form(conversation.dialogue):
        put_aside(conversation, now, now, rules)


def offer(assistant: Assistant, turn: Turn, said: list[Utterance]) -> list[Utterance]:
    """The question whether to go on with a request that was put aside.

    Nothing when there is none, when it was asked already, or while another question is open.
    """
    dialogue = turn.conversation.dialogue or {}
    slots = dialogue.get("slots", {})
    parked = slots.get(PARKED)
    busy = open_form(dialogue) or turn.is_handed_over or any(utterance.buttons for utterance in said)
    if not parked or parked.get("offered") or busy:
        return []
    offered = {PARKED: {**parked, "offered": True}, "offer": {"what": PARKED, "message": turn.message_id}}
    turn.conversation.dialogue = {**dialogue, "slots": {**slots, **offered}}
    kind = {"response": f"utter_request_kind_{parked['case']['kind']}", "params": {}}
    yes, no = (assistant.say(turn, f"utter_choice_{choice}").text for choice in ("yes", "no"))
    question = assistant.say(turn, "utter_ask_parked", what=kind)
    return [replace(question, buttons=((yes, "/affirm"), (no, "/deny")))]
