"""The assistant: understands a text, and answers a message within a turn."""

from __future__ import annotations

import json
import logging
import os
import re
import warnings
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import structlog

# Nobody hears of our customers' dialogues; and Rasa shows no progress bars at this level: progress is ours to show.
os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ["LOG_LEVEL"] = "ERROR"
warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", message=".*(pkg_resources|declarative_base).*")

import nlu.standins  # noqa: E402, F401, I001 - must come before anything of Rasa
import bot.engine.graph  # noqa: E402, F401 - must come before what runs graphs
from rasa.core.channels.channel import OutputChannel, UserMessage  # noqa: E402
from rasa.core.policies.policy import PolicyPrediction  # noqa: E402

from actions.turn import Turn  # noqa: E402
from bot.engine import local_action  # noqa: E402
from bot.engine.dialogue_state import DialogueStateStore  # noqa: E402
from bot.engine.processor import DialogueProcessor  # noqa: E402
from bot.engine.texts import Texts  # noqa: E402
from nlu.components import TODAY  # noqa: E402

logging.getLogger("rasa").setLevel(logging.ERROR)
logging.getLogger("rasa_sdk").setLevel(logging.ERROR)
log = structlog.get_logger()


class NoModel(RuntimeError):
    """There is no usable model; the message is one line saying where it was looked for and what to do."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing to say. A button is a title and the payload that stands for it (`/intent{…}`).

    `attachment` is a picture or a document to make and send with it (`actions.speech.Attachment`).
    """

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    attachment: dict[str, Any] | None = None


class _Collector(OutputChannel):
    """Rasa's output channel that only collects; `carrier` chooses the channel variants of responses."""

    def __init__(self, carrier: str) -> None:
        self._carrier = carrier
        self.utterances: list[Utterance] = []

    def name(self) -> str:
        return self._carrier

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        buttons = tuple((each["title"], each["payload"]) for each in message.get("buttons") or ())
        self.utterances.append(Utterance(message["text"], buttons, message.get("attachment")))


class Assistant:
    """Rasa's trained model with our actions and texts. One per process; safe for turns side by side."""

    def __init__(self, processor: DialogueProcessor, texts: Texts, name: str) -> None:
        self._processor = processor
        self.texts = texts
        self.model_name = name

    @classmethod
    def load(cls, model: Path, locales: Path) -> Assistant:
        """Load the newest model of folder `model`, or that file. Raises `NoModel`.

        Of several, one that cannot be loaded is passed over for the one before it, which served until then.
        """
        local_action.install()
        oldest, *newer = _models(model)
        for path in reversed(newer):
            try:
                return cls._loaded(path, locales)
            except NoModel as error:
                log.error("model.damaged", model=path.name, error=type(error.__cause__).__name__)
        return cls._loaded(oldest, locales)

    @classmethod
    def _loaded(cls, path: Path, locales: Path) -> Assistant:
        store = DialogueStateStore()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # remarks on the domain are for `releve train`
                processor = DialogueProcessor(path, store, Texts({}, locales))
        except Exception as error:  # a damaged archive fails in as many ways as it has parts
            raise NoModel(
                f"the model {path.name} cannot be loaded ({type(error).__name__}): run `releve train`"
            ) from error
        store.domain = processor.domain
        texts = Texts(processor.domain.responses, locales)
        processor.nlg = texts
        return cls(processor, texts, path.name)

    def parse(self, text: str, today: date | None = None) -> dict[str, Any]:
        """What `text` means: Rasa's parse data with `language`, `language_confidence` and `certainty`.

        `today` is the day that "hier" is counted from, the customer's; without it, today in Casablanca.
        """
        processor = self._processor
        target = processor.model_metadata.nlu_target
        message = UserMessage(text, metadata=None if today is None else {TODAY: today.isoformat()})
        parsed = processor.graph_runner.run({"__message__": [message], "__tracker__": None}, [target])[target][0]
        data: dict[str, Any] = {"text": text, "intent": {"name": None, "confidence": 0.0}, "entities": []}
        data.update(parsed.as_dict(only_output_properties=True))
        return data

    async def reply(self, turn: Turn, text: str, parse_data: dict[str, Any]) -> list[Utterance]:
        """Run the dialogue for one message that was understood as `parse_data`; `turn` must be the current one."""
        collector = _Collector(turn.conversation.channel)
        await self._processor.handle_message(
            UserMessage(
                text=text,
                output_channel=collector,
                sender_id=str(turn.conversation.id),
                parse_data=parse_data,
                input_channel=turn.conversation.channel,
                message_id=str(turn.message_id),
            )
        )
        return collector.utterances

    async def ask_again(self, turn: Turn) -> list[Utterance]:
        """Put the open form's question once more; nothing when no form is open."""
        form = open_form(turn.conversation.dialogue)
        if form is None:
            return []
        collector = _Collector(turn.conversation.channel)
        processor = self._processor
        tracker = await processor.get_tracker(str(turn.conversation.id))
        action = processor._get_action(form)
        prediction = PolicyPrediction.for_action_name(processor.domain, form)
        await processor._run_action(action, tracker, collector, processor.nlg, prediction)
        return collector.utterances

    def say(self, turn: Turn, response: str, **params: Any) -> Utterance:
        """A response outside the dialogue: what cannot be read, what went wrong."""
        said = self.texts.render(response, turn.language, turn.conversation.channel, params)
        return Utterance(said["text"], tuple((b["title"], b["payload"]) for b in said.get("buttons", ())))


def open_form(dialogue: dict[str, Any] | None) -> str | None:
    """The form in the middle of which a dialogue's state was left."""
    return (dialogue or {}).get("loop")


_PAYLOAD = re.compile(r"/(?P<intent>[a-z_]+)(?P<entities>\{.*\})?", re.DOTALL)


def pressed(payload: str, title: str) -> dict[str, Any]:
    """The parse data that a button of ours stands for. Only ever called with payloads that we stored ourselves."""
    match = _PAYLOAD.fullmatch(payload)
    if match is None:
        raise ValueError(f"not a payload: {payload!r}")
    entities = json.loads(match["entities"] or "{}")
    return {
        "text": title,
        "intent": {"name": match["intent"], "confidence": 1.0},
        "entities": [{"entity": name, "value": value} for name, value in entities.items()],
        "certainty": "sure",
        "language": None,
    }


def newest_model(directory: Path) -> Path:
    """The model to load. Raises `NoModel` when there is none."""
    return _models(directory)[-1]


def _models(directory: Path) -> list[Path]:
    """The newest last. Raises `NoModel` when there is none."""
    if directory.is_file():
        return [directory]
    models = sorted(directory.glob("*.tar.gz"), key=lambda path: (path.stat().st_mtime, path.name))
    if not models:
        raise NoModel(f"no model in {directory}: run `releve train`")
    return models


__all__ = ["Assistant", "NoModel", "Utterance", "newest_model", "open_form", "pressed"]
