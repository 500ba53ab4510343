"""What the assistant understood of a message, in the words of whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.desk.conversations.visible import visible
from bot.desk.intent_words import intent_name
from bot.desk.wording import N_, translate

ENTITIES: Mapping[str, str] = {
    "reading": N_("relevé"),
    "photo": N_("lu sur la photo"),
    "contract": N_("contrat"),
    "meter": N_("compteur"),
    "amount": N_("montant"),
    "date": N_("date"),
    "count": N_("nombre de paiements"),
    "utility": N_("service"),
    "register": N_("cadran"),
    "language": N_("langue"),
    "danger": N_("danger"),
    "anger": N_("mécontentement"),
    "commune": N_("commune"),
}


@dataclass(frozen=True, slots=True)
class Understanding:
    """`intent` and the names of `entities` and `others` are in the reader's words; confidences are 0 to 1."""

    intent: str
    confidence: float
    is_sure: bool
    entities: list[tuple[str, str]]
    others: list[tuple[str, float]]


def understanding_of(kept: Mapping[str, Any] | None, language: str) -> Understanding | None:
    """What is kept with a message (`Message.understood`); None when nothing was to be understood."""
    if not kept or not kept.get("intent"):
        return None
    intent = str(kept["intent"])
    return Understanding(
        intent=translate(language, intent_name(intent)),
        confidence=float(kept.get("confidence") or 0),
        is_sure=kept.get("certainty") in (None, "sure"),
        entities=[
            (translate(language, ENTITIES.get(str(name), str(name))), visible(str(value)))
            for name, value in kept.get("entities", ())
        ],
        others=[
            (translate(language, intent_name(str(name))), float(confidence))
            for name, confidence in kept.get("ranking", ())
            if name != intent
        ],
    )
