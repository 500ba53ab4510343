"""Examples drawn by hypothesis and tried in a loop that is already running."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

T = TypeVar("T")


async def tried(
    inputs: st.SearchStrategy[T], attempt: Callable[[T], Awaitable[None]], count: int, seed: int = 1
) -> int:
    """Make `attempt` with `count` examples, the same ones for a seed; the number of those there were."""
    drawn = examples(inputs, count, seed)
    for each in drawn:
        await attempt(each)
    return len(drawn)


def examples(inputs: st.SearchStrategy[T], count: int, seed: int = 1) -> list[T]:
    """What hypothesis tries: simple ones first, then whatever the strategy holds."""
    drawn: list[T] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def keep(example: T) -> None:
        drawn.append(example)

    state = random.getstate()
    try:
        keep()
    finally:
        random.setstate(state)
    return drawn
