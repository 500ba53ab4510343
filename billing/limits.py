"""How wide the reading checks are. Every number here may be overridden for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Limits:
    """Widths of the checks, with how sure we are of each (H official, M good practice, L our judgement).

    The band's widths were chosen on simulated households: `tests/unit/test_reading_checks.py` states and
    checks how often an honest customer is asked again and how many typing errors are noticed.
    Raises ValueError when a value makes no sense.
    """

    power_margin: Decimal = Decimal("1.2")
    """Times the subscribed power; breakers let short overruns through. L."""
    water_m3_per_hour: Decimal = Decimal("2.5")
    """Permanent flow Q3 of the usual household water meter (ISO 4064). M."""
    water_margin: Decimal = Decimal("1.25")
    """Overload flow Q4 over Q3 (ISO 4064). M."""

    min_periods: int = 3
    """Real periods below which there is no band: a new meter. L."""
    min_period_days: int = 10
    """Readings closer together than this are counted as one period. L."""
    spreads: float = 3.0
    """Half-width of the band, in robust standard deviations (1.4826 MAD) of the daily use. M."""
    high_ratio: float = 1.8
    """A use below this many times the expected one is never called high. L."""
    young_high_ratio: float = 2.5
    """The same while less than 13 months are known and a season may be new to us. L."""
    low_ratio: float = 0.3
    """A use above this share of the expected one is never called low. L."""
    slack_kwh: int = 20
    """Differences below this are not worth a question, kWh. L."""
    slack_m3: int = 3
    """The same for water, m3. L."""

    rollover_share: float = 0.1
    """Share of the dial that a use may cover when nothing else bounds it. L."""
    clarity: float = 3.0
    """A repair is offered when it is this many times nearer the expected use than the reading given. L."""
    sibling_ratio: float = 10.0
    """How many times more than this register another one of the meter may have turned. L."""
    red_digits_kwh: int = 1
    """Decimal digits (red, or after the comma) that a customer may send along, electricity. M."""
    red_digits_m3: int = 3
    """The same on a water meter. M."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"limit {name} must be at least {least}")


_LEAST: dict[str, float] = {
    "power_margin": 1,
    "water_m3_per_hour": 0,
    "water_margin": 1,
    "min_periods": 2,
    "min_period_days": 1,
    "spreads": 0,
    "high_ratio": 1,
    "young_high_ratio": 1,
    "low_ratio": 0,
    "slack_kwh": 1,
    "slack_m3": 1,
    "rollover_share": 0,
    "clarity": 1,
    "sibling_ratio": 1,
    "red_digits_kwh": 0,
    "red_digits_m3": 0,
}

DEFAULTS = Limits()
