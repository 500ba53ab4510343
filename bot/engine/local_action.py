"""Rasa's remote action, without the remote: our rasa-sdk actions run here, in the turn's transaction.

Rasa sends every custom action over HTTP with the whole conversation as JSON, checks the answer against a JSON
schema built anew each time (14 to 19 ms), and swallows what goes wrong. `LocalAction` takes the place of
`RemoteAction` and keeps its meaning: events and responses out. Whatever an action raises fails the turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
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

from actions.turn import current_turn
from bot.engine.brevity import Sentence, shortened
from bot.engine.texts import shown
from bot.telemetry.tracing import span


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
            with span("action", action=self.name()):
                events = await function(dispatcher, _sdk_tracker(tracker), {})
        except SdkRejection as rejection:
            # What it wrote before is in the turn's transaction, and Rasa would go on as if it had not run.
            raise NotOurWay(f"'{self.name()}' rejected; a form rejects by returning no events") from rejection
        uttered = await _uttered(dispatcher.messages, _Reader(nlg, tracker, output_channel.name()))
        said = deserialise_events(events or [])
        if any(isinstance(event, ReminderScheduled | ReminderCancelled) for event in said):
            # Rasa keeps reminders in memory and mixes customers up by their name.
            raise NotOurWay(f"'{self.name()}' set one of Rasa's reminders; what is to happen later is a row")
        return [*uttered, *said]


SDK_KEYS = frozenset(
    {"response", "text", "buttons", "elements", "custom", "template", "image", "attachment", "spare"}
)
"""What of a message is not a parameter of its response."""


class _Reader:
    """Puts what an action says into the customer's language, for their channel."""

    def __init__(self, nlg: NaturalLanguageGenerator, tracker: DialogueStateTracker, channel: str) -> None:
        self._nlg = nlg
        self._tracker = tracker
        self.channel = channel

    async def response(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The text of a response, and its own buttons."""
        said: dict[str, Any] = await self._nlg.generate(name, self._tracker, self.channel, **params)
        return said

    async def worded(self, value: Any) -> Any:
        """`value` with its `actions.speech.words`, however deep, as text."""
        match value:
            case {"response": str(name), "params": dict(params)}:
                return (await self.response(name, params))["text"]
            case dict():
                return {key: await self.worded(each) for key, each in value.items()}
            case list() | tuple():
                return [await self.worded(each) for each in value]
        return value


async def _uttered(messages: list[dict[str, Any]], reader: _Reader) -> list[BotUttered]:
    """What an action said, in the customer's language. An action names responses; it has no words of its own."""
    sentences = [await _sentence(message, reader) for message in messages]
    kept = shortened(sentences) if reader.channel == "sms" else sentences
    uttered: list[BotUttered] = []
    for message, sentence in zip(messages, kept, strict=True):
        if sentence is not None:
            buttons = [{"title": title, "payload": payload} for title, payload in sentence.buttons]
            data = {"buttons": buttons or None, "attachment": await _attachment(message, reader)}
            uttered.append(BotUttered(sentence.text, data, {"utter_action": message["response"]}))
    return uttered


async def _sentence(message: dict[str, Any], reader: _Reader) -> Sentence:
    name = message.get("response")
    if not name:
        raise TypeError("an action uttered a text of its own: texts belong in domain.yml and the catalogues")
    params = {key: value for key, value in message.items() if key not in SDK_KEYS}
    draft = await reader.response(name, params)
    buttons = [(button["title"], button["payload"]) for button in draft.get("buttons", ())]
    for button in message.get("buttons") or ():
        title = await reader.response(button["response"], button["params"])
        buttons.append((title["text"], button["payload"]))
    return Sentence(draft["text"], tuple(buttons), message.get("spare"))


async def _attachment(message: dict[str, Any], reader: _Reader) -> dict[str, Any] | None:
    """The picture or document to make, as it is stored: all words said, all figures written."""
    attachment = message.get("attachment")
    if not attachment:
        return None
    return {**attachment, "spec": _written(await reader.worded(attachment["spec"]), current_turn().language)}


def _written(value: Any, language: str) -> Any:
    """`value` with its dates and decimals written the reader's way; whole numbers stay for drawing."""
    match value:
        case dict():
            return {key: _written(each, language) for key, each in value.items()}
        case list():
            return [_written(each, language) for each in value]
        case Decimal() | date():
            return shown(value, language)
    return value


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
