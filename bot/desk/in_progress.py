"""What the assistant was doing when a person took over, and what it had been told: nobody asks twice.

Read from the dialogue's slots (`actions.drafts`, `actions.casework`, `actions.identity`), which hold JSON values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from billing.findings import Code
from bot.desk.reading_doubts import WITHOUT_FIGURES
from bot.desk.wording import N_
from bot.desk.words import REGISTERS, REQUEST_KINDS, UTILITIES
from bot.engine.texts import shown


@dataclass(frozen=True, slots=True)
class Told:
    """A thing the customer said: `label` is French, to be translated, and `value` too when it `is_word` of ours."""

    label: str
    value: str
    is_word: bool = False


@dataclass(frozen=True, slots=True)
class InProgress:
    """A form and what it holds. `since` is when it was put aside, None while it is open."""

    title: str
    told: tuple[Told, ...]
    asked: str | None = None
    since: datetime | None = None


TITLES: Mapping[str, str] = {
    **REQUEST_KINDS,
    "addition": N_("Complément à une demande"),
    "withdrawal": N_("Retrait d’une demande"),
}
LABELS: Mapping[str, str] = {
    "reference": N_("Demande"),
    "contract": N_("Contrat"),
    "utility": N_("Énergie"),
    "utilities": N_("Énergie"),
    "category": N_("Sujet"),
    "trouble": N_("Problème"),
    "scope": N_("Étendue"),
    "since": N_("Depuis"),
    "commune": N_("Commune"),
    "place": N_("Lieu"),
    "connection": N_("Branchement"),
    "premises": N_("Local"),
    "until": N_("Payer au plus tard le"),
    "parts": N_("Nombre de paiements"),
    "first": N_("Premier paiement"),
    "first_on": N_("Premier paiement le"),
    "bills": N_("Factures"),
    "reason": N_("Motif"),
    "name": N_("Nom"),
    "phone": N_("Téléphone"),
    "words": N_("Ses mots"),
    "said": N_("Ses mots"),
}
"""What a case may hold that tells something, in the order to tell it."""
VALUES: Mapping[str, Mapping[str, str]] = {
    "utility": UTILITIES,
    "utilities": UTILITIES,
    "category": {
        "bill": N_("Facture"),
        "reading": N_("Relevé"),
        "meter": N_("Compteur"),
        "service": N_("Accueil et service"),
        "cut": N_("Coupure"),
        "quality": N_("Qualité de la fourniture"),
        "leak": N_("Fuite"),
        "other": N_("Autre sujet"),
    },
    "trouble": {"cut": N_("Coupure"), "quality": N_("Qualité de la fourniture"), "leak": N_("Fuite")},
    "scope": {"home": N_("Chez lui seulement"), "street": N_("Toute la rue"), "unknown": N_("Ne sait pas")},
    "connection": {
        "new": N_("Nouveau branchement"),
        "takeover": N_("Reprise d’un compteur"),
        "temporary": N_("Branchement provisoire"),
    },
    "premises": {"home": N_("Logement"), "business": N_("Commerce"), "farm": N_("Exploitation agricole")},
}
ASKED: Mapping[str, str] = {
    "contract": N_("De quel contrat s’agit-il ?"),
    "contract_choice": N_("De quel contrat s’agit-il ?"),
    "utility": N_("Électricité ou eau ?"),
    "utilities": N_("Électricité ou eau ?"),
    "category": N_("Quel est le sujet de la réclamation ?"),
    "words": N_("Que s’est-il passé ?"),
    "commune": N_("Dans quelle commune ?"),
    "place": N_("À quel endroit ?"),
    "phone": N_("À quel numéro appeler ?"),
    "name": N_("À quel nom ?"),
    "scope": N_("Chez lui seulement, ou toute la rue ?"),
    "since": N_("Depuis quand ?"),
    "restored": N_("Est-ce revenu ?"),
    "wish": N_("Jusqu’à quand, ou en combien de fois ?"),
    "reason": N_("Pour quelle raison ?"),
    "bills": N_("Pour quelles factures ?"),
    "confirm": N_("Tout est-il juste ?"),
    "connection": N_("Quel branchement ?"),
    "premises": N_("Quel local ?"),
    "reading_value": N_("Quel est l’index ?"),
    "reading_confirmed": N_("L’index est-il bien celui-là ?"),
    "identity_contract": N_("Quel est le numéro de contrat ?"),
    "identity_factor": N_("Le montant de la dernière facture, ou le code reçu ?"),
}
"""The question that is open, by slot or by a case's step."""
WISHES: Mapping[str, str] = {
    "reading": N_("Envoyer un relevé"),
    "balance": N_("Connaître ce qu’il doit"),
    "forecast": N_("Connaître la prochaine facture"),
    "bill": N_("Comprendre sa facture"),
    "complaint": N_("Faire une réclamation"),
    "case": N_("Faire une demande"),
    "requests": N_("Suivre une demande"),
}


