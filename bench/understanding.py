"""What is understood: Relève beside Rasa's pipelines, trained on the same examples, on the same held-out messages.

`uv run python bench/understanding.py`; `bench/README.md` explains.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.table import Table

from bench.sides import STOCK, environment, install, stock_program
from bench.stock.project import Recipe, nlu_examples, nlu_pipeline
from bot.engine.assistant import Assistant
from bot.evaluation import MESSAGES, read, understood
from bot.service import LOCALES
from bot.settings import PROJECT
from nlu.calibration import Certainty
from nlu.evaluation import Evaluation, Labelled, Understood, evaluate
from nlu.examples import load
from nlu.normalise import normalise

CACHE = PROJECT / ".cache" / "bench" / "understanding"
RESULTS = PROJECT / "bench" / "results" / "understanding.json"
SIDES = ("releve", "default", "logistic")
WIDE = 150
"""Columns of the table in a file."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Measured:
    """One pipeline: what it understood, and what that cost."""

    side: str
    what: str
    training_seconds: float
    parses: list[Understood]


def releve(messages: Sequence[Labelled], epochs: int) -> Measured:
    """Train with `releve train`, then parse in this process, on one core as the others."""
    with tempfile.TemporaryDirectory() as folder:
        env = environment() | {"RELEVE_MODEL_DIR": folder, "XDG_CACHE_HOME": folder}  # nothing trained before
        began = time.perf_counter()
        subprocess.run(["releve", "train"], cwd=PROJECT, env=env, check=True)
        seconds = time.perf_counter() - began
        assistant = Assistant.load(Path(folder), LOCALES)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        parses = understood(assistant, messages)
    finally:
        os.sched_setaffinity(0, cores)
    return Measured("releve", "Relève", seconds, parses)


def default(messages: Sequence[Labelled], epochs: int) -> Measured:
    what = f"Rasa's default pipeline, DIET {epochs} epochs"
    return stock("default", what, nlu_pipeline(Recipe(epochs)), messages)


def logistic(messages: Sequence[Labelled], epochs: int) -> Measured:
    """Rasa's featurizers under its own logistic regression: what a team short of time would take."""
    featurizers = [each for each in nlu_pipeline(Recipe(epochs)) if "Featurizer" in each["name"]]
    pipeline = [
        {"name": "WhitespaceTokenizer"},
        *featurizers,
        {"name": "LogisticRegressionClassifier", "max_iter": 200},
    ]
    return stock("logistic", "Rasa's featurizers, logistic regression", pipeline, messages)


def stock(side: str, what: str, pipeline: list[dict[str, Any]], messages: Sequence[Labelled]) -> Measured:
    """Train and parse in the stock environment; what it does not find confident counts as its best guess."""
    install()
    config = yaml.safe_dump({"recipe": "default.v1", "language": "fr", "pipeline": pipeline}, sort_keys=False)
    examples = nlu_examples()
    folder = CACHE / f"{side}-{hashlib.sha256((config + examples).encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in ("config.yml", "nlu.yml", "models", "messages.json", "results.json")]
    paths[0].write_text(config, encoding="utf-8")
    paths[1].write_text(examples, encoding="utf-8")
    paths[3].write_text(json.dumps([message.text for message in messages]), encoding="utf-8")
    command = [stock_program("python"), STOCK / "understand.py", *paths]
    subprocess.run(command, env=environment(), stdout=subprocess.DEVNULL, check=True)  # stock logs every parse there
    found = json.loads(paths[4].read_text(encoding="utf-8"))
    parses = [
        Understood(message, None, p["name"], p["confidence"], p["outside"], Certainty.SURE, (), p["seconds"])
        for message, p in zip(messages, found["parses"], strict=True)
    ]
    return Measured(side, what, found["training_seconds"], parses)


MEASURES: dict[str, Callable[[Sequence[Labelled], int], Measured]] = {
    "releve": releve,
    "default": default,
    "logistic": logistic,
}


@app.command()
def main(
    sides: Annotated[str, typer.Option(help="Which to measure, separated by commas.")] = ",".join(SIDES),
    epochs: Annotated[int, typer.Option(help="Epochs of DIET; Rasa's default is 100.")] = 100,
    file: Annotated[Path, typer.Option(help="Labelled messages, as for `releve evaluate`.")] = PROJECT / MESSAGES,
) -> None:
    """Train each side on data/nlu, let each parse the held-out messages, and print one table."""
    if unknown := set(sides.split(",")) - set(SIDES):
        raise typer.BadParameter(f"no side {', '.join(sorted(unknown))}: choose among {', '.join(SIDES)}")
    messages = read(file, file.name)
    results = [MEASURES[side](messages, epochs) for side in sides.split(",")]
    Console(width=None if sys.stdout.isatty() else WIDE).print(table(results))
    described = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "messages": len(messages),
        "sides": [{"side": each.side, "what": each.what, **figures(each)} for each in results],
    }
    RESULTS.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def figures(measured: Measured) -> dict[str, Any]:
    found = evaluate(measured.parses)
    milliseconds = [1000 * parse.seconds for parse in measured.parses]
    cuts = quantiles(milliseconds, n=20)
    return {
        "accuracy": {language: round(s.share or 0, 4) for language, s in found.accuracy_by_language.items()},
        "all": round(found.accuracy.share or 0, 4),
        "unseen": round(evaluate(unseen(measured.parses)).accuracy.share or 0, 4),
        "out_of_scope_auroc": round(found.out_of_scope.auroc, 4) if found.out_of_scope else None,
        "refused_in_scope": refused(found),
        "parse_ms": {"median": round(cuts[9], 2), "p95": round(cuts[18], 2)},
        "training_seconds": round(measured.training_seconds, 1),
    }


def unseen(parses: Sequence[Understood]) -> list[Understood]:
    """Without the messages that a training example happens to equal."""
    known = {_words(example.text) for example in load(PROJECT / "data" / "nlu")}
    return [parse for parse in parses if _words(parse.message.text) not in known]


def _words(text: str) -> str:
    return " ".join(normalise(text).split()).strip(" .!?,")


def refused(found: Evaluation) -> float | None:
    """Share of our customers' messages refused where 90 % of the others are."""
    return round(found.out_of_scope.refused_at_threshold.share or 0, 4) if found.out_of_scope else None


def table(results: Sequence[Measured]) -> Table:
    rows = [(each.what, figures(each)) for each in results]
    languages = sorted({language for _, row in rows for language in row["accuracy"]})
    printed = Table(title="Held-out messages: share understood")
    for column in ("", *languages, "all", "unseen", "AUROC", "refused", "parse ms, median / p95", "training s"):
        printed.add_column(column, justify="right" if column else "left")
    for what, row in rows:
        shares = [f"{row['accuracy'].get(language, 0):.3f}" for language in languages]
        parse = f"{row['parse_ms']['median']} / {row['parse_ms']['p95']}"
        printed.add_row(
            what,
            *shares,
            f"{row['all']:.3f}",
            f"{row['unseen']:.3f}",
            f"{row['out_of_scope_auroc']:.3f}",
            f"{row['refused_in_scope']:.3f}",
            parse,
            f"{row['training_seconds']:.0f}",
        )
    return printed


if __name__ == "__main__":
    app()
