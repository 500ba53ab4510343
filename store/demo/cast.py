"""Who the demo customers are: the fixed ones that the documentation and the tests rely on, and a crowd.

Names are Moroccan in sound and nobody's: the family names are household things (a lantern, a teapot, a key).
Communes exist, streets do not. Phones are in a range that looks unassigned.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from store.demo.households import Climate, Dial, Household, Supply
from store.models import Billing, RegisterCode, Utility

CROWD = 295
"""Households beside the fixed ones; 300 customers in all."""

GIVEN_NAMES = (
    "Amina", "Brahim", "Chaïma", "Driss", "Fatima-Zahra", "Ghali", "Hajar", "Idriss", "Jamila", "Khadija",
    "Lahcen", "Malika", "Mounir", "Naïma", "Omar", "Rachid", "Rkia", "Salma", "Tarik", "Yassine",
)  # fmt: skip
FAMILY_NAMES = (
    "El Fanouss", "Boubarrad", "Ben Mfateh", "El Kersi", "Bousserjem", "Ech-Chemaa", "El Mqas", "Bouzerbiya",
    "Ben Tajine", "El Ghorbal", "Bouchouka", "Es-Sellam", "El Mehraz", "Bouqandil", "Ben Kas", "El Khayt",
)  # fmt: skip

COMMUNES = {
    "Azilal": Climate(winter=0.5, summer=0.1),
    "Béni Mellal": Climate(winter=0.2, summer=0.5),
    "Chefchaouen": Climate(winter=0.4, summer=0.1),
    "Errachidia": Climate(winter=0.3, summer=0.7),
    "Essaouira": Climate(winter=0.2, summer=0.05),
    "Guelmim": Climate(winter=0.1, summer=0.4),
    "Ifrane": Climate(winter=0.7, summer=0.0),
    "Khénifra": Climate(winter=0.5, summer=0.2),
    "Midelt": Climate(winter=0.6, summer=0.1),
    "Ouarzazate": Climate(winter=0.3, summer=0.6),
    "Taroudant": Climate(winter=0.15, summer=0.5),
    "Tinghir": Climate(winter=0.35, summer=0.5),
}
STREETS = ("rue des Exemples", "rue de l'Essai", "avenue du Modèle", "passage Fictif", "derb Mital")
MORE_IN_SUMMER = Climate(winter=0.0, summer=0.35)
AWAY_BUT_IN_AUGUST = Climate(winter=0.0, summer=14.0)

LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "fr", "ar", "ary", "ary-Latn", "fr", "en")


def fixed_households() -> list[Household]:
    """The customers of the documentation, with the phones +212600000001 to 5. +212600000099 stays unknown."""
    return [
        Household(
            name="Amina El Fanouss",
            phone="+212600000001",
            language="fr",
            address="1, rue des Exemples",
            commune="Khénifra",
            supplies=(replace(electricity("10000001", 110, 48100), unevenness=0.03, last_cycle_day=30),),
        ),
        Household(
            name="Brahim Boubarrad",
            phone="+212600000002",
            language="ar",
            address="2, rue des Exemples",
            commune="Béni Mellal",
            supplies=(two_periods("10000002", peak=(160, 15420), off_peak=(430, 41380)),),
        ),
        Household(
            name="Malika Ben Mfateh",
            phone="+212600000003",
            language="ary",
            address="3, rue des Exemples",
            commune="Taroudant",
            supplies=(electricity("10000003", 130, 27350), water("20000003", 14, 1260)),
        ),
        Household(
            name="Lahcen El Kersi",
            phone="+212600000004",
            language="ary-Latn",
            address="4, rue des Exemples",
            commune="Azilal",
            modest_income=True,
            supplies=(prepaid("10000004", days_in_place=500),),
        ),
        Household(
            name="Naïma Bousserjem",
            phone="+212600000005",
            language="fr",
            address="5, rue des Exemples",
            commune="Essaouira",
            supplies=(
                replace(
                    electricity("10000005", 229, 63870),
                    climate=Climate(winter=0, summer=0),  # so that the credit on the bills stays small all year
                    unevenness=0.02,
                    estimates_since=1,
                    unpaid=2,
                    owed=Decimal("640.00"),
                ),
            ),
        ),
    ]


def crowd() -> list[Household]:
    """The others. What is special about a household goes by its number, so that no case is ever missing."""
    taken = {household.name for household in fixed_households()}
    names = [f"{given} {family}" for given in GIVEN_NAMES for family in FAMILY_NAMES]
    Random("names").shuffle(names)
    free = [name for name in names if name not in taken]
    return [_household(number, free[number], Random(f"household {number}")) for number in range(CROWD)]


def _household(number: int, name: str, rng: Random) -> Household:
    commune = rng.choice(list(COMMUNES))
    return Household(
        name=name,
        phone=f"+2126{100 + number:08d}",
        language=LANGUAGES[number % len(LANGUAGES)],
        address=f"{rng.randrange(1, 200)}, {rng.choice(STREETS)}",
        commune=commune,
        modest_income=number % 20 in (5, 6),
        supplies=tuple(_supplies(number, COMMUNES[commune], rng)),
    )


def _supplies(number: int, climate: Climate, rng: Random) -> list[Supply]:
    contract = str(10000100 + number)
    day = rng.randrange(5, 33)
    last = rng.randrange(6000, 95000)
    cycle = 1 if number % 4 == 1 else 2
    usual = replace(
        electricity(contract, rng.choice((70, 95, 120, 150, 190, 240, 330)), last),
        climate=climate,
        last_cycle_day=day,
        cycle=cycle,
        estimates_since=rng.randrange(cycle),
        self_read=number % 3 == 1,
        unpaid=rng.choice((0, 0, 1)),
    )
    match number % 20:
        case 3:
            peak, off_peak = rng.randrange(110, 170), rng.randrange(400, 520)
            usual = two_periods(contract, peak=(peak, last // 3), off_peak=(off_peak, last))
        case 5 | 6 | 7:
            return [prepaid(contract, days_in_place=rng.randrange(200, 2000))]
        case 8:
            second_home = electricity(str(10000500 + number), 15, rng.randrange(500, 9000))
            return [usual, replace(second_home, climate=AWAY_BUT_IN_AUGUST, last_cycle_day=day)]
        case 9 | 19:
            usual = replace(usual, unpaid=rng.randrange(2, 4))
        case 11:
            usual = replace(usual, meter_replaced=9)
        case 13:
            usual = replace(usual, rolled_over=True)
        case 15:
            usual = replace(usual, estimates_since=0, slip=True)
        case 17:
            return [replace(usual, dials=(Dial(RegisterCode.TOTAL, 0, 2),), months=0, last_cycle_day=12)]
    if number % 3:
        return [usual]
    monthly = rng.choice((8, 11, 14, 18, 24))
    beside = water(str(20000100 + number), monthly, rng.randrange(monthly * 30, 9000))
    return [usual, replace(beside, last_cycle_day=day, estimates_since=rng.randrange(beside.cycle))]


def electricity(contract: str, monthly: int, last: int) -> Supply:
    """A household's one-register meter: kWh in a mild month, and the index last read."""
    return Supply(
        contract=contract,
        utility=Utility.ELECTRICITY,
        tariff="residential",
        dials=(Dial(RegisterCode.TOTAL, monthly, last),),
        watts=6600,
    )


