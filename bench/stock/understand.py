"""Trains an NLU pipeline of stock Rasa and parses messages one by one; runs in the stock environment.

    python understand.py CONFIG NLU MODELS MESSAGES RESULTS

MESSAGES is a JSON list of texts. RESULTS gets `{"training_seconds": …, "parses": [{"name", "confidence", "outside",
"seconds"}, …]}`, a parse for each text. A model that MODELS already holds is not trained again.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from rasa.core.agent import Agent
from rasa.model_training import train_nlu

WARM_UP = 20


def trained(config: str, nlu: str, models: Path) -> tuple[Path, float]:
    """The model and how long its training took."""
    model, clock = models / "nlu.tar.gz", models / "training_seconds"
    if not clock.exists():
        began = time.perf_counter()
        if train_nlu(config, nlu, str(models), fixed_model_name="nlu") is None:
            sys.exit("stock Rasa trained no model")
        clock.write_text(str(time.perf_counter() - began))
    return model, float(clock.read_text())


async def parses(model: Path, texts: list[str]) -> list[dict[str, object]]:
    agent = Agent.load(str(model))
    for text in texts[:WARM_UP]:
        await agent.parse_message(text)
    found = []
    for text in texts:
        started = time.perf_counter()
        parse = await agent.parse_message(text)
        seconds = time.perf_counter() - started
        # The fallback puts its own name first; what the classifier thought comes after it.
        ranking = [each for each in parse["intent_ranking"] if each["name"] != "nlu_fallback"]
        best = ranking[0] if ranking else {"name": "nlu_fallback", "confidence": 0.0}
        outside = next((each["confidence"] for each in ranking if each["name"] == "out_of_scope"), 0.0)
        found.append({**best, "outside": outside, "seconds": seconds})
    return found


def main(config: str, nlu: str, models: str, messages: str, results: str) -> None:
    model, seconds = trained(config, nlu, Path(models))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # parse time is of one core
    texts = json.loads(Path(messages).read_text(encoding="utf-8"))
    found = asyncio.run(parses(model, texts))
    Path(results).write_text(json.dumps({"training_seconds": seconds, "parses": found}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