def in_progress(dialogue: Mapping[str, Any] | None, language: str) -> list[InProgress]:
    """What was left open, then what was put aside earlier; figures as `language` writes them."""
    slots: Mapping[str, Any] = (dialogue or {}).get("slots", {})
    loop = (dialogue or {}).get("loop")
    found: list[InProgress] = []
    if loop == "reading_form" or (loop == "identity_form" and slots.get("draft")):
        draft = slots.get("draft") or {}
        found.append(InProgress(N_("Relevé"), tuple(_reading(draft, language)), _question(slots)))
    if loop == "identity_form":
        found.append(InProgress(N_("Identification"), tuple(_identity(slots)), _question(slots)))
    case = slots.get("case")
    if case and loop in ("case_form", "identity_form"):
        found.append(_case(case, language))
    parked = slots.get("parked")
    if parked:
        found.append(_case(parked["case"], language, datetime.fromisoformat(parked["since"])))
    return found


def _question(slots: Mapping[str, Any]) -> str | None:
    return ASKED.get(slots.get("requested_slot") or "")


def _reading(draft: Mapping[str, Any], language: str) -> Iterator[Told]:
    if draft.get("contract"):
        yield Told(LABELS["contract"], draft["contract"])
    elif draft.get("utility"):
        yield Told(LABELS["utility"], UTILITIES.get(draft["utility"], draft["utility"]), is_word=True)
    for register, value in (draft.get("values") or {}).items():
        yield Told(REGISTERS.get(register, register), str(value))
    for loose in draft.get("loose") or ():
        yield Told(REGISTERS["total"], str(loose["value"]))
    if draft.get("taken_on"):
        yield Told(N_("Relevé le"), shown(date.fromisoformat(draft["taken_on"]), language))
    doubt = draft.get("doubt")
    if doubt:
        yield Told(N_("Doute"), WITHOUT_FIGURES[Code(doubt["code"])], is_word=True)
        if doubt.get("repair") is not None:
            yield Told(N_("Index proposé"), str(doubt["repair"]))


def _identity(slots: Mapping[str, Any]) -> Iterator[Told]:
    claimed = (slots.get("claim") or {}).get("contract")
    if claimed:
        yield Told(N_("Contrat annoncé, non prouvé"), str(claimed))
    wish = WISHES.get(slots.get("wish") or "")
    if wish:
        yield Told(N_("Voulait"), wish, is_word=True)


def _case(case: Mapping[str, Any], language: str, since: datetime | None = None) -> InProgress:
    title = TITLES.get(case["kind"], N_("Question"))
    told = tuple(each for name in LABELS for each in _told(name, case.get(name), language))
    return InProgress(title, told, None if since else ASKED.get(case.get("step") or ""), since)


def _told(name: str, value: Any, language: str) -> Iterator[Told]:
    """A field of a case, each value of a list by itself."""
    if isinstance(value, list):
        for each in value:
            yield from _told(name, each, language)
    elif value not in (None, ""):
        word = VALUES.get(name, {}).get(str(value))
        yield Told(LABELS[name], word or _written(name, value, language), is_word=word is not None)


def _written(name: str, value: Any, language: str) -> str:
    match name:
        case "until" | "first_on":
            return shown(date.fromisoformat(value), language)
        case "first":
            return shown(Decimal(value), language)
    return str(value)
