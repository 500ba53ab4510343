"""What the assistant understood of a message, in the words of whoever looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.desk.conversations.visible import visible
from bot.desk.wording import N_, translate
from bot.engine.texts import MissingText, Texts

SMALL_TALK: Mapping[str, str] = {
    "greet": N_("Salutation"),
    "goodbye": N_("Au revoir"),
    "thank": N_("Remerciement"),
    "affirm": N_("Oui"),
    "deny": N_("Non"),
    "cancel": N_("Annuler"),
    "out_of_scope": N_("Hors sujet"),
    "nlu_fallback": N_("Pas compris"),
}
"""Intents that no customer chooses from a list, and that have no name among the texts."""
ENTITIES: Mapping[str, str] = {
    "reading": N_("relevé"),
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


def understanding_of(kept: Mapping[str, Any] | None, texts: Texts, language: str) -> Understanding | None:
    """What is kept with a message (`Message.understood`); None when nothing was to be understood."""
    if not kept or not kept.get("intent"):
        return None
    intent = str(kept["intent"])
    return Understanding(
        intent=intent_name(intent, texts, language),
        confidence=float(kept.get("confidence") or 0),
        is_sure=kept.get("certainty") in (None, "sure"),
        entities=[
            (translate(language, ENTITIES.get(str(name), str(name))), visible(str(value)))
            for name, value in kept.get("entities", ())
        ],
        others=[
            (intent_name(str(name), texts, language), float(confidence))
            for name, confidence in kept.get("ranking", ())
            if name != intent
        ],
    )


def intent_name(intent: str, texts: Texts, language: str) -> str:
    """What a customer wants, in the reader's language; the intent's own name when it has none."""
    if intent in SMALL_TALK:
        return translate(language, SMALL_TALK[intent])
    try:
        return str(texts.render(f"utter_intent_{intent}", language, "", {})["text"])
    except MissingText:
        return intent
