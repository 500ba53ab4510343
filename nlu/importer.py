"""Brings the project's files to Rasa, each read once.

Rasa's own importer parses and validates every file of examples several times over, in pure Python: half of the
training time went there. The files keep Rasa's format; `bot.datacheck` says what is wrong with them.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.constants import INTENT, METADATA, METADATA_INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.examples import load


class ProjectImporter(TrainingDataImporter):
    """Examples from `nlu/` under the data folder, rules and stories from everything beside it."""

    def __init__(
        self,
        config_file: str | None = None,
        domain_path: str | None = None,
        training_data_paths: list[str] | str | None = None,
    ) -> None:
        given = [training_data_paths] if isinstance(training_data_paths, str) else training_data_paths or []
        self._folders = [Path(path) for path in given]
        beside = [str(each) for folder in self._folders for each in sorted(folder.iterdir()) if each.name != "nlu"]
        self._rest = RasaFileImporter(config_file, domain_path, beside)

    @cached_property
    def _domain(self) -> Domain:
        return self._rest.get_domain()

    @cached_property
    def _examples(self) -> TrainingData:
        return TrainingData(
            [
                Message(
                    {
                        TEXT: example.text,
                        INTENT: example.intent,
                        METADATA: {METADATA_INTENT: {"language": example.language}},
                    }
                )
                for folder in self._folders
                for example in load(folder / "nlu")
            ]
        )

    def get_domain(self) -> Domain:
        return self._domain

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        return self._examples

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        return self._rest.get_stories(exclusion_percentage)

    def get_conversation_tests(self) -> StoryGraph:
        return self._rest.get_conversation_tests()

    def get_config(self) -> dict[str, Any]:
        return dict(self._rest.get_config())

    def get_config_file_for_auto_config(self) -> str | None:
        file = self._rest.get_config_file_for_auto_config()
        return None if file is None else str(file)
