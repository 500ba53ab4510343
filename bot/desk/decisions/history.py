"""What was done about a request or a reading, from the audit, in words: who, when, what, why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bot.desk.wording import N_
from store.models import Audit
from store.requests import Payable

WHAT: Mapping[str, str] = {
    "request.received": N_("Demande reçue"),
    "request.revised": N_("Modifiée"),
    "request.under_review": N_("Prise à l’étude"),
    "request.granted": N_("Accordée ou traitée"),
    "request.refused": N_("Refusée"),
    "request.withdrawn": N_("Retirée"),
    "request.being_paid": N_("Paiement reçu"),
    "request.kept": N_("Tout est payé"),
    "request.broken": N_("Un paiement a manqué"),
    "request.beyond_policy": N_("Accordée au-delà de la règle"),
    "reading.recorded": N_("Relevé reçu"),
    "reading.replaced": N_("Remplacé par un autre"),
    "reading.accepted": N_("Accepté"),
    "reading.rejected": N_("Rejeté"),
}
BY_KIND: Mapping[str, str] = {
    "conversation": N_("Le client"),
    "deadlines": N_("Le suivi des échéances"),
    "key": N_("Le système de l’opérateur"),
    "user": N_("Conseiller"),
}
DECIDED: Mapping[str, str] = {
    "request.granted": N_("%(who)s l’a accordée, ou traitée, le %(at)s."),
    "request.refused": N_("%(who)s l’a refusée le %(at)s."),
    "request.withdrawn": N_("Le client l’a retirée le %(at)s."),
    "request.under_review": N_("%(who)s l’a prise à l’étude le %(at)s."),
    "request.revised": N_("Elle a été modifiée le %(at)s ; vous voyez la nouvelle version."),
}
"""What came between the moment a person read a request and their decision."""


@dataclass(frozen=True, slots=True)
class Done:
    """One thing done. `what` and, unless it `is_named`, `who` are French, to be translated.

    `before` are the payments that others took the place of; `why` is as somebody wrote it.
    """

    at: datetime
    who: str
    is_named: bool
    what: str
    why: str | None
    before: tuple[Payable, ...]


def history(audit: Iterable[Audit], names: Mapping[str, str]) -> Iterator[Done]:
    """The lines of an audit, those that are not about a decision left out."""
    for line in audit:
        if line.action in WHAT:
            name = names.get(line.actor)
            yield Done(
                at=line.at,
                who=name or BY_KIND.get(line.actor.partition(":")[0], line.actor),
                is_named=name is not None,
                what=WHAT[line.action],
                why=line.details.get("why") or line.details.get("reason"),
                before=tuple(_payments(line.details)),
            )


def _payments(details: Mapping[str, Any]) -> Iterator[Payable]:
    for due_on, amount in details.get("schedule_before", ()):
        yield date.fromisoformat(due_on), Decimal(amount)
