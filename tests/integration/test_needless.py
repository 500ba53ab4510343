"""What was taken out of Rasa's work at each message answers as Rasa's own does, and Rasa still has what it replaces.

A test here that fails after an upgrade of Rasa says that a replacement is to be looked at again.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import pytest
import rasa.core.actions.action as rasa_actions
import rasa.core.actions.forms as rasa_forms
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActiveLoop,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
    deserialise_events,
)
from rasa.shared.core.slots import AnySlot, TextSlot
from rasa.shared.core.trackers import DialogueStateTracker

from bot.engine import needless
from bot.engine.policy import Rules

EVENTS: dict[str, Sequence[Event]] = {
    "a session that begins": [SessionStarted(), ActionExecuted("action_listen")],
    "a question": [SessionStarted(), ActionExecuted("action_listen"), UserUttered("help", {"name": "help"})],
    "in the middle of a form": [
        SessionStarted(),
        ActionExecuted("reading_form"),
        ActiveLoop("reading_form"),
        SlotSet("draft", {"value": 48213}),
        ActionExecuted("action_listen"),
        UserUttered("48213", {"name": "submit_reading"}),
    ],
    "after an answer": [
        SessionStarted(),
        ActionExecuted("action_listen"),
        UserUttered("help", {"name": "help"}),
        ActionExecuted("action_help"),
    ],
}


@pytest.fixture
def rules(assistant: Any) -> Rules:
    nodes = assistant._processor.graph_runner._nodes
    return next(node._component for node in nodes.values() if isinstance(node._component, Rules))


@pytest.fixture
def domain(assistant: Any) -> Domain:
    return assistant._processor.domain


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS.keys())
def test_a_copied_tracker_is_what_replaying_its_events_gives(domain: Domain, events: Sequence[Event]) -> None:
    tracker = DialogueStateTracker.from_events("1", list(events), domain.slots)
    replayed = tracker.travel_back_in_time(float("inf"))
    copied = tracker.copy()
    assert copied.current_state() == replayed.current_state() == tracker.current_state()
    assert list(copied.events) == list(tracker.events)
    assert copied.__dict__.keys() == replayed.__dict__.keys()


def test_what_happens_to_a_copy_leaves_the_tracker_alone(domain: Domain) -> None:
    tracker = DialogueStateTracker.from_events("1", list(EVENTS["in the middle of a form"]), domain.slots)
    before = copy.deepcopy(tracker.current_state())
    copied = tracker.copy()
    copied.update_with_events([SlotSet("draft", None), ActiveLoop(None), ActionExecuted("action_help")], domain)
    copied.interrupt_loop(True)
    assert tracker.current_state() == before
    assert len(tracker.events) == len(EVENTS["in the middle of a form"])


@pytest.mark.parametrize(
    "slot", [AnySlot("any", [], initial_value=1), TextSlot("text", [])], ids=lambda slot: slot.name
)
def test_a_copied_slot_has_a_value_of_its_own(slot: AnySlot | TextSlot) -> None:
    duplicate = copy.copy(slot)
    assert type(duplicate) is type(slot)
    assert duplicate.__dict__ == slot.__dict__
    duplicate.value = "other"
    assert slot.value != "other"


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS.keys())
def test_the_rules_looked_at_are_all_that_can_hold(rules: Rules, domain: Domain, events: Sequence[Event]) -> None:
    tracker = DialogueStateTracker.from_events("1", list(events), domain.slots)
    states = rules._prediction_states(tracker, domain)
    for part in rules.lookup.values():
        if isinstance(part, dict):
            assert rules._get_possible_keys(part, states) == RulePolicy._get_possible_keys(rules, part, states)


def test_each_intent_finds_the_rules_that_stock_finds(rules: Rules, domain: Domain) -> None:
    found = 0
    for intent in domain.intents:
        events = [SessionStarted(), ActionExecuted("action_listen"), UserUttered("x", {"name": intent})]
        states = rules._prediction_states(DialogueStateTracker.from_events("1", events, domain.slots), domain)
        expected = RulePolicy._get_possible_keys(rules, rules.lookup["rules"], states)
        assert rules._get_possible_keys(rules.lookup["rules"], states) == expected
        found += len(expected)
    assert found >= 25, "the rules were not looked at"


@pytest.mark.parametrize("events", EVENTS.values(), ids=EVENTS.keys())
def test_states_are_seen_as_stock_sees_them(rules: Rules, domain: Domain, events: Sequence[Event]) -> None:
    tracker = DialogueStateTracker.from_events("1", list(events), domain.slots)
    expected = RulePolicy._prediction_states(rules, tracker, domain)
    assert rules._prediction_states(tracker, domain) == expected != []


def test_a_slot_that_rules_depend_on_is_part_of_the_states(rules: Rules, domain: Domain) -> None:
    featured = TextSlot("featured", [], influence_conversation=True)
    seeing = copy.copy(domain)
    seeing.slots = [*domain.slots, featured]
    events = [SlotSet("featured", "x"), ActionExecuted("action_listen"), UserUttered("help", {"name": "help"})]
    tracker = DialogueStateTracker.from_events("1", events, seeing.slots)
    states = rules._prediction_states(tracker, seeing)
    assert states == RulePolicy._prediction_states(rules, tracker, seeing)
    assert "featured" in states[-1]["slots"]


def test_an_action_is_the_one_that_stock_makes_and_made_once(domain: Domain) -> None:
    for name in domain.action_names_or_texts:
        action, stock = needless.kept_action(name, domain, None), needless._stock_action(name, domain, None)
        assert type(action) is type(stock)
        assert action.name() == stock.name() == name
        assert needless.kept_action(name, domain, None) is action


@pytest.mark.parametrize("probabilities", [[], [0.0], [0.0, 1.0, 0.0], [0.2, 0.7, 0.1]], ids=str)
def test_the_highest_confidence_is_the_highest(probabilities: list[float]) -> None:
    prediction = PolicyPrediction(probabilities, "policy")
    assert needless.highest(prediction) == prediction.max_confidence == max(probabilities, default=0.0)


def test_forms_copy_only_for_debug_messages() -> None:
    """There `copy.deepcopy` does nothing: each use must be in the arguments of a debug line."""
    source = inspect.getsource(rasa_forms)
    uses = source.split("copy.deepcopy(")
    assert len(uses) == 4
    for before in uses[:-1]:
        assert "structlogger.debug(" in before[-120:]
    assert "copy." not in source.replace("copy.deepcopy(", "").replace("tracker.copy()", "")


def test_default_actions_are_made_once_and_keep_nothing() -> None:
    assert rasa_actions.default_actions(None) is rasa_actions.default_actions(None)
    # Whatever they have, they were given it when they were made.
    again = rasa_actions.default_actions.__wrapped__(None)
    kept = [vars(action).keys() for action in rasa_actions.default_actions(None)]
    assert kept == [vars(action).keys() for action in again]


def test_events_are_found_by_their_names() -> None:
    assert deserialise_events([{"event": "slot", "name": "draft", "value": 1}]) == [SlotSet("draft", 1)]
    with pytest.raises(ValueError, match="Unknown event"):
        deserialise_events([{"event": "no such event"}])


def test_slots_are_not_looked_through_for_what_a_message_fills(domain: Domain) -> None:
    assert needless.only_actions_fill_slots(domain)


@pytest.mark.filterwarnings("ignore:Slot auto-fill")  # said of every domain that is read
@pytest.mark.parametrize(
    "mapping",
    [
        {"type": "from_entity", "entity": "reading"},
        {"type": "from_text"},
        {"type": "custom", "action": "action_help"},
    ],
    ids=lambda mapping: mapping["type"],
)
def test_a_slot_that_a_message_fills_is_looked_for(mapping: dict[str, str]) -> None:
    slots = {"one": {"type": "any", "influence_conversation": False, "mappings": [mapping]}}
    given = {"version": "3.1", "intents": ["help"], "entities": ["reading"], "actions": ["action_help"]}
    domain = Domain.from_dict({**given, "slots": slots})
    assert not needless.only_actions_fill_slots(domain)
