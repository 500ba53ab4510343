"""The kinds of decisions as tabs, and what filters the lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.desk.addresses import address
from bot.desk.wording import N_, translate
from store.decision_lists import Stand, Waiting
from store.models import RequestKind

HOME = "/desk/decisions"
READINGS = f"{HOME}/readings"
LONGEST_TEXT = 40
"""Characters of what is searched: a reference or a contract's number is shorter."""


@dataclass(frozen=True, slots=True)
class Tab:
    """Requests of some kinds, under one title."""

    key: str
    title: str
    kinds: tuple[RequestKind, ...]


TABS = (
    Tab("all", N_("Toutes les demandes"), tuple(RequestKind)),
    Tab("deferral", N_("Délais"), (RequestKind.DEFERRAL,)),
    Tab("instalments", N_("Paiements en plusieurs fois"), (RequestKind.INSTALMENTS,)),
    Tab("kwh_advance", N_("Avances de kWh"), (RequestKind.KWH_ADVANCE,)),
    Tab("recharge_visit", N_("Équipe de recharge"), (RequestKind.RECHARGE_VISIT,)),
    Tab("subscription", N_("Abonnements"), (RequestKind.SUBSCRIPTION,)),
    Tab("complaint", N_("Réclamations"), (RequestKind.COMPLAINT,)),
    Tab("outage", N_("Pannes"), (RequestKind.OUTAGE,)),
    Tab("personal_data", N_("Données personnelles"), (RequestKind.RECTIFICATION, RequestKind.ERASURE)),
)
STANDS: Mapping[Stand, str] = {
    Stand.UNDECIDED: N_("À décider"),
    Stand.RECEIVED: N_("Reçues"),
    Stand.UNDER_REVIEW: N_("À l’étude"),
    Stand.GRANTED: N_("Accordées ou traitées"),
    Stand.BEING_PAID: N_("En cours de paiement"),
    Stand.KEPT: N_("Tenues"),
    Stand.BROKEN: N_("Non tenues"),
    Stand.REFUSED: N_("Refusées"),
    Stand.WITHDRAWN: N_("Retirées"),
    Stand.ALL: N_("Toutes"),
}


@dataclass(frozen=True, slots=True)
class TabShown:
    """A tab with how much waits in it. `late` is how much of that is past its day."""

    title: str
    address: str
    count: int
    late: int
    is_current: bool


def tab_of(key: str) -> Tab:
    """The tab called `key`, the first for any other word."""
    return next((tab for tab in TABS if tab.key == key), TABS[0])


def tabs_shown(waiting: Waiting, current: str) -> list[TabShown]:
    """All tabs, that of the readings last; `current` is a tab's key or `readings`."""
    requests = [
        TabShown(
            title=tab.title,
            address=address(HOME, {"kind": tab.key if tab is not TABS[0] else ""}),
            count=sum(waiting.undecided[kind] for kind in tab.kinds),
            late=sum(waiting.late[kind] for kind in tab.kinds),
            is_current=tab.key == current,
        )
        for tab in TABS
    ]
    readings = TabShown(N_("Relevés à vérifier"), READINGS, waiting.readings, 0, current == "readings")
    return [*requests, readings]


def searched(text: str) -> str:
    """What was typed into the search, without what no reference or number holds."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_TEXT]


def commune_choices(communes: Iterable[str], chosen: str | None, language: str) -> list[tuple[str, str]]:
    """The communes to choose from, the one chosen among them whatever is left there; all of them first."""
    everywhere = translate(language, N_("Toutes les communes"))
    named = sorted({*communes, *([chosen] if chosen else [])})
    return [("", everywhere), *((commune, commune) for commune in named)]
