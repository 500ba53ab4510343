"""What a customer said of a request, in words: its details, which the assistant keeps by kind (`actions/cases`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bot.desk.in_progress import LABELS, VALUES
from bot.desk.wording import N_, translate
from bot.desk.words import BASES
from bot.engine.texts import Texts, shown
from store.models import Request
from store.prepaid import shown_kwh


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said. `label` is French, to be translated; `values` are shown as they are.

    Those that are `quoted` are the customer's own words.
    """

    label: str
    values: tuple[str, ...]
    quoted: bool = False


OWN_WORDS = frozenset({"words", "added", "reason", "place", "since", "name", "commune"})
"""Details that hold what the customer wrote."""
MORE_LABELS: Mapping[str, str] = {
    "added": N_("Ajouté ensuite"),
    "kwh": N_("Avance demandée"),
    "documents": N_("Pièces à présenter"),
    "bill": N_("Facture"),
    "period": N_("Période"),
    "basis": N_("Établie"),
    "total": N_("Montant"),
    "previous_total": N_("Facture d’avant"),
    "difference": N_("Écart"),
    "effects": N_("D’où vient l’écart"),
    "not_explained": N_("Écart non expliqué"),
    "readings": N_("Derniers relevés"),
}
ORDER = (*LABELS, *MORE_LABELS)
DESK = "desk"
"""The channel that nobody writes on: texts that are the same on all."""
NOT_EXPLAINED = N_("La facture n’a pas pu être recalculée.")


def said(request: Request, texts: Texts, language: str) -> list[Said]:
    """All that the details of a request hold, in the order to read it, as `language` writes it."""
    words = _Words(texts, language)
    known = sorted(request.details, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    return [each for name in known for each in words.told(name, request.details[name])]


class _Words:
    """Puts details in words, those that customers read where the assistant has some."""

    def __init__(self, texts: Texts, language: str) -> None:
        self._texts = texts
        self._language = language
        self._special: Mapping[str, Callable[[Any], str]] = {
            "kwh": lambda kwh: f"{shown(shown_kwh(Decimal(kwh)), language)} kWh",
            "period": self._period,
            "basis": lambda basis: translate(language, BASES.get(basis, basis)),
            "total": self._dirhams,
            "previous_total": self._dirhams,
            "difference": self._dirhams,
            "effects": self._effect,
            "documents": lambda name: self._response(f"utter_document_{name}", name),
            "not_explained": lambda _why: translate(language, NOT_EXPLAINED),
        }

    def told(self, name: str, value: Any) -> Iterator[Said]:
        values = tuple(self._written(name, each) for each in (value if isinstance(value, list) else [value]) if each)
        if values:
            label = LABELS.get(name) or MORE_LABELS.get(name, name)
            yield Said(label, values, quoted=name in OWN_WORDS)

    def _written(self, name: str, value: Any) -> str:
        if name in self._special:
            return self._special[name](value)
        word = VALUES.get(name, {}).get(str(value))
        return str(value) if word is None else translate(self._language, word)

    def _dirhams(self, amount: str) -> str:
        return shown(Decimal(amount), self._language)

    def _period(self, period: Mapping[str, str]) -> str:
        start, end = (shown(date.fromisoformat(period[edge]), self._language) for edge in ("start", "end"))
        return f"{start} – {end}"

    def _effect(self, effect: Mapping[str, str]) -> str:
        cause = self._response(f"utter_cause_{effect['code']}", effect["code"])
        return f"{cause} : {self._dirhams(effect['amount'])}"

    def _response(self, name: str, otherwise: str) -> str:
        """A text of the assistant's that has no places to fill; those of a list begin with a dash."""
        if name not in self._texts.responses:
            return otherwise
        return str(self._texts.render(name, self._language, DESK, {})["text"]).removeprefix("- ")
