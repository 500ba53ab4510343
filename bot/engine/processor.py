"""Rasa's message processor with what a single process does not need taken out, and nothing swallowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.core.actions.action import Action, ActionExecutionRejection, action_for_name_or_text
from rasa.core.channels.channel import OutputChannel
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import TrackerStore
from rasa.engine import loader
from rasa.engine.runner.interface import GraphRunner
from rasa.engine.storage.local_model_storage import LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.exceptions import ActionLimitReached
from rasa.shared.core.constants import ACTION_EXTRACT_SLOTS
from rasa.shared.core.events import ActionExecutionRejected, Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.common import TempDirectoryPath, get_temp_dir_name

from bot.engine import needless
from bot.engine.graph import SequentialGraphRunner


class DialogueProcessor(MessageProcessor):
    """Parses messages and runs the dialogue; whatever an action raises fails the turn.

    Rasa's own processor logs such an error and goes on as if the action had run (trap 2), deep-copies trackers
    for debug messages that nobody sees (trap 8), and keeps reminders in memory (trap 6).
    """

    def __init__(self, model: Path, tracker_store: TrackerStore, texts: NaturalLanguageGenerator) -> None:
        needless.install()
        # The lock store is never asked: the conversation's row is the lock (trap 7).
        super().__init__(model, tracker_store, InMemoryLockStore(), texts)
        domain_as_dict = self.domain.as_dict()
        # The domain never changes once loaded, and forms ask for it as a dictionary several times a turn.
        self.domain.as_dict = lambda: domain_as_dict
        self._extracts_slots = not needless.only_actions_fill_slots(self.domain)

    @staticmethod
    def _load_model(model_path: str | Path) -> tuple[str, ModelMetadata, GraphRunner]:
        """As Rasa does, with our runner. Raises what tarfile and the components raise when the file is bad."""
        with TempDirectoryPath(get_temp_dir_name()) as directory:
            metadata, runner = loader.load_predict_graph_runner(
                Path(directory), Path(model_path), LocalModelStorage, SequentialGraphRunner
            )
        return Path(model_path).name, metadata, runner

    async def run_action_extract_slots(
        self, output_channel: OutputChannel, tracker: DialogueStateTracker
    ) -> DialogueStateTracker:
        if not self._extracts_slots:
            return tracker
        extract = action_for_name_or_text(ACTION_EXTRACT_SLOTS, self.domain, self.action_endpoint)
        events = await extract.run(output_channel, self.nlg, tracker, self.domain)
        await self._send_bot_messages(events, tracker, output_channel)
        tracker.update_with_events(events, self.domain)
        return tracker

    async def _run_prediction_loop(self, output_channel: OutputChannel, tracker: DialogueStateTracker) -> None:
        should_predict_another_action = True
        while should_predict_another_action and self._should_handle_message(tracker):
            # A dialogue that never listens again is a mistake in the rules: fail the turn, do not go quiet.
            action, prediction = self.predict_next_with_tracker_if_should(tracker)
            should_predict_another_action = await self._run_action(
                action, tracker, output_channel, self.nlg, prediction
            )

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        attempt = tracker
        if prediction.events:  # which are discarded if the action rejects
            attempt = tracker.copy()
            attempt.update_with_events(prediction.events, self.domain)
        try:
            events = await action.run(output_channel, nlg, attempt, self.domain)
        except ActionExecutionRejection:
            tracker.update(ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence))
            return bool(self.should_predict_another_action(action.name()))
        self._log_action_on_tracker(tracker, action, events, prediction)
        await self._send_bot_messages(events, tracker, output_channel)
        return bool(self.should_predict_another_action(action.name()))

    def _log_action_on_tracker(
        self,
        tracker: DialogueStateTracker,
        action: Action,
        events: list[Event] | None,
        prediction: PolicyPrediction,
    ) -> None:
        events = events or []
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            tracker.update_with_events(prediction.events, self.domain)
            tracker.update(action.event_for_successful_execution(prediction))
        tracker.update_with_events(events, self.domain)

    async def run_anonymization_pipeline(self, tracker: DialogueStateTracker) -> None:
        """Nothing to do: events go nowhere but into our own store."""

    @staticmethod
    def _log_slots(tracker: DialogueStateTracker) -> None:
        """Slots hold personal data and are never logged."""


__all__ = ["ActionLimitReached", "DialogueProcessor"]


def understood(parse_data: dict[str, Any]) -> str | None:
    """The intent's name in Rasa's parse data."""
    name = (parse_data.get("intent") or {}).get("name")
    return str(name) if name else None
