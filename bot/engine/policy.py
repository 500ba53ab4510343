"""Rasa's rule policy, asked once per prediction, and only about the rules that can hold."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, SHOULD_NOT_BE_SET, USER
from rasa.shared.core.domain import Domain, State
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ACTION_NAME, INTENT

Beginning = tuple[str | None, str | None]
"""The action before a state and the intent in it; None where a rule leaves it open."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class Rules(RulePolicy):
    """The rule policy without rules on literal texts, which it would look for first: ours are on intents.

    When no rule says what comes after an action, the assistant listens. Stock takes that for a message that it did
    not understand: an action that another one asked for (`FollowupAction`) would be followed by "I am lost".
    """

    def __init__(self, *args: Any, lookup: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, lookup=lookup, **kwargs)
        # Of a model that was loaded, whose rules never change; in training they do.
        rules = (part for part in (lookup or {}).values() if isinstance(part, dict))
        self._indexes = {id(each): _index(each) for each in rules}

    def _find_action_from_rules(
        self, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool
    ) -> tuple[str | None, str | None, bool]:
        if use_text_for_last_user_input:
            return None, None, False
        found: tuple[str | None, str | None, bool] = super()._find_action_from_rules(tracker, domain, False)
        name, source, returning = found
        if name is None and tracker.latest_action_name not in (None, ACTION_LISTEN_NAME):
            return ACTION_LISTEN_NAME, source, returning
        return found

    def _prediction_states(
        self, tracker: DialogueStateTracker, domain: Domain, *args: Any, **kwargs: Any
    ) -> list[State]:
        """Stock replays the events into a tracker with copies of all slots, also where no slot is part of a state."""
        if not any(slot.has_features() for slot in domain.slots):
            tracker = _WithoutSlots.of(tracker)
        states: list[State] = super()._prediction_states(tracker, domain, *args, **kwargs)
        return states

    def _get_possible_keys(self, lookup: dict[str, str], states: list[State]) -> set[str]:
        """Stock goes through all rules at each prediction; here only those whose last state names this intent and
        this action, or leaves them open, are looked at.
        """
        index = self._indexes.get(id(lookup))
        if index is None or not states:
            return set(super()._get_possible_keys(lookup, states))
        action, intent = _beginning(states[-1])
        beginnings = {(action, intent), (action, None), (None, intent), (None, None)}
        candidates = {key: lookup[key] for each in beginnings for key in index.get(each, ())}
        return set(super()._get_possible_keys(candidates, states))

    @staticmethod
    def format_tracker_states(states: list[dict[str, Any]]) -> str:
        """Nothing: it is for a debug message that nobody sees."""
        return ""


class _WithoutSlots(DialogueStateTracker):
    """What is replayed to see the states that were passed through."""

    @classmethod
    def of(cls, tracker: DialogueStateTracker) -> _WithoutSlots:
        seen = cls(tracker.sender_id, (), tracker._max_event_history, is_rule_tracker=tracker.is_rule_tracker)
        seen.events = tracker.events
        return seen

    def init_copy(self) -> _WithoutSlots:
        return type(self)(self.sender_id, (), self._max_event_history, is_rule_tracker=self.is_rule_tracker)

    def _set_slot(self, key: str, value: Any) -> None:
        """Nothing: it has none."""


def _index(rules: Mapping[str, str]) -> Mapping[Beginning, list[str]]:
    """The rules by the beginning of their last state."""
    index: defaultdict[Beginning, list[str]] = defaultdict(list)
    for key in rules:
        index[_beginning(json.loads(key)[-1])].append(key)
    return dict(index)


def _beginning(state: State) -> Beginning:
    action = state.get(PREVIOUS_ACTION, {}).get(ACTION_NAME)
    intent = state.get(USER, {}).get(INTENT)
    return _named(action), _named(intent)


def _named(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("", SHOULD_NOT_BE_SET) else None
