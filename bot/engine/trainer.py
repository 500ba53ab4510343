"""Rasa's graph trainer on our files, without what `rasa train` does around it.

`rasa train` wraps the importer in others for retrieval intents and end-to-end stories, which are not used here and
copy all examples a dozen times, keeps a cache that a full training never reads, and packs the model tightly.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path
from typing import Any

import bot.engine.assistant  # noqa: F401 - prepares what is imported next

# isort: split
from rasa.engine.caching import TrainingCache
from rasa.engine.exceptions import GraphComponentException, GraphRunError, GraphSchemaException
from rasa.engine.recipes.recipe import Recipe
from rasa.engine.storage.local_model_storage import MODEL_ARCHIVE_COMPONENTS_DIR, LocalModelStorage
from rasa.engine.storage.storage import ModelMetadata
from rasa.engine.training.graph_trainer import GraphTrainer
from rasa.engine.validation import validate
from rasa.shared.data import TrainingType
from rasa.shared.exceptions import RasaException

from bot.engine.graph import SequentialGraphRunner
from bot.faults import Fault
from nlu.importer import ProjectImporter


class _NoCache(TrainingCache):
    """Nothing is remembered from one training to the next."""

    def cache_output(self, *_args: Any, **_kwargs: Any) -> None:
        return None

    def get_cached_output_fingerprint(self, *_args: Any) -> None:
        return None

    def get_cached_result(self, *_args: Any) -> None:
        return None


class _QuickStorage(LocalModelStorage):
    """Packs the model lightly: it is read once at each start, and tight packing costs seconds."""

    def create_model_package(self, model_archive_path: Any, model_configuration: Any, domain: Any) -> ModelMetadata:
        path = Path(model_archive_path)
        workshop = path.parent / f".{path.name}.parts"
        try:
            shutil.copytree(self._storage_path, workshop / MODEL_ARCHIVE_COMPONENTS_DIR)
            metadata = self._create_model_metadata(domain, model_configuration)
            self._persist_metadata(metadata, workshop)
            partial = path.with_suffix(".partial")
            with tarfile.open(partial, "w:gz", compresslevel=1) as archive:
                archive.add(workshop, arcname="")
            partial.replace(path)  # whoever looks for the newest model never finds half of one
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
        return metadata


def train(config: Path, domain: Path, data: Path, workshop: Path, model: Path) -> None:
    """Train everything into the archive `model`; `workshop` is an empty folder to work in. Raises `Fault`."""
    try:
        importer = ProjectImporter(str(config), str(domain), [str(data)])
        settings = importer.get_config()
        configuration = Recipe.recipe_for_name(settings.get("recipe")).graph_config_for_recipe(
            settings, {}, training_type=TrainingType.BOTH, is_finetuning=False
        )
        validate(configuration)
        trainer = GraphTrainer(_QuickStorage(workshop), _NoCache(), SequentialGraphRunner)
        trainer.train(configuration, importer, model, force_retraining=True)
    except (RasaException, GraphRunError, GraphComponentException, GraphSchemaException, ValueError) as error:
        raise Fault(f"training failed: {' '.join(str(error.__cause__ or error).split())[:500]}") from error
