"""A YAML file of ours, read so that whatever is wrong with it is said as `file:line: what`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import yaml

_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,9})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class TariffError(ValueError):
    """A tariff file says something that cannot be; the message is one line, `file:line: what`."""


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the file. `name` is the way there: `charges.energy.price`."""

    path: Path
    name: str
    yaml: yaml.Node

    @classmethod
    def read(cls, path: Path) -> Node:
        """The whole file. Raises TariffError."""
        try:
            root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise TariffError(f"{path}:{line}: {error.problem}") from error
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise TariffError(f"{path}: {' '.join(str(error).split())}") from error
        if root is None:
            raise TariffError(f"{path}:1: the file is empty")
        return cls(path, "", root)

    def fail(self, what: str) -> NoReturn:
        """Raise TariffError for this place."""
        where = f"{self.name}: " if self.name else ""
        raise TariffError(f"{self.path}:{self.yaml.start_mark.line + 1}: {where}{what}")

    @property
    def is_list(self) -> bool:
        return isinstance(self.yaml, yaml.SequenceNode)

    def items(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping that is not empty; each key once."""
        if not isinstance(self.yaml, yaml.MappingNode) or not self.yaml.value:
            self.fail("must be a mapping with something in it")
        seen: set[str] = set()
        for key, value in self.yaml.value:
            word = Node(self.path, self.name, key).text()
            name = f"{self.name}.{word}".lstrip(".")
            there = Node(self.path, name, key)
            if word in seen:
                there.fail("is there twice")
            seen.add(word)
            yield there, Node(self.path, name, value)

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, Node]:
        """The values of a mapping whose keys are known beforehand."""
        found: dict[str, Node] = {}
        for key, value in self.items():
            if key.text() not in {*required, *optional}:
                key.fail(f"unknown key; known are {', '.join([*required, *optional])}")
            found[key.text()] = value
        missing = [key for key in required if key not in found]
        if missing:
            self.fail(f"{', '.join(missing)} missing")
        return found

    def list(self) -> Iterator[Node]:
        if not isinstance(self.yaml, yaml.SequenceNode) or not self.yaml.value:
            self.fail("must be a list with something in it")
        for position, value in enumerate(self.yaml.value, start=1):
            yield Node(self.path, f"{self.name}[{position}]", value)

    def text(self) -> str:
        if not isinstance(self.yaml, yaml.ScalarNode) or not self.yaml.value.strip():
            self.fail("must be a text")
        return str(self.yaml.value).strip()

    def choice(self, choices: Collection[str]) -> str:
        """One of `choices`."""
        if self.text() not in choices:
            self.fail(f"must be one of {', '.join(choices)}, not {self.text()!r}")
        return self.text()

    def flag(self) -> bool:
        return self.choice(("true", "false")) == "true"

    def decimal(self) -> Decimal:
        """A number as it is written, so that 0.9010 is exact with or without quotes; never negative."""
        if not _DECIMAL.fullmatch(self.text()):
            self.fail(f"must be a number such as 0.9010, not {self.text()!r}")
        return Decimal(self.text())

    def day(self) -> date:
        try:
            if _DATE.fullmatch(self.text()):
                return date.fromisoformat(self.text())
        except ValueError:
            pass
        self.fail(f"must be a date such as 2026-01-01, not {self.text()!r}")
