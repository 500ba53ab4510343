"""Faults that strike real processes: nothing lost, nothing doubled, in order, and recovered without anybody's help.

The room is the measurement's, `bench/faultroom`. `RELEVE_FAULTS=all` tries every fault, or name some with commas.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.faultroom.faults import BY_NAME
from bench.faultroom.room import NoMount, tried

MESSAGES = 20
ALWAYS = ("killed-of-two:sqlite", "database-restarts:postgresql")
"""Half a minute each."""


def chosen() -> list[tuple[str, str]]:
    wanted = os.environ.get("RELEVE_FAULTS", "")
    if not wanted:
        return [(name, engine) for name, _, engine in (each.partition(":") for each in ALWAYS)]
    names = list(BY_NAME) if wanted == "all" else wanted.split(",")
    return [(name, engine) for name in names for engine in BY_NAME[name].engines]


@pytest.mark.parametrize(("name", "engine"), chosen())
async def test_nothing_is_lost_or_doubled(name: str, engine: str, model: Path, tmp_path: Path) -> None:
    try:
        counts = await tried(BY_NAME[name], engine, tmp_path, model, MESSAGES)
    except NoMount as error:
        pytest.skip(str(error))
    assert counts.is_clean, counts
