"""Which day it is for a customer: bills, readings and promises to pay have Moroccan dates."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

CASABLANCA = ZoneInfo("Africa/Casablanca")


def local_day(moment: datetime) -> date:
    """The day in Morocco at `moment`, which must be aware."""
    return moment.astimezone(CASABLANCA).date()
