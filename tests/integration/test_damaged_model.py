"""A model file that is damaged: the one before it serves on, and without any the operator reads one line."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bot.engine.assistant import Assistant, NoModel
from bot.service import LOCALES


@pytest.fixture
def spoilt(model: Path, tmp_path: Path) -> Path:
    """A folder with a sound model, and newer ones that are not."""
    sound = tmp_path / "20260101-000000.tar.gz"
    shutil.copy(next(model.glob("*.tar.gz")), sound)
    os.utime(sound, (0, 0))
    (tmp_path / "20260102-000000.tar.gz").write_bytes(b"rubbish")
    (tmp_path / "20260103-000000.tar.gz").write_bytes(sound.read_bytes()[:10_000])
    return tmp_path


def test_the_newest_sound_model_is_loaded(spoilt: Path) -> None:
    assert Assistant.load(spoilt, LOCALES).model_name == "20260101-000000.tar.gz"


def test_without_a_sound_model_one_line_says_so(spoilt: Path) -> None:
    (spoilt / "20260101-000000.tar.gz").unlink()
    with pytest.raises(NoModel, match=r"cannot be loaded \(\w+\): run `releve train`"):
        Assistant.load(spoilt, LOCALES)


def test_a_model_that_is_replaced_while_it_serves_goes_on_serving(spoilt: Path) -> None:
    assistant = Assistant.load(spoilt, LOCALES)
    shutil.rmtree(spoilt)
    assert assistant.parse("bonjour")["intent"]["name"] == "greet"
