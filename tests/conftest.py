"""The trained model, made once per state of the training files, and loaded once per run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.settings import PROJECT

CACHE = PROJECT / ".cache" / "test-models"


@pytest.fixture(scope="session")
def model() -> Path:
    """The folder with a model trained on the files as they are now."""
    from bot.engine.assistant import NoModel, newest_model
    from bot.training import train

    directory = CACHE / _fingerprint()
    try:
        newest_model(directory)
    except NoModel:
        train(directory)
    return directory


@pytest.fixture(scope="session")
def assistant(model: Path) -> Iterator[object]:
    """The real assistant."""
    from bot.engine.assistant import Assistant
    from bot.service import LOCALES

    yield Assistant.load(model, LOCALES)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    sources = [PROJECT / "config.yml", PROJECT / "domain.yml", *(PROJECT / "data").rglob("*.yml")]
    for path in sorted([*sources, *(PROJECT / "nlu").rglob("*.*")]):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
