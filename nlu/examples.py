"""The training examples in `data/nlu/`, read without Rasa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Example:
    """One example and where it stands."""

    text: str
    intent: str
    language: str
    file: Path
    line: int


def load(folder: Path) -> list[Example]:
    """All examples of the `*.yml` files under `folder`, in the order of file names.

    Raises `ValueError` naming the file when one is not in Rasa's NLU form with a `language` for each intent.
    """
    return [example for file in sorted(folder.rglob("*.yml")) for example in _read(file)]


def _read(file: Path) -> Iterator[Example]:
    try:
        # Composed rather than loaded: nodes know their line.
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise ValueError(f"{file}: no `nlu:` list")
    for entry in _entries(root):
        fields = {key.value: value for key, value in entry.value}
        missing = {"intent", "metadata", "examples"} - fields.keys()
        line = entry.start_mark.line + 1
        if missing:
            raise ValueError(f"{file}:{line}: without {', '.join(sorted(missing))}")
        language = {key.value: value.value for key, value in fields["metadata"].value}.get("language")
        if not language:
            raise ValueError(f"{file}:{line}: metadata without language")
        first = fields["examples"].start_mark.line + 2  # the line after `examples: |`
        for offset, text in enumerate(fields["examples"].value.splitlines()):
            if text.startswith("- "):
                yield Example(text[2:].strip(), fields["intent"].value, language, file, first + offset)


def _entries(root: yaml.MappingNode) -> list[yaml.MappingNode]:
    nlu = next((value for key, value in root.value if key.value == "nlu"), None)
    items = nlu.value if isinstance(nlu, yaml.SequenceNode) else []
    return [item for item in items if isinstance(item, yaml.MappingNode)]
