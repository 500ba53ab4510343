"""What a made-up household is, before its history is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from store.models import Billing, RegisterCode, Unit, Utility


@dataclass(frozen=True, slots=True)
class Climate:
    """How much more is used in the depth of winter and of summer: 0.5 is half as much again."""

    winter: float
    summer: float


MILD = Climate(winter=0.06, summer=0.06)


@dataclass(frozen=True, slots=True)
class Dial:
    """A register: its use in an average month outside the seasons, and the index really read last."""

    code: RegisterCode
    monthly: float
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """A contract with its meter, and how its history ran up to the day of loading."""

    contract: str
    utility: Utility
    tariff: str
    dials: tuple[Dial, ...]
    climate: Climate = MILD
    billing: Billing = Billing.POSTPAID
    digits: int = 5
    watts: int | None = None
    unevenness: float = 0.08
    """Standard deviation of a month's use around the usual, as a share."""
    months: int = 24
    """How far the history goes back; 0: read once, when the meter was installed."""
    cycle: int = 2
    """Months from one real reading to the next, estimates between them: a property of the route."""
    estimates_since: int = 0
    """Months billed on estimates since the last real reading; below `cycle`."""
    last_cycle_day: int = 25
    """Days from the last reading, real or estimated, to the day of loading."""
    meter_replaced: int | None = None
    """How many months ago the meter was replaced."""
    rolled_over: bool = False
    """Whether the dial went through zero some months ago; the last index is then what has turned since."""
    self_read: bool = False
    """Whether the customer sends readings too."""
    slip: bool = False
    """Whether the customer's last reading corrected one sent with two digits swapped."""
    unpaid: int = 0
    """How many of the latest bills are not paid."""
    owed: Decimal | None = None
    """What the unpaid bills come to in all, where that is fixed; a little less than the use asks for."""

    @property
    def unit(self) -> Unit:
        return Unit.KWH if self.utility is Utility.ELECTRICITY else Unit.CUBIC_METRE


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """A customer, the phone registered on all of their contracts, and where they live."""

    name: str
    phone: str
    language: str
    address: str
    commune: str
    supplies: tuple[Supply, ...]
    modest_income: bool = False
