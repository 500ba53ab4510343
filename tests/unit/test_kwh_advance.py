"""An advance is recovered to the last hundredth of a kWh, and never takes more than a recharge's share."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.kwh_advance import (
    AdvancePolicy,
    Entry,
    EntryKind,
    Hindrance,
    NotYet,
    allowed,
    outstanding,
    recovered,
    total,
)

TODAY = date(2026, 11, 23)
POLICY_VALUES: dict[str, Any] = {
    "kwh": Decimal(20),
    "recovery_percent": Decimal(25),
    "most_outstanding": Decimal(30),
    "least_days_between": 30,
    "most_per_year": 2,
}
POLICY = AdvancePolicy(**POLICY_VALUES)


def entry(day: str, kind: EntryKind, kwh: str, reference: str = "K-4821370568") -> Entry:
    return Entry(datetime.fromisoformat(day).replace(tzinfo=UTC), kind, Decimal(kwh), reference)


def advance(day: str, kwh: str = "20.00", reference: str = "K-4821370568") -> Entry:
    return entry(day, EntryKind.ADVANCE, kwh, reference)


def recovery(kwh: str) -> Entry:
    return entry("2026-11-01", EntryKind.RECOVERY, kwh, "recharge 1")


def asked(ledger: list[Entry], policy: AdvancePolicy, today: date) -> Decimal | NotYet:
    try:
        return allowed(ledger, policy, today)
    except NotYet as refused:
        return refused


@pytest.mark.parametrize(
    "ledger",
    [
        pytest.param([], id="never had one"),
        pytest.param([advance("2026-10-24"), recovery("-10.00")], id="30 days ago, 10 kWh owed"),
        pytest.param([advance("2026-01-02"), recovery("-20.00")], id="one this year, paid back"),
        pytest.param([advance("2025-11-20"), advance("2025-12-25"), recovery("-40.00")], id="two last year"),
        pytest.param([advance("2026-11-22"), entry("2026-11-22", EntryKind.CORRECTION, "-20.00")],
                     id="one yesterday, undone by an agent"),
    ],
)  # fmt: skip
def test_an_advance_may_be_asked_for(ledger: list[Entry]) -> None:
    assert allowed(ledger, POLICY, TODAY) == Decimal(20)


@pytest.mark.parametrize(
    ("ledger", "hindrances", "to_recover", "from_day"),
    [
        pytest.param([advance("2026-10-20")], [Hindrance.OUTSTANDING], "10.00", TODAY, id="20 kWh owed"),
        pytest.param([advance("2026-10-20"), recovery("-9.99")], [Hindrance.OUTSTANDING], "0.01", TODAY,
                     id="a hundredth too much"),
        pytest.param([advance("2026-10-25"), recovery("-20.00")], [Hindrance.TOO_SOON], "0.00", date(2026, 11, 24),
                     id="29 days ago"),
        pytest.param([advance("2026-10-24T23:30"), recovery("-20.00")], [Hindrance.TOO_SOON], "0.00",
                     date(2026, 11, 24), id="29 days ago in Morocco, 30 in UTC"),
        pytest.param([advance("2026-02-01"), advance("2026-05-01"), recovery("-40.00")], [Hindrance.YEAR_USED_UP],
                     "0.00", date(2027, 1, 1), id="two this year"),
        pytest.param([advance("2026-02-01"), advance("2026-11-20")],
                     [Hindrance.OUTSTANDING, Hindrance.TOO_SOON, Hindrance.YEAR_USED_UP], "30.00", date(2027, 1, 1),
                     id="everything at once"),
        pytest.param([advance("2026-11-22"), entry("2026-11-22", EntryKind.CORRECTION, "-5.00")],
                     [Hindrance.OUTSTANDING, Hindrance.TOO_SOON], "5.00", date(2026, 12, 22),
                     id="one yesterday, made smaller by an agent"),
    ],
)  # fmt: skip
def test_what_is_in_the_way_of_an_advance_is_said(
    ledger: list[Entry], hindrances: list[Hindrance], to_recover: str, from_day: date
) -> None:
    with pytest.raises(NotYet) as caught:
        allowed(ledger, POLICY, TODAY)
    refused = caught.value
    assert list(refused.hindrances) == hindrances
    assert (str(refused.to_recover), refused.from_day) == (to_recover, from_day)
    assert refused.owed == outstanding(ledger)


@pytest.mark.parametrize(
    ("owed", "bought", "kept"),
    [
        pytest.param("20.00", "40", "10.00", id="a quarter"),
        pytest.param("20.00", "33.33", "8.33", id="8.3325 is rounded down"),
        pytest.param("20.00", "100", "20.00", id="no more than is owed"),
        pytest.param("0.01", "40", "0.01", id="the last hundredth"),
        pytest.param("20.00", "0.03", "0.00", id="too small a recharge for a hundredth"),
        pytest.param("20.00", "0", "0.00", id="an empty recharge"),
        pytest.param("0.00", "40", "0.00", id="nothing owed"),
        pytest.param("-5.00", "40", "0.00", id="more given back than owed"),
    ],
)
def test_a_recharge_pays_back_its_share(owed: str, bought: str, kept: str) -> None:
    assert str(recovered(Decimal(owed), Decimal(bought), POLICY)) == kept


def test_a_recharge_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="-40"):
        recovered(Decimal(20), Decimal(-40), POLICY)


@pytest.mark.parametrize(
    ("kind", "kwh"),
    [
        pytest.param(EntryKind.ADVANCE, "-20.00", id="an advance that takes"),
        pytest.param(EntryKind.ADVANCE, "0.00", id="an advance of nothing"),
        pytest.param(EntryKind.RECOVERY, "5.00", id="a recovery that gives"),
        pytest.param(EntryKind.CORRECTION, "0.00", id="a correction of nothing"),
        pytest.param(EntryKind.ADVANCE, "0.005", id="three decimals"),
        pytest.param(EntryKind.ADVANCE, "NaN", id="no number"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(kind: EntryKind, kwh: str) -> None:
    with pytest.raises(ValueError, match=kwh):
        entry("2026-11-01", kind, kwh)


def test_an_entry_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        Entry(datetime(2026, 11, 1), EntryKind.ADVANCE, Decimal(20), "K-4821370568")  # noqa: DTZ001 - the point


@pytest.mark.parametrize(
    "wrong",
    [
        {"kwh": Decimal(0)},
        {"recovery_percent": Decimal(0)},
        {"recovery_percent": Decimal(101)},
        {"most_outstanding": Decimal("19.99")},
        {"least_days_between": -1},
        {"most_per_year": 0},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AdvancePolicy(**(POLICY_VALUES | wrong))


# --- what holds for every ledger


def hundredths(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda n: Decimal(n).scaleb(-2))


policies = st.builds(
    lambda kwh, room, **rest: AdvancePolicy(kwh=kwh, most_outstanding=kwh + room, **rest),
    kwh=hundredths(1, 10_000),
    room=hundredths(0, 20_000),
    recovery_percent=st.decimals(Decimal("0.1"), 100, places=1),
    least_days_between=st.integers(0, 120),
    most_per_year=st.integers(1, 12),
)
asks_and_recharges = st.lists(st.tuples(st.integers(0, 60), st.none() | hundredths(0, 100_000)), max_size=60)
"""Days since the one before, and the kWh bought; None asks for an advance."""


@given(policies, asks_and_recharges)
def test_the_ledger_balances(policy: AdvancePolicy, happened: list[tuple[int, Decimal | None]]) -> None:
    ledger: list[Entry] = []
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for number, (days, bought) in enumerate(happened):
        now += timedelta(days)
        if bought is None:
            answer = asked(ledger, policy, now.date())
            if isinstance(answer, NotYet):
                assert answer.to_recover > 0 or answer.from_day > now.date()
                assert answer.to_recover <= answer.owed
            else:
                ledger.append(Entry(now, EntryKind.ADVANCE, answer, f"K-{number}"))
        else:
            kept = recovered(outstanding(ledger), bought, policy)
            assert 0 <= kept <= bought * policy.recovery_percent / 100
            assert bought - kept >= 0
            ledger.append(Entry(now, EntryKind.RECOVERY, -kept, f"recharge {number}"))

        advances, recoveries = total(ledger, EntryKind.ADVANCE), total(ledger, EntryKind.RECOVERY)
        assert advances + recoveries == outstanding(ledger)
        assert 0 <= outstanding(ledger) <= policy.most_outstanding
    years = [e.on.year for e in ledger if e.kind is EntryKind.ADVANCE]
    assert all(years.count(year) <= policy.most_per_year for year in years)


@given(policies, asks_and_recharges)
def test_an_advance_refused_for_its_date_is_possible_from_the_day_given(
    policy: AdvancePolicy, happened: list[tuple[int, Decimal | None]]
) -> None:
    """The ledger of a customer who asks whenever they can, and pays all back at once."""
    ledger: list[Entry] = []
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for number, (days, _) in enumerate(happened):
        now += timedelta(days)
        answer = asked(ledger, policy, now.date())
        if isinstance(answer, NotYet):
            assert Hindrance.OUTSTANDING not in answer.hindrances
            assert allowed(ledger, policy, answer.from_day) == policy.kwh
            assert isinstance(asked(ledger, policy, answer.from_day - timedelta(1)), NotYet)
        else:
            ledger += [
                Entry(now, EntryKind.ADVANCE, answer, f"K-{number}"),
                Entry(now, EntryKind.RECOVERY, -answer, f"recharge {number}"),
            ]


@given(policies, hundredths(1, 10_000))
def test_an_advance_is_recovered_after_enough_recharges(policy: AdvancePolicy, bought: Decimal) -> None:
    """Enough is known beforehand: the advance over what one recharge pays back."""
    share = recovered(policy.kwh, bought, policy)
    owed = policy.kwh
    if not share:
        assert bought * policy.recovery_percent < 1  # less than a hundredth of a kWh
        return
    recharges = int((owed / share).quantize(Decimal(1), ROUND_CEILING))
    for _ in range(min(recharges, 50)):
        assert owed > 0
        owed -= recovered(owed, bought, policy)
    assert owed == max(policy.kwh - share * 50, Decimal(0))
