"""Work that Rasa does at every message and that nobody sees the result of, taken out.

Each function here takes the place of one of Rasa's and answers the same; `tests/integration/test_needless.py` fails
when Rasa changes what was replaced. `install` is called once per process, before a model is loaded.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

import rasa.core.actions.action as rasa_actions
import rasa.core.actions.forms as rasa_forms
from rasa.core.actions.action import Action
from rasa.core.policies.policy import PolicyPrediction
from rasa.shared.core.constants import ACTION_VALIDATE_SLOT_MAPPINGS
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.slots import Slot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

Value = TypeVar("Value")
FILLED_BY_ACTIONS = frozenset({"type", "conditions"})
"""All that the mapping of a slot says which no message fills: no `action` to run for it."""


def copied_slot(slot: Slot) -> Slot:
    """A slot by itself. Every tracker begins with a copy of each, by the slow way of `copy.copy`."""
    duplicate: Slot = object.__new__(type(slot))
    duplicate.__dict__.update(slot.__dict__)
    return duplicate


def copied_tracker(tracker: DialogueStateTracker) -> DialogueStateTracker:
    """As `DialogueStateTracker.copy`, which gets there by replaying all events into a new one."""
    duplicate = copy(tracker)
    duplicate.events = deque(tracker.events, tracker.events.maxlen)
    duplicate.slots = {name: copied_slot(slot) for name, slot in tracker.slots.items()}
    duplicate.active_loop = tracker.active_loop and replace(tracker.active_loop)
    return duplicate


def _unseen(value: Value, _memo: Any = None) -> Value:
    """In the place of `copy.deepcopy` where the copy is only made for a debug message."""
    return value


_stock_action = rasa_actions.action_for_name_or_text


def kept_action(name: str, domain: Domain, action_endpoint: EndpointConfig | None) -> Action:
    """As `action_for_name_or_text`, which makes each anew at each prediction. They keep nothing of a conversation."""
    if action_endpoint is not None:  # never of ours: actions run in this process
        return _stock_action(name, domain, action_endpoint)
    kept: dict[str, Action] = vars(domain).setdefault("kept_actions", {})
    if name not in kept:
        kept[name] = _stock_action(name, domain, None)
    return kept[name]


def highest(prediction: PolicyPrediction) -> float:
    """As `PolicyPrediction.max_confidence`, asked four times a prediction: a rule is certain, and nothing is more."""
    probabilities = prediction.probabilities
    return 1.0 if 1.0 in probabilities else max(probabilities, default=0.0)


def only_actions_fill_slots(domain: Domain) -> bool:
    """Whether looking through all slots for what a message fills can be left out: no mapping fills any."""
    return ACTION_VALIDATE_SLOT_MAPPINGS not in domain.user_actions and all(
        mapping["type"] == "custom" and FILLED_BY_ACTIONS.issuperset(mapping)
        for slot in domain.slots
        for mapping in slot.mappings
    )


def install() -> None:
    """Put the replacements in their places. Safe to call again."""
    Slot.__copy__ = copied_slot
    DialogueStateTracker.copy = copied_tracker
    rasa_forms.copy = SimpleNamespace(deepcopy=_unseen)
    if not hasattr(rasa_actions.default_actions, "cache_info"):
        # A dozen objects that keep no state, made anew for each action that is looked up.
        rasa_actions.default_actions = cache(rasa_actions.default_actions)
    PolicyPrediction.max_confidence = property(highest)
    rasa_actions.action_for_name_or_text = kept_action
    if not hasattr(Event.resolve_by_type, "cache_info"):
        # Else all classes of events are gone through for each event that an action returns.
        Event.resolve_by_type = cache(Event.resolve_by_type)
