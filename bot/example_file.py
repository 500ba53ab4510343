"""What supervisors labelled, as files in the form of `data/nlu/`, for a designer to read and move there.

Nothing is learnt by itself: people label in a hurry, and customers try things on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from pathlib import Path

from billing.calendar import local_day
from nlu.examples import load
from nlu.normalise import clean
from store.database import Database
from store.desk_models import LabelledExample
from store.labels import examples, mark_exported


async def write_review(
    database: Database, folder: Path, data: Path, now: datetime, *, again: bool = False
) -> list[str]:
    """Write a file a language to `folder`, and note that they were written; a line to say of each file.

    `data` holds the examples that there are: what they have is left out, and what they say otherwise is written as a
    comment, so that a file is fit for `releve train` as it is. Raises `OSError`, and `ValueError` when `data` cannot
    be read.
    """
    known = {_key(each.text, each.language): each.intent for each in load(data)}
    said = []
    async with database.writing() as session:
        taken = await examples(session, again=again)
        for language, group in groupby(taken, key=lambda each: each.language):
            labelled = list(group)
            path = _written(folder, f"{language}-{local_day(now)}", review(language, labelled, known))
            said.append(f"{path}: {len(labelled)}")
        if taken:
            await mark_exported(session, taken, now)
    return said


def review(language: str, labelled: Iterable[LabelledExample], known: Mapping[str, str]) -> str:
    """The file of one language. `known` says which intent the words of an example have already."""
    seen = dict(known)
    kept: defaultdict[str, list[str]] = defaultdict(list)
    doubts: list[str] = []
    for each in labelled:
        text = " ".join(each.text.split())
        key = _key(text, language)
        is_new = key not in seen
        before = seen.setdefault(key, each.intent)
        if before != each.intent:
            doubts.append(f"# {each.intent}, but an example of {before} already: {text}")
        elif is_new:
            kept[each.intent].append(text)
    lines = ['version: "3.1"', "nlu:" if kept else "nlu: []"]
    for intent, texts in sorted(kept.items()):
        lines += [f"- intent: {intent}", "  metadata:", f"    language: {language}", "  examples: |"]
        lines += [f"    - {text}" for text in texts]
    return "\n".join([*doubts, *lines]) + "\n"


def _key(text: str, language: str) -> str:
    """What makes two examples the same: as `bot.datacheck` compares them, within a language."""
    return f"{language} {' '.join(clean(text).casefold().split())}"


def _written(folder: Path, name: str, content: str) -> Path:
    """Write a file that is not there yet: nothing that a designer has begun to read is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    path, number = folder / f"{name}.yml", 2
    while path.exists():
        path, number = folder / f"{name}-{number}.yml", number + 1
    path.write_text(content, encoding="utf-8")
    return path
