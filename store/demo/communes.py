"""What there is in the demo's communes: an agency, recharge points, rounds of the mobile team, cuts that are known.

The communes exist; the places do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from billing.calendar import CASABLANCA
from store.demo.cast import COMMUNES
from store.models import PlaceKind, Utility

AGENCY_HOURS = "lun-ven 8h30-16h30"
POINTS = (("Épicerie Fictive", "rue des Exemples", "8h-20h"), ("Tabac Exemple", "avenue du Modèle", "9h-19h"))
STOPS = (("Place du souk", time(9), time(12)), ("Maison de la commune", time(14), time(17)))
"""Where the mobile team stops, and when."""


def places() -> Iterator[dict[str, Any]]:
    """An agency and the recharge points of each commune."""
    for number, commune in enumerate(COMMUNES, start=1):
        yield {
            "kind": PlaceKind.AGENCY,
            "commune": commune,
            "name": f"Agence de {commune}",
            "address": "place Fictive",
            "phone": f"05 00 00 00 {number:02d}",
            "hours": AGENCY_HOURS,
        }
        for name, address, hours in POINTS:
            yield {
                "kind": PlaceKind.RECHARGE_POINT,
                "commune": commune,
                "name": name,
                "address": address,
                "phone": None,
                "hours": hours,
            }


def rounds(today: date) -> Iterator[dict[str, Any]]:
    """Rounds of the coming month, one a week in each commune, on a day of its own."""
    for number, commune in enumerate(COMMUNES):
        for week in range(4):
            day = today + timedelta(days=1 + number % 6 + 7 * week)
            place, begins, ends = STOPS[(number + week) % len(STOPS)]
            yield {
                "commune": commune,
                "place": place,
                "starts_at": datetime.combine(day, begins, CASABLANCA),
                "ends_at": datetime.combine(day, ends, CASABLANCA),
            }


def outages(today: date) -> Iterator[dict[str, Any]]:
    """One cut that lasts, one that is planned, one that is over."""
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    yield _outage("DEMO-1", "Ifrane", "quartier Exemple", datetime.combine(today, time(7, 30), CASABLANCA), hours=10)
    planned = _outage("DEMO-2", "Tinghir", None, datetime.combine(tomorrow, time(9), CASABLANCA), hours=4)
    yield planned | {"planned": True}
    over = _outage("DEMO-3", "Midelt", "centre", datetime.combine(yesterday, time(18), CASABLANCA), hours=2)
    yield over | {"ended_at": over["expected_until"]}


def _outage(number: str, commune: str, area: str | None, starts_at: datetime, hours: int) -> dict[str, Any]:
    return {
        "number": number,
        "commune": commune,
        "area": area,
        "utility": Utility.ELECTRICITY,
        "planned": False,
        "starts_at": starts_at,
        "expected_until": starts_at + timedelta(hours=hours),
        "ended_at": None,
    }
