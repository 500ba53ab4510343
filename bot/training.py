"""`releve train`: checks the designers' files, then trains the model with Rasa."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from pathlib import Path

from rich.console import Console

from bot import catalogues
from bot.datacheck import check
from bot.faults import Fault
from bot.settings import PROJECT, Settings

MODELS_KEPT = 3
MOST_PROBLEMS = 30


def run(settings: Settings, *, quiet: bool = False) -> Path:
    """Train into the model folder and return the model's path. Raises `Fault` when a file is wrong."""
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


def train(directory: Path) -> Path:
    """Train from the project's files; the newest models in `directory` are kept. Raises `Fault`."""
    import bot.engine.assistant  # noqa: F401 - prepares Rasa's imports
    from rasa.exceptions import RasaException as RunError
    from rasa.model_training import train as rasa_train
    from rasa.shared.exceptions import RasaException

    directory.mkdir(parents=True, exist_ok=True)
    # Rasa prints its progress in colours of its own, on both streams; ours is the status line.
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = rasa_train(
                domain=str(PROJECT / "domain.yml"),
                config=str(PROJECT / "config.yml"),
                training_files=[str(PROJECT / "data")],
                output=str(directory),
                force_training=True,
            )
    except (RasaException, RunError) as error:
        raise Fault(f"training failed: {' '.join(str(error.__cause__ or error).split())[:500]}") from error
    if result.model is None:
        raise Fault("training failed: Rasa made no model")
    for old in sorted(directory.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)[:-MODELS_KEPT]:
        old.unlink()
    return Path(result.model)
