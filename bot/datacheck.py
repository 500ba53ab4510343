"""What is wrong in the designers' files, with file and line: training data, rules, communes and the domain.

Errors are in `check`. Doubts about the examples are in `bot.sending.doubts`: they never keep a model from being
trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from nlu import communes
from nlu.language import LANGUAGES
from nlu.normalise import clean


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. Only an error keeps the model from being trained."""

    file: str
    line: int
    message: str
    is_error: bool = True
    kind: str = "other"
    """What sort of warning it is: those of a kind are counted together."""
    weight: float = 0.5
    """How much a warning matters, from 0 to 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Example:
    """One training example and where it stands."""

    intent: str
    language: str
    text: str
    file: str
    line: int


def check(project: Path) -> list[Problem]:
    """All problems of the project's domain, training data, rules and communes, in the order of the files."""
    problems: list[Problem] = []
    domain = _load(project / "domain.yml", project, problems)
    intents = set((domain or {}).get("intents") or ())
    actions = set((domain or {}).get("actions") or ()) | set((domain or {}).get("responses") or ())
    actions |= set((domain or {}).get("forms") or ())
    examples: list[Example] = []
    for path in sorted((project / "data" / "nlu").rglob("*.yml")):
        examples += _examples(path, project, problems)
    problems += _unknown_intents(examples, intents)
    problems += _without_examples(examples, intents)
    problems += _repeated(examples)
    for path in sorted((project / "data" / "rules").rglob("*.yml")):
        problems += _rules(path, project, intents | {"nlu_fallback"}, actions)
    problems += _communes(project / "data" / "communes.yml", project)
    return problems


def intents_of(project: Path) -> frozenset[str]:
    """The closed list in the domain; empty when it cannot be read."""
    domain = _load(project / "domain.yml", project, [])
    return frozenset((domain or {}).get("intents") or ())


def _load(path: Path, project: Path, problems: list[Problem]) -> Any:
    name = str(path.relative_to(project))
    try:
        return YAML(typ="rt").load(path)
    except FileNotFoundError:
        problems.append(Problem(name, 1, "the file is missing"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problems.append(Problem(name, line, f"not valid YAML: {error.problem or error.context}"))
    return None


def _examples(path: Path, project: Path, problems: list[Problem]) -> Iterator[Example]:
    name = str(path.relative_to(project))
    content = _load(path, project, problems)
    for block in (content or {}).get("nlu") or ():
        intent = block.get("intent")
        line = block.lc.line + 1
        if not intent:
            problems.append(Problem(name, line, "only blocks with an `intent` are used here"))
            continue
        language = (block.get("metadata") or {}).get("language")
        if language not in LANGUAGES:
            problems.append(
                Problem(name, line, f"intent {intent}: metadata.language must be one of {', '.join(LANGUAGES)}")
            )
            continue
        first = block.lc.data["examples"][2] + 2
        for offset, raw in enumerate(str(block.get("examples") or "").splitlines()):
            if not raw.strip():
                continue
            if not raw.startswith("- "):
                problems.append(Problem(name, first + offset, "an example starts with '- '"))
                continue
            text = raw[2:].strip()
            if clean(text) == "":
                problems.append(Problem(name, first + offset, "an example without any text"))
            elif "](" in text:
                problems.append(
                    Problem(name, first + offset, "entities are found by rule: write plain text, no [x](y)")
                )
            else:
                yield Example(str(intent), str(language), text, name, first + offset)


def _unknown_intents(examples: list[Example], intents: set[str]) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    for each in examples:
        if each.intent not in intents and (each.file, each.intent) not in told:
            told.add((each.file, each.intent))
            yield Problem(each.file, each.line, f"intent {each.intent} is not in domain.yml")


def _without_examples(examples: list[Example], intents: set[str]) -> Iterator[Problem]:
    for intent in sorted(intents - {each.intent for each in examples}):
        yield Problem("domain.yml", 1, f"intent {intent} has no example in data/nlu/")


def _repeated(examples: list[Example]) -> Iterator[Problem]:
    """The same words under two intents confuse; twice under one they only weigh more."""
    seen: dict[str, Example] = {}
    for each in examples:
        key = " ".join(clean(each.text).casefold().split())
        first = seen.setdefault(key, each)
        if first is each or first.language != each.language:
            continue
        where = f"{first.file}:{first.line}"
        if first.intent != each.intent:
            yield Problem(each.file, each.line, f"also an example of {first.intent} at {where}: {each.text}")
        else:
            yield Problem(
                each.file, each.line, f"repeats {where}: {each.text}", is_error=False, kind="repeated", weight=0.3
            )


def _rules(path: Path, project: Path, intents: set[str], actions: set[str]) -> Iterator[Problem]:
    problems: list[Problem] = []
    name = str(path.relative_to(project))
    content = _load(path, project, problems)
    yield from problems
    for rule in (content or {}).get("rules") or ():
        for step in rule.get("steps") or ():
            line = step.lc.line + 1
            if "intent" in step and step["intent"] not in intents:
                yield Problem(name, line, f"intent {step['intent']} is not in domain.yml")
            if "action" in step and step["action"] not in actions:
                yield Problem(name, line, f"action {step['action']} is neither an action, a response nor a form")


_COMMUNE_KEYS = {"name": str, "ar": str, "also": list, "words": list}


def _communes(path: Path, project: Path) -> Iterator[Problem]:
    """A spelling names one commune: that of two would send a customer to the wrong one."""
    problems: list[Problem] = []
    name = str(path.relative_to(project))
    content = _load(path, project, problems)
    yield from problems
    if problems:
        return
    if not isinstance(content, dict) or not isinstance(content.get("communes"), list):
        yield Problem(name, 1, "wanted: a list of `communes`")
        return
    owners: dict[str, str] = {}
    for at, commune in enumerate(content["communes"]):
        line = content["communes"].lc.item(at)[0] + 1
        if not isinstance(commune, dict) or not {"name", "ar"} <= set(commune):
            yield Problem(name, line, "a commune has a `name` and its Arabic name `ar`")
            continue
        wrong = [key for key in commune if not isinstance(commune[key], _COMMUNE_KEYS.get(str(key), ()))]
        if wrong:
            yield Problem(name, line, f"{commune['name']}: {wrong[0]} is not known, or not of the right kind")
            continue
        yield from (Problem(name, line, f"{commune['name']}: {each}") for each in _spelling_problems(commune, owners))


def _spelling_problems(commune: dict[str, Any], owners: dict[str, str]) -> Iterator[str]:
    """What is wrong with the spellings of one commune; `owners` are those of the communes before it."""
    written = [commune["name"], commune["ar"], *commune.get("also", ()), *commune.get("words", ())]
    if not_text := [each for each in written if not isinstance(each, str)]:
        yield f"a spelling is not text: {not_text[0]}"
        return
    for spelling in sorted({communes.key_of(each) for each in written}):
        if not spelling:
            yield "a spelling without any letter"
        elif (owner := owners.setdefault(spelling, commune["name"])) != commune["name"]:
            yield f"a spelling of {owner} too: {spelling}"