def two_periods(contract: str, *, peak: tuple[int, int], off_peak: tuple[int, int]) -> Supply:
    """A two-period meter: for each register kWh in a mild month and the index last read."""
    return Supply(
        contract=contract,
        utility=Utility.ELECTRICITY,
        tariff="residential_two_periods",
        dials=(Dial(RegisterCode.PEAK, *peak), Dial(RegisterCode.OFF_PEAK, *off_peak)),
        watts=9900,
        last_cycle_day=20,
    )


def prepaid(contract: str, days_in_place: int) -> Supply:
    """A prepaid meter: read once, at zero, when it was put up."""
    return Supply(
        contract=contract,
        utility=Utility.ELECTRICITY,
        tariff="residential_prepaid",
        billing=Billing.PREPAID,
        dials=(Dial(RegisterCode.TOTAL, 0, 0),),
        digits=6,
        watts=3300,
        months=0,
        last_cycle_day=days_in_place,
    )


def water(contract: str, monthly: int, last: int) -> Supply:
    """A water meter, really read every three months: m3 in an average month and the index last read."""
    return Supply(
        contract=contract,
        utility=Utility.WATER,
        tariff="household_water",
        dials=(Dial(RegisterCode.TOTAL, monthly, last),),
        climate=MORE_IN_SUMMER,
        cycle=3,
    )
