"""What a form's validation needs to know about where it stands."""

from __future__ import annotations

from rasa_sdk import Tracker


def is_answering(tracker: Tracker, form: str) -> bool:
    """Whether the form has just been given a new message to take.

    False when the form is being opened, and when it comes back after another question was answered: then the
    message is not for it. Rasa runs the form before anything else only in the first case.
    """
    if tracker.active_loop.get("name") != form:
        return False
    return not any(
        event["event"] in ("action_execution_rejected", "active_loop")
        or (event["event"] == "action" and event["name"] != form)
        for event in tracker.events
    )
