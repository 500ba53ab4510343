"""`releve evaluate`: runs the trained model over labelled messages and prints how well it understands them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from actions.lost import proposed
from bot.datacheck import intents_of
from bot.engine.assistant import Assistant
from bot.faults import Fault
from bot.service import LOCALES
from bot.settings import PROJECT, Settings
from nlu.calibration import REFUSED_OUT_OF_SCOPE, Certainty
from nlu.evaluation import (
    Decisions,
    Evaluation,
    Labelled,
    OutOfScope,
    Share,
    Understood,
    evaluate,
    labelled,
)
from nlu.normalise import clean

MESSAGES = Path("tests/understanding/messages.tsv")
"""Held out: written apart from the training data, and never trained on."""


def run(settings: Settings, file: Path | None, *, as_json: bool, min_words: int) -> None:
    """Evaluate the newest model on `file` and print the figures. Raises `Fault` and `NoModel`."""
    path = PROJECT / MESSAGES if file is None else file
    name = str(MESSAGES if file is None else file)
    messages = read(path, name)
    assistant = Assistant.load(settings.model_dir, LOCALES)
    with Console(stderr=True).status(f"Parsing {len(messages)} messages"):
        found = evaluate(understood(assistant, messages), min_words)
    console = Console(highlight=False, markup=False)
    if as_json:
        described = {"file": name, "model": assistant.model_name, **asdict(found)}
        console.out(json.dumps(described, ensure_ascii=False))
    else:
        console.print(f"{name}, {found.messages} messages, model {assistant.model_name}")
        print_all(console, found)


def read(path: Path, name: str) -> list[Labelled]:
    """The messages of a file. Raises `Fault`, one line with `name` and where it says what is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Fault(f"{name}: {error.strerror or 'cannot be read'}") from error
    try:
        lines = content.decode("utf-8-sig").split("\n")
        messages = list(labelled(lines, name, intents_of(PROJECT)))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Fault(f"{name}:{line}: not UTF-8") from error
    except ValueError as error:
        raise Fault(str(error)) from error
    if not messages:
        raise Fault(f"{name}: no message to evaluate")
    return messages


def understood(assistant: Assistant, messages: Sequence[Labelled]) -> list[Understood]:
    """What the assistant makes of each message, by itself: no conversation before it."""
    assistant.parse(messages[0].text)  # so that nothing is built for the first time while the clock runs
    return [_understood(assistant, message) for message in messages]


def _understood(assistant: Assistant, message: Labelled) -> Understood:
    started = time.perf_counter()
    parse = assistant.parse(clean(message.text))
    seconds = time.perf_counter() - started
    return Understood(
        message=message,
        language=parse.get("language"),  # Rasa leaves out what is None
        intent=parse["intent"]["name"],
        confidence=parse["intent"]["confidence"],
        outside=parse["outside"],
        certainty=Certainty(parse["certainty"]),
        offered=tuple(proposed(parse["intent_ranking"])),
        seconds=seconds,
    )


def print_all(console: Console, found: Evaluation) -> None:
    """Every figure as aligned columns, the confusions with their texts last."""
    for table in _tables(found):
        console.print()
        console.print(table)
    console.print()
    console.print(f"Parse time: median {found.median_ms:.1f} ms, 95th percentile {found.p95_ms:.1f} ms")
    for confusion in found.confusions:
        console.print()
        console.print(f"{confusion.count} x {confusion.intent} taken for {confusion.taken_for}")
        for each in confusion.mistakes:
            # One line a text, whatever the width: it is looked for in the file, or piped to another program.
            line = f"  {each.confidence:.2f} {each.certainty:<6} {each.language:<8} {each.text}"
            console.print(line, soft_wrap=True)


def _tables(found: Evaluation) -> Iterator[Table]:
    yield _accuracy(found)
    yield _languages(found)
    if found.out_of_scope is not None:
        yield _out_of_scope({"all": found.out_of_scope, **found.out_of_scope_by_language})
    yield _decisions({"all": found.decisions, **found.decisions_by_language})
    yield _reliability(found)
    yield _intents(found)


def _table(title: str, *columns: str) -> Table:
    """The first column is words, the others figures."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    return table


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{100 * part:.1f} %"


def _figures(share: Share) -> tuple[str, str, str]:
    """How many, the share, and its interval."""
    interval = "-" if share.low is None or share.high is None else f"{100 * share.low:.1f} - {100 * share.high:.1f}"
    return str(share.of), _percent(share.share), interval


def _accuracy(found: Evaluation) -> Table:
    table = _table("Intents", "language", "messages", "accuracy", "95 % interval")
    for name, share in {"all": found.accuracy, **found.accuracy_by_language}.items():
        table.add_row(name, *_figures(share))
    return table


def _languages(found: Evaluation) -> Table:
    languages = found.languages
    table = _table("Language identification", "messages of", "messages", "found", "95 % interval")
    table.add_row("any length", *_figures(languages.every))
    table.add_row(f"{languages.min_words} words or more", *_figures(languages.long))
    for name, share in languages.long_by_language.items():
        table.add_row(f"  {name}", *_figures(share))
    for language, taken_for, count in languages.confusions:
        table.add_row(f"  {language} taken for {taken_for or 'none'}", str(count))
    return table


def _out_of_scope(groups: dict[str, OutOfScope]) -> Table:
    columns = ("AUROC", "threshold", "in scope refused", "as set up", "others refused", "others acted upon")
    table = _table(f"Out of scope (threshold that refuses {REFUSED_OUT_OF_SCOPE:.0%})", "language", *columns)
    for name, group in groups.items():
        shares = (group.refused_at_threshold, group.refused, group.recognised, group.acted_upon)
        figures = (_percent(each.share) for each in shares)
        table.add_row(name, f"{group.auroc:.3f}", f"{group.threshold:.3f}", *figures)
    return table


def _decisions(groups: dict[str, Decisions]) -> Table:
    columns = ("sure", "unsure", "lost", "right when sure", "offered when unsure")
    table = _table("What would be done", "language", *columns)
    for name, group in groups.items():
        shares = (group.sure, group.unsure, group.lost, group.right_when_sure, group.offered_when_unsure)
        table.add_row(name, *(_percent(each.share) for each in shares))
    return table


def _reliability(found: Evaluation) -> Table:
    title = f"Calibration (expected error {found.reliability.expected_error:.3f})"
    table = _table(title, "confidence", "messages", "mean confidence", "right")
    for band in found.reliability.bands:
        table.add_row(
            f"{band.low:.1f} - {band.high:.1f}", str(band.count), f"{band.confidence:.3f}", f"{band.right:.3f}"
        )
    return table


def _intents(found: Evaluation) -> Table:
    macro = "-" if found.macro_f1 is None else f"{found.macro_f1:.3f}"
    table = _table(f"By intent (mean F1 {macro})", "intent", "precision", "recall", "F1", "messages")
    for each in found.intents:
        figures = (each.precision, each.recall, each.f1)
        table.add_row(each.intent, *("-" if f is None else f"{f:.3f}" for f in figures), str(each.support))
    return table
