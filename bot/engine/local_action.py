"""Rasa's remote action, without the remote: our rasa-sdk actions run here, in the turn's transaction.

Rasa sends every custom action over HTTP with the whole conversation as JSON, checks the answer against a JSON
schema built anew each time (14 to 19 ms), and swallows what goes wrong. `LocalAction` takes the place of
`RemoteAction` and keeps its meaning: events and responses out. Whatever an action raises fails the turn.
"""

from __future__ import annotations

from typing import Any

import rasa.core.actions.action as rasa_actions
import rasa.core.actions.forms as rasa_forms
from rasa.core.channels.channel import OutputChannel
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    BotUttered,
    Event,
    ReminderCancelled,
    ReminderScheduled,
    UserUttered,
    deserialise_events,
)
from rasa.shared.core.trackers import DialogueStateTracker
from rasa_sdk import Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection as SdkRejection


class UnknownAction(RuntimeError):
    """The domain names an action that no class in `actions/` implements."""


class NotOurWay(RuntimeError):
    """A custom action did what Rasa allows and a turn in one transaction does not: rejecting, reminding."""


class LocalAction(rasa_actions.RemoteAction):
    """A custom action of this process."""

    executor: ActionExecutor

    async def run(
        self,
        output_channel: OutputChannel,
        nlg: NaturalLanguageGenerator,
        tracker: DialogueStateTracker,
        domain: Domain,
    ) -> list[Event]:
        function = self.executor.actions.get(self.name())
        if function is None:
            raise UnknownAction(f"no class in actions/ is called '{self.name()}'")
        dispatcher = CollectingDispatcher()
        try:
            events = await function(dispatcher, _sdk_tracker(tracker), {})
        except SdkRejection as rejection:
            # What it wrote before is in the turn's transaction, and Rasa would go on as if it had not run.
            raise NotOurWay(f"'{self.name()}' rejected; a form rejects by returning no events") from rejection
        uttered = [await _uttered(each, output_channel, nlg, tracker) for each in dispatcher.messages]
        said = deserialise_events(events or [])
        if any(isinstance(event, ReminderScheduled | ReminderCancelled) for event in said):
            # Rasa keeps reminders in memory and mixes customers up by their name.
            raise NotOurWay(f"'{self.name()}' set one of Rasa's reminders; what is to happen later is a row")
        return [*uttered, *said]


SDK_KEYS = frozenset({"response", "text", "buttons", "elements", "custom", "template", "image", "attachment"})


async def _uttered(
    message: dict[str, Any],
    output_channel: OutputChannel,
    nlg: NaturalLanguageGenerator,
    tracker: DialogueStateTracker,
) -> BotUttered:
    """What an action said, in the customer's language. An action names responses; it has no words of its own."""
    name = message.get("response")
    if not name:
        raise TypeError("an action uttered a text of its own: texts belong in domain.yml and the catalogues")
    params = {key: value for key, value in message.items() if key not in SDK_KEYS}
    draft = await nlg.generate(name, tracker, output_channel.name(), **params)
    buttons = list(draft.get("buttons", ()))
    for button in message.get("buttons") or ():
        title = await nlg.generate(button["response"], tracker, output_channel.name(), **button["params"])
        buttons.append({"title": title["text"], "payload": button["payload"]})
    return BotUttered(draft["text"], {"buttons": buttons or None}, {"utter_action": name})


def _sdk_tracker(tracker: DialogueStateTracker) -> Tracker:
    """The SDK's view of the conversation, with the events since the customer's message only."""
    recent: list[dict[str, Any]] = []
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            break
        recent.append(event.as_dict())
    message = tracker.latest_message
    loop = tracker.active_loop
    return Tracker(
        tracker.sender_id,
        tracker.current_slot_values(),
        dict(message.parse_data) if message and message.parse_data else {},
        recent[::-1],
        tracker.is_paused(),
        tracker.followup_action,
        {"name": loop.name, "rejected": loop.rejected} if loop else {},
        tracker.latest_action_name,
    )


def install(package: str = "actions") -> ActionExecutor:
    """Register every action of `package` and put `LocalAction` where Rasa makes remote ones."""
    executor = ActionExecutor()
    executor.register_package(package)
    LocalAction.executor = executor
    rasa_actions.RemoteAction = LocalAction
    rasa_forms.RemoteAction = LocalAction
    return executor
