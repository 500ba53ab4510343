"""`releve train`: checks the designers' files, then trains the model with Rasa's own trainer."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from bot.datacheck import check
from bot.faults import Fault
from bot.settings import PROJECT, Settings

MODELS_KEPT = 3
MOST_PROBLEMS = 30
TRAINED_FROM = ("config.yml", "domain.yml", "data", "nlu")
"""Files and folders that a model depends on."""


def run(settings: Settings, *, quiet: bool = False) -> Path:
    """Train into the model folder and return the model's path. Raises `Fault` when a file is wrong."""
    from bot import catalogues

    console = Console(stderr=True, quiet=quiet)
    problems = [*check(PROJECT), *catalogues.check(PROJECT / "domain.yml", PROJECT / "locales")]
    errors = [problem for problem in problems if problem.is_error]
    for problem in (errors or problems)[:MOST_PROBLEMS]:
        style = "red" if problem.is_error else "yellow"
        Console(stderr=True).print(str(problem), style=style, markup=False, highlight=False, soft_wrap=True)
    if errors:
        raise Fault(f"{len(errors)} mistakes in the training files; nothing was trained")
    started = time.monotonic()
    with console.status("Training the model"):
        path = train(settings.model_dir)
    console.print(f"Trained {path.name} in {time.monotonic() - started:.0f} s.")
    return path


def from_cache(settings: Settings) -> bool:
    """Take the model that was trained before from the very same files, when there is one."""
    cached = _cached()
    if not cached.is_file():
        return False
    settings.model_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy2(cached, settings.model_dir / _name())
    return True


def into_cache(model: Path) -> None:
    """Keep a model just trained for other checkouts of the same files."""
    cached = _cached()
    cached.parent.mkdir(parents=True, exist_ok=True)
    partial = cached.with_suffix(f".{os.getpid()}")
    shutil.copy2(model, partial)
    partial.replace(cached)


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
