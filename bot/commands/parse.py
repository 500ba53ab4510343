"""`releve parse`: what the assistant understands, for designers and for evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.engine.assistant import Assistant
from bot.service import LOCALES
from bot.settings import Settings
from nlu import asides
from nlu.normalise import clean

ENTITY_KEYS = ("entity", "value", "start", "end", "register")


def parsed_lines(settings: Settings, texts: Iterable[str], *, as_json: bool) -> Iterator[str]:
    """One line a text. Raises `NoModel`."""
    assistant = Assistant.load(settings.model_dir, LOCALES)
    for text in texts:
        found = understanding(assistant, text)
        if as_json:
            yield json.dumps(found, ensure_ascii=False)
        else:
            entities = ", ".join(f"{each['entity']}={each['value']}" for each in found["entities"])
            yield f"{found['intent']} {found['confidence']:.2f} [{found['language']}] {entities}".rstrip()


def understanding(assistant: Assistant, text: str) -> dict[str, Any]:
    """The parse of one text under the keys `text`, `language`, `intent`, `confidence`, `entities`."""
    cleaned = clean(text)
    parse = assistant.parse(cleaned)
    intent = parse.get("intent") or {}
    return {
        "text": text,
        "language": parse.get("language"),
        "intent": intent.get("name"),
        "confidence": round(float(intent.get("confidence") or 0.0), 4),
        "certainty": parse.get("certainty"),
        "entities": [
            {key: each[key] for key in ENTITY_KEYS if each.get(key) is not None}
            for each in parse["entities"]
            # Left out: a second reading of characters that are another entity already, and what only dialogues use.
            if "alternative" not in each and each["entity"] not in asides.NAMES
        ],
    }
