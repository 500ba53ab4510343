"""The pipeline's three Rasa components: thin shells around models that know nothing of Rasa.

In this order: `LanguageIdentifier`, `IntentClassifier`, `EntityExtractor`. Each node of Rasa's graph costs time per
message, so there are no more than these.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier as RasaIntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.nlu.constants import (
    ENTITIES,
    EXTRACTOR,
    INTENT,
    INTENT_NAME_KEY,
    INTENT_RANKING_KEY,
    METADATA,
    METADATA_INTENT,
    PREDICTED_CONFIDENCE_KEY,
    TEXT,
)
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu import asides, communes, entities
from nlu.classifier import IntentModel
from nlu.entities import DEFAULT_PATTERNS, Patterns
from nlu.language import LanguageModel

ComponentType = DefaultV1Recipe.ComponentType
CASABLANCA = ZoneInfo("Africa/Casablanca")

LANGUAGE = "language"
LANGUAGE_CONFIDENCE = "language_confidence"
LANGUAGE_WORDS = "language_words"
CERTAINTY = "certainty"
OUTSIDE = "outside"
HELD_OUT = "held_out.json"
"""File of a trained model: the examples that it got wrong when they were held out, for `bot.datacheck`."""
TODAY = "today"
"""Key of a message's metadata: the ISO date that relative dates are counted from."""


def _patterns(config: dict[str, Any]) -> Patterns:
    """The operator's patterns in a component's configuration; raises `re.error` when one is not a pattern."""
    return Patterns(
        contract=re.compile(config.get("contract_pattern") or DEFAULT_PATTERNS.contract.pattern),
        meter=re.compile(config.get("meter_pattern") or DEFAULT_PATTERNS.meter.pattern),
    )


def _language(example: Message) -> str | None:
    """The `metadata: {language: …}` of the example's intent."""
    metadata = (example.get(METADATA) or {}).get(METADATA_INTENT) or {}
    return cast("str | None", metadata.get(LANGUAGE))


def _examples(training_data: TrainingData) -> list[Message]:
    return [m for m in training_data.intent_examples if m.get(TEXT) and m.get(INTENT)]


@DefaultV1Recipe.register([ComponentType.INTENT_CLASSIFIER], is_trainable=True)
class LanguageIdentifier(GraphComponent, RasaIntentClassifier):
    """Sets `language` (a code or null), `language_confidence` and `language_words` on a message."""

    def __init__(self, storage: ModelStorage, resource: Resource, model: LanguageModel | None = None) -> None:
        self._storage = storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> LanguageIdentifier:
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> LanguageIdentifier:
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, LanguageModel.load(folder))

    def train(self, training_data: TrainingData) -> Resource:
        labelled = [(m.get(TEXT), language) for m in _examples(training_data) if (language := _language(m))]
        self._model = LanguageModel.fit([text for text, _ in labelled], [language for _, language in labelled])
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        assert self._model is not None, "train or load the component first"
        for message in messages:
            identified = self._model.identify(message.get(TEXT) or "")
            message.set(LANGUAGE, identified.language, add_to_output=True)
            message.set(LANGUAGE_CONFIDENCE, identified.confidence, add_to_output=True)
            message.set(LANGUAGE_WORDS, identified.words, add_to_output=True)
        return messages


@DefaultV1Recipe.register([ComponentType.INTENT_CLASSIFIER], is_trainable=True)
class IntentClassifier(GraphComponent, RasaIntentClassifier):
    """Sets `intent`, `intent_ranking`, `certainty` ("sure", "unsure" or "lost") and `outside` on a message."""

    def __init__(
        self,
        config: dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        model: IntentModel | None = None,
    ) -> None:
        self._config = {**self.get_default_config(), **config}
        self._storage = storage
        self._resource = resource
        self._model = model

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "contract_pattern": DEFAULT_PATTERNS.contract.pattern,
            "meter_pattern": DEFAULT_PATTERNS.meter.pattern,
            "folds": 4,  # parts of the cross-validation that confidences and thresholds come from
            "rounds": 2,  # how many of the parts are predicted; each costs one more training
            "respellings": 1,  # generated spellings of each example of Darija in Latin letters
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> IntentClassifier:
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, IntentModel.load(folder, _patterns(config)))

    def train(self, training_data: TrainingData) -> Resource:
        examples = _examples(training_data)
        self._model = IntentModel.fit(
            [m.get(TEXT) for m in examples],
            [m.get(INTENT) for m in examples],
            [_language(m) for m in examples],
            _patterns(self._config),
            folds=self._config["folds"],
            rounds=self._config["rounds"],
            respellings=self._config["respellings"],
        )
        mistaken = [asdict(each) for each in self._model.held_out if each.intent != examples[each.row].get(INTENT)]
        with self._storage.write_to(self._resource) as folder:
            self._model.save(folder)
            found = {"examples": len(examples), "tested": len(self._model.held_out), "mistaken": mistaken}
            (folder / HELD_OUT).write_text(json.dumps(found), encoding="utf-8")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        assert self._model is not None, "train or load the component first"
        for message in messages:
            prediction = self._model.predict(message.get(TEXT) or "")
            ranking = [{INTENT_NAME_KEY: name, PREDICTED_CONFIDENCE_KEY: c} for name, c in prediction.ranking]
            message.set(INTENT, dict(ranking[0]), add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
            message.set(CERTAINTY, prediction.certainty.value, add_to_output=True)
            message.set(OUTSIDE, prediction.outside, add_to_output=True)
        return messages


@DefaultV1Recipe.register([ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class EntityExtractor(GraphComponent, EntityExtractorMixin):
    """Adds the entities of `nlu.entities` and the asides of `nlu.asides` to a message."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._patterns = _patterns(config)
        communes.known()  # read with the model, so that a broken file shows at the start and not at a message

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "contract_pattern": DEFAULT_PATTERNS.contract.pattern,
            "meter_pattern": DEFAULT_PATTERNS.meter.pattern,
        }

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> EntityExtractor:
        return cls(config)

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            text = message.get(TEXT) or ""
            folded = entities.spelled_out(text)
            found = [
                *entities.find_in(folded, text, _today(message), self._patterns),
                *asides.find_in(folded, text),
            ]
            named = [{**entity, EXTRACTOR: type(self).__name__} for entity in found]
            message.set(ENTITIES, [*message.get(ENTITIES, []), *named], add_to_output=True)
        return messages


def _today(message: Message) -> date:
    given = (message.get(METADATA) or {}).get(TODAY)
    return date.fromisoformat(given) if given else datetime.now(CASABLANCA).date()
