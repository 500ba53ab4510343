"""`releve train`: checks the designers' files, trains the model with Rasa's own trainer, and reports on the data."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from bot.datacheck import Problem, check
from bot.faults import Fault
from bot.settings import PROJECT, Settings
from nlu.classifier import HeldOut
from nlu.examples import Example
from nlu.examples import load as load_examples

MODELS_KEPT = 3
MOST_ERRORS = 30
MOST_WARNINGS = 20
TRAINED_FROM = ("config.yml", "domain.yml", "data", "nlu")
"""Files and folders that a model depends on."""


def run(settings: Settings, *, quiet: bool = False, report: Path | None = None) -> Path:
    """Train into the model folder and return the model's path. Raises `Fault` when a file is wrong.

    Warnings never keep a model from being trained. The worst are shown, unless `quiet`; all go to `report`.
    """
    from bot import catalogues

    console = Console(stderr=True, quiet=quiet)
    problems = [*check(PROJECT), *catalogues.check(PROJECT / "domain.yml", PROJECT / "locales")]
    errors = [problem for problem in problems if problem.is_error]
    _show(Console(stderr=True), errors[:MOST_ERRORS], "red")
    if errors:
        raise Fault(f"{len(errors)} mistakes in the training files; nothing was trained")
    examples = [_within_project(each) for each in load_examples(PROJECT / "data" / "nlu")]
    if report is not None:
        _write(report, problems)  # what cannot be written is told before the training
    started = time.monotonic()
    with console.status("Training the model"):
        path = train(settings.model_dir)
    seconds = time.monotonic() - started
    doubtful = _by_weight([*problems, *_doubts(path, examples)])
    if report is not None:
        _write(report, doubtful)
    _show(console, doubtful[:MOST_WARNINGS], "yellow")
    if doubtful:
        console.print(_counted(doubtful, report), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Trained {path.name} in {seconds:.0f} s.")
    return path


def _within_project(example: Example) -> Example:
    return replace(example, file=example.file.relative_to(PROJECT))


def _doubts(model: Path, examples: list[Example]) -> list[Problem]:
    from bot.sending.doubts import doubts

    return doubts(examples, _mistaken(model, len(examples)))


def _mistaken(model: Path, examples: int) -> list[HeldOut]:
    """What the training found of the examples that it held out; nothing when another classifier was trained."""
    from nlu.components import HELD_OUT

    with tarfile.open(model) as archive:
        member = next((each for each in archive if Path(each.name).name == HELD_OUT), None)
        stored = archive.extractfile(member) if member is not None else None
        found = None if stored is None else json.load(stored)
    # Files saved while the training ran may have moved the examples: then nothing is said of its predictions.
    if found is None or found["examples"] != examples:
        return []
    return [HeldOut(**each) for each in found["mistaken"]]


def _by_weight(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda each: -each.weight)


def _show(console: Console, problems: Sequence[Problem], style: str) -> None:
    for problem in problems:
        console.print(str(problem), style=style, markup=False, highlight=False, soft_wrap=True)


def _counted(doubtful: Sequence[Problem], report: Path | None) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(each.kind for each in doubtful).most_common())
    total = f"{len(doubtful)} warnings ({kinds})"
    if report is not None:
        return f"{total}, all in {report}."
    return f"{total}; --report FILE writes all of them." if len(doubtful) > MOST_WARNINGS else f"{total}."


def _write(report: Path, doubtful: Sequence[Problem]) -> None:
    """All warnings as tab-separated values, the worst first. Raises `Fault` when the file cannot be written."""
    try:
        with report.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(("kind", "weight", "file", "line", "message"))
            writer.writerows((w.kind, f"{w.weight:.2f}", w.file, w.line, w.message) for w in doubtful)
    except OSError as error:
        raise Fault(f"{report}: {error.strerror or 'cannot be written'}") from error


def from_cache(settings: Settings) -> bool:
    """Take the model that was trained before from the very same files, when there is one."""
    cached = _cached()
    if not cached.is_file():
        return False
    settings.model_dir.mkdir(parents=True, exist_ok=True)
    _copy(cached, settings.model_dir / _name())
    return True


def into_cache(model: Path) -> None:
    """Keep a model just trained for other checkouts of the same files."""
    cached = _cached()
    cached.parent.mkdir(parents=True, exist_ok=True)
    _copy(model, cached)


def _copy(model: Path, to: Path) -> None:
    """So that nobody who looks for a model ever finds half of one."""
    partial = to.with_suffix(f".{os.getpid()}")
    shutil.copy2(model, partial)
    partial.replace(to)


def _cached() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "releve" / "models" / f"{fingerprint()}.tar.gz"


def fingerprint() -> str:
    """Changes with anything that a model depends on."""
    digest = hashlib.sha256()
    for package in ("rasa", "scikit-learn", "numpy"):
        digest.update(f"{package} {version(package)}\n".encode())
    for name in TRAINED_FROM:
        root = PROJECT / name
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and path.suffix in (".yml", ".py"):
                digest.update(f"{path.relative_to(PROJECT)}\n".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _name() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}.tar.gz"


def train(directory: Path) -> Path:
    """Train from the project's files; the newest models in `directory` are kept. Raises `Fault`."""
    from bot.engine import trainer

    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _name()
    with tempfile.TemporaryDirectory() as workshop, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Rasa's remarks; what is wrong with the files has been said
        trainer.train(PROJECT / "config.yml", PROJECT / "domain.yml", PROJECT / "data", Path(workshop), path)
    for old in sorted(directory.glob("*.tar.gz"), key=lambda each: each.stat().st_mtime)[:-MODELS_KEPT]:
        old.unlink()
    return path
