"""What the messages of a table name, variety by variety: `entities/LANG.yml`."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from nlu.entities import find

TABLES = {path.stem: path for path in sorted((Path(__file__).parent / "entities").glob("*.yml"))}
FEWEST_CASES = 100


def cases(variety: str) -> list[dict[str, Any]]:
    with TABLES[variety].open(encoding="utf-8") as file:
        table: list[dict[str, Any]] = yaml.safe_load(file)
    return table


def named(text: str, today: date) -> list[list[str]]:
    """Entity and value of everything found, but for second readings of the same characters."""
    return [[each["entity"], each["value"]] for each in find(text, today) if "alternative" not in each]


@pytest.mark.parametrize(
    ("text", "today", "entities"),
    [
        pytest.param(case["text"], case["today"], case["entities"], id=f"{variety}: {case['text']}")
        for variety in TABLES
        for case in cases(variety)
    ],
)
def test_what_a_message_names(text: str, today: date, entities: list[list[str]]) -> None:
    assert named(text, today) == entities


def test_every_variety_has_a_table() -> None:
    assert set(TABLES) == {"fr", "en", "ar", "ary", "ary-Latn"}
    assert all(len(cases(variety)) >= FEWEST_CASES for variety in TABLES)
