"""Schedules sum to the debt and fall on working days; what cannot be is refused with the nearest that can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from billing.schedule import InstalmentWish, NotPossible, Obstacle, Schedule, deferral, instalments
from billing.schedule_policy import DeferralPolicy, InstalmentPolicy
from billing.schedule_review import flaws
from billing.working_days import WorkingDays

WORKING = WorkingDays()
MONDAY = date(2026, 11, 23)

DEFERRAL = DeferralPolicy(max_days=30, min_debt=Decimal("50.00"))
PARTS: dict[str, Any] = {
    "min_parts": 2,
    "max_parts": 6,
    "first_percent": Decimal(30),
    "min_part": Decimal("50.00"),
    "every": "month",
    "first_within_days": 7,
    "min_debt": Decimal("200.00"),
}
INSTALMENTS = InstalmentPolicy(**PARTS)


def plan(schedule: Schedule) -> list[tuple[str, str]]:
    return [(part.due_on.isoformat(), str(part.amount)) for part in schedule]


def refusal(error: NotPossible) -> tuple[Obstacle, object]:
    nearest = [each for each in (error.day, error.parts, error.amount) if each is not None]
    assert len(nearest) == (error.obstacle is not Obstacle.NOTHING_OWED)
    return error.obstacle, next(iter(nearest), None)


def asked(ask: Callable[..., Schedule], *wish: Any, **more: Any) -> Schedule | NotPossible:
    try:
        return ask(*wish, **more)
    except NotPossible as refused:
        return refused


# --- deferral


@pytest.mark.parametrize(
    ("until", "due_on"),
    [
        pytest.param("2026-12-10", "2026-12-10", id="a working day is kept"),
        pytest.param("2026-12-12", "2026-12-14", id="a Saturday moves to Monday"),
        pytest.param("2026-12-23", "2026-12-23", id="the last day"),
        pytest.param("2026-11-24", "2026-11-24", id="tomorrow"),
    ],
)
def test_a_debt_is_put_off_to_a_working_day(until: str, due_on: str) -> None:
    found = deferral(Decimal("640.00"), date.fromisoformat(until), MONDAY, DEFERRAL, WORKING)
    assert plan(found) == [(due_on, "640.00")]


def test_a_day_that_would_move_past_the_limit_moves_back() -> None:
    policy = DeferralPolicy(max_days=20, min_debt=Decimal(0))  # until Sunday 13 December
    assert plan(deferral(Decimal("640.00"), date(2026, 12, 12), MONDAY, policy, WORKING)) == [
        ("2026-12-11", "640.00")
    ]


def test_the_narrowest_policy_leaves_one_day() -> None:
    friday, policy = date(2026, 11, 27), DeferralPolicy(max_days=1, min_debt=Decimal(0))
    assert plan(deferral(Decimal(100), date(2026, 11, 28), friday, policy, WORKING)) == [("2026-11-30", "100")]


@pytest.mark.parametrize(
    ("debt", "until", "obstacle", "nearest"),
    [
        pytest.param("0.00", "2026-12-10", Obstacle.NOTHING_OWED, None, id="nothing owed"),
        pytest.param("-12.50", "2026-12-10", Obstacle.NOTHING_OWED, None, id="a credit"),
        pytest.param("49.99", "2026-12-10", Obstacle.DEBT_TOO_SMALL, Decimal("50.00"), id="too small a debt"),
        pytest.param("640.00", "2026-11-22", Obstacle.DATE_PAST, date(2026, 11, 24), id="yesterday"),
        pytest.param("640.00", "1999-01-01", Obstacle.DATE_PAST, date(2026, 11, 24), id="long ago"),
        pytest.param("640.00", "2026-11-23", Obstacle.NO_DELAY, date(2026, 11, 24), id="today"),
        pytest.param("640.00", "2026-12-24", Obstacle.DATE_TOO_FAR, date(2026, 12, 23), id="a day too far"),
        pytest.param("640.00", "9999-12-31", Obstacle.DATE_TOO_FAR, date(2026, 12, 23), id="never"),
    ],
)
def test_an_impossible_deferral_is_refused_with_the_nearest(
    debt: str, until: str, obstacle: Obstacle, nearest: object
) -> None:
    with pytest.raises(NotPossible) as caught:
        deferral(Decimal(debt), date.fromisoformat(until), MONDAY, DEFERRAL, WORKING)
    assert refusal(caught.value) == (obstacle, nearest)


def test_a_bill_not_yet_due_is_put_off_from_its_own_day() -> None:
    due = date(2026, 12, 15)
    with pytest.raises(NotPossible) as caught:
        deferral(Decimal("640.00"), date(2026, 12, 10), MONDAY, DEFERRAL, WORKING, due_on=due)
    assert refusal(caught.value) == (Obstacle.NO_DELAY, date(2026, 12, 16))
    found = deferral(Decimal("640.00"), date(2027, 1, 13), MONDAY, DEFERRAL, WORKING, due_on=due)
    assert plan(found) == [("2027-01-13", "640.00")]


# --- instalments


@pytest.mark.parametrize(
    ("debt", "wish", "policy", "expected"),
    [
        pytest.param("640.00", InstalmentWish(2), {}, ["320.00", "320.00"], id="equal"),
        pytest.param("640.00", InstalmentWish(3), {}, ["214.00", "213.00", "213.00"], id="the odd dirham first"),
        pytest.param("640.37", InstalmentWish(3), {}, ["214.37", "213.00", "213.00"], id="the odd centimes first"),
        pytest.param("640.37", InstalmentWish(4), {}, ["193.37", "149.00", "149.00", "149.00"],
                     id="the first is 30 % at least"),
        pytest.param("640.37", InstalmentWish(3, Decimal(200)), {}, ["200.00", "220.00", "220.37"],
                     id="a first amount of theirs: the odd ones last"),
        pytest.param("640.00", InstalmentWish(2, Decimal(590)), {}, ["590.00", "50.00"], id="nearly all at once"),
        pytest.param("640.00", InstalmentWish(2, Decimal("192.005")), {}, ["192.01", "447.99"],
                     id="half a centime is rounded"),
        pytest.param("3.01", InstalmentWish(6), {"min_part": Decimal("0.05"), "min_debt": Decimal(1)},
                     ["0.91", "0.42", "0.42", "0.42", "0.42", "0.42"], id="no room for whole dirhams"),
    ],
)  # fmt: skip
def test_parts_are_easy_to_say(debt: str, wish: InstalmentWish, policy: dict[str, Any], expected: list[str]) -> None:
    found = instalments(Decimal(debt), wish, MONDAY, InstalmentPolicy(**(PARTS | policy)), WORKING)
    assert [str(part.amount) for part in found] == expected
    assert sum(part.amount for part in found) == Decimal(debt)


@pytest.mark.parametrize(
    ("today", "first_on", "policy", "expected"),
    [
        pytest.param("2026-11-23", None, {}, ["2026-11-30", "2026-12-30", "2027-02-01"],
                     id="the last day possible, then by the month; 30 January is a Saturday"),
        pytest.param("2026-11-23", "2026-11-23", {}, ["2026-11-23", "2026-12-23", "2027-01-25"], id="now"),
        pytest.param("2026-12-29", "2026-12-31", {}, ["2026-12-31", "2027-02-01", "2027-03-01"],
                     id="the 31st: Sunday 31 January and Sunday 28 February move on"),
        pytest.param("2027-10-28", "2027-10-30", {}, ["2027-11-01", "2027-11-30", "2027-12-30"],
                     id="a moved first payment does not shift the others"),
        pytest.param("2028-01-28", "2028-01-31", {}, ["2028-01-31", "2028-02-29", "2028-03-31"],
                     id="a leap year"),
        pytest.param("2026-11-21", "2026-11-22", {"first_within_days": 1}, ["2026-11-23", "2026-12-22", "2027-01-22"],
                     id="a weekend on which nothing else is left"),
        pytest.param("2026-11-26", "2026-11-29", {"first_within_days": 3}, ["2026-11-27", "2026-12-29", "2027-01-29"],
                     id="the limit is a Sunday: the first moves back"),
        pytest.param("2026-11-23", "2026-11-25", {"every": 14}, ["2026-11-25", "2026-12-09", "2026-12-23"],
                     id="every two weeks"),
        pytest.param("2026-11-26", "2026-11-26", {"every": 1}, ["2026-11-26", "2026-11-27", "2026-11-30"],
                     id="every day is every working day"),
        pytest.param("2026-11-27", "2026-11-27", {"every": 1}, ["2026-11-27", "2026-11-30", "2026-12-01"],
                     id="days that move onto each other follow one another"),
    ],
)  # fmt: skip
def test_payments_fall_on_working_days(
    today: str, first_on: str | None, policy: dict[str, Any], expected: list[str]
) -> None:
    wish = InstalmentWish(3, first_on=date.fromisoformat(first_on) if first_on else None)
    rules = InstalmentPolicy(**(PARTS | policy))
    found = instalments(Decimal("640.00"), wish, date.fromisoformat(today), rules, WORKING)
    assert [part.due_on.isoformat() for part in found] == expected


@pytest.mark.parametrize(
    ("debt", "wish", "obstacle", "nearest"),
    [
        pytest.param("0.00", InstalmentWish(3), Obstacle.NOTHING_OWED, None, id="nothing owed"),
        pytest.param("199.99", InstalmentWish(3), Obstacle.DEBT_TOO_SMALL, Decimal("200.00"), id="too small a debt"),
        pytest.param("640.00", InstalmentWish(40), Obstacle.TOO_MANY_PARTS, 6, id="40 parts"),
        pytest.param("250.00", InstalmentWish(6), Obstacle.TOO_MANY_PARTS, 4, id="parts would be below 50"),
        pytest.param("640.00", InstalmentWish(6, Decimal(500)), Obstacle.TOO_MANY_PARTS, 3,
                     id="what remains after the first payment makes two more"),
        pytest.param("640.00", InstalmentWish(1), Obstacle.TOO_FEW_PARTS, 2, id="one part"),
        pytest.param("640.00", InstalmentWish(-3), Obstacle.TOO_FEW_PARTS, 2, id="a negative number of parts"),
        pytest.param("640.00", InstalmentWish(3, Decimal(2000)), Obstacle.AMOUNT_ABOVE_DEBT, Decimal("640.00"),
                     id="more than is owed"),
        pytest.param("640.00", InstalmentWish(3, Decimal(100)), Obstacle.FIRST_TOO_SMALL, Decimal("192.00"),
                     id="less than 30 %"),
        pytest.param("640.00", InstalmentWish(3, Decimal(0)), Obstacle.FIRST_TOO_SMALL, Decimal("192.00"),
                     id="nothing now"),
        pytest.param("640.00", InstalmentWish(3, Decimal(620)), Obstacle.REST_TOO_SMALL, Decimal("590.00"),
                     id="20 remain"),
        pytest.param("640.00", InstalmentWish(3, Decimal(640)), Obstacle.REST_TOO_SMALL, Decimal("590.00"),
                     id="nothing remains"),
        pytest.param("640.00", InstalmentWish(3, first_on=date(2026, 11, 20)), Obstacle.DATE_PAST, MONDAY, id="past"),
        pytest.param("640.00", InstalmentWish(3, first_on=date(2026, 12, 1)), Obstacle.DATE_TOO_FAR,
                     date(2026, 11, 30), id="a first payment too far"),
    ],
)  # fmt: skip
def test_impossible_instalments_are_refused_with_the_nearest(
    debt: str, wish: InstalmentWish, obstacle: Obstacle, nearest: object
) -> None:
    with pytest.raises(NotPossible) as caught:
        instalments(Decimal(debt), wish, MONDAY, INSTALMENTS, WORKING)
    assert refusal(caught.value) == (obstacle, nearest)


@pytest.mark.parametrize("debt", ["640.005", "NaN", "Infinity"])
def test_a_debt_that_nobody_can_pay_is_a_mistake_of_ours(debt: str) -> None:
    with pytest.raises(ValueError, match="centimes"):
        instalments(Decimal(debt), InstalmentWish(3), MONDAY, INSTALMENTS, WORKING)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_parts": 1},
        {"max_parts": 1},
        {"first_percent": Decimal(100)},
        {"first_percent": Decimal(-1)},
        {"min_part": Decimal(0)},
        {"min_part": Decimal("0.005")},
        {"every": 0},
        {"first_within_days": -1},
        {"min_debt": Decimal(-1)},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("max_", "min_")):
        InstalmentPolicy(**(PARTS | wrong))


# --- what holds for every policy

centimes = st.integers(1, 2_000_000).map(lambda n: Decimal(n).scaleb(-2))
todays = st.dates(date(2020, 1, 1), date(2095, 1, 1))
calendars = st.builds(
    lambda start, length: WorkingDays(added=frozenset(start + timedelta(n) for n in range(length))),
    st.dates(date(2020, 1, 1), date(2095, 1, 1)),
    st.integers(0, 60),
)
policies = st.builds(
    lambda least, more, **rest: InstalmentPolicy(min_parts=least, max_parts=least + more, **rest),
    least=st.integers(2, 4),
    more=st.integers(0, 8),
    first_percent=st.decimals(0, Decimal("99.9"), places=1),
    min_part=st.integers(1, 20_000).map(lambda n: Decimal(n).scaleb(-2)),
    every=st.one_of(st.just("month"), st.integers(1, 40)),
    first_within_days=st.integers(0, 30),
    min_debt=st.integers(0, 50_000).map(lambda n: Decimal(n).scaleb(-2)),
)


@st.composite
def possible_wishes(draw: st.DrawFn) -> tuple[Decimal, InstalmentWish, date, InstalmentPolicy, WorkingDays]:
    """A wish that the policy lets a customer have, at and between its bounds."""
    policy, today, working = draw(policies), draw(todays), draw(calendars)
    debt = policy.least_debt() + draw(st.one_of(st.just(Decimal(0)), centimes))
    assume(debt > 0)
    first = None
    if draw(st.booleans()):
        least = policy.least_first(debt)
        most = debt - policy.min_part * (policy.min_parts - 1)
        first = draw(st.one_of(st.just(least), st.just(most), st.decimals(least, most, places=2)))
    first_on = draw(st.none() | st.integers(0, policy.first_within_days).map(lambda n: today + timedelta(n)))
    parts = draw(st.integers(policy.min_parts, policy.most_parts(debt, first)))
    return debt, InstalmentWish(parts, first, first_on), today, policy, working


@given(possible_wishes())
def test_every_possible_wish_gives_a_sound_schedule(
    case: tuple[Decimal, InstalmentWish, date, InstalmentPolicy, WorkingDays],
) -> None:
    debt, wish, today, policy, working = case
    found = instalments(debt, wish, today, policy, working)
    assert len(found) == wish.parts
    assert sum(part.amount for part in found) == debt
    assert all(part.amount >= policy.min_part and part.amount == round(part.amount, 2) for part in found)
    assert found[0].amount >= policy.least_first(debt)
    assert found[0].amount * 100 >= debt * policy.first_percent
    assert wish.first is None or found[0].amount == wish.first
    assert found[0].due_on >= today
    assert all(part.due_on in working for part in found)
    assert all(before.due_on < after.due_on for before, after in pairwise(found))
    assert flaws(found, debt, today, policy, working) == []


@given(
    debt=st.integers(-1_000, 2_000_000).map(lambda n: Decimal(n).scaleb(-2)),
    parts=st.integers(-1, 50),
    first=st.none() | st.integers(-1_000, 2_000_000).map(lambda n: Decimal(n).scaleb(-2)),
    wait=st.none() | st.integers(-5, 60),
    today=todays,
    policy=policies,
    working=calendars,
)
def test_the_nearest_offered_is_possible(
    debt: Decimal,
    parts: int,
    first: Decimal | None,
    wait: int | None,
    today: date,
    policy: InstalmentPolicy,
    working: WorkingDays,
) -> None:
    """Taking what each refusal offers leads to a schedule within a few answers."""
    first_on = None if wait is None else today + timedelta(wait)
    for _ in range(len(Obstacle)):
        answer = asked(instalments, debt, InstalmentWish(parts, first, first_on), today, policy, working)
        if not isinstance(answer, NotPossible):
            assert sum(part.amount for part in answer) == debt
            return
        obstacle, nearest = refusal(answer)
        match nearest:
            case None:
                assert debt <= 0
                return
            case int():
                parts = nearest
            case date():
                first_on = nearest
            case Decimal() if obstacle is Obstacle.DEBT_TOO_SMALL:
                assert nearest > debt
                debt = nearest
            case Decimal():
                first = nearest
    pytest.fail("the refusals lead nowhere")


@given(
    debt=centimes,
    wait=st.integers(-10, 100),
    due=st.none() | st.integers(-30, 30),
    max_days=st.integers(1, 90),
    today=todays,
    working=calendars,
)
def test_a_deferral_is_the_debt_on_a_working_day_or_the_nearest_is(
    debt: Decimal, wait: int, due: int | None, max_days: int, today: date, working: WorkingDays
) -> None:
    policy = DeferralPolicy(max_days, Decimal(0))
    due_on = None if due is None else today + timedelta(due)
    found = asked(deferral, debt, today + timedelta(wait), today, policy, working, due_on=due_on)
    if isinstance(found, NotPossible):
        nearest = found.day
        assert nearest is not None
        found = deferral(debt, nearest, today, policy, working, due_on=due_on)
        assert found[0].due_on == nearest
    assert [part.amount for part in found] == [debt]
    assert found[0].due_on in working
    assert found[0].due_on > max(today, due_on or today)
    assert flaws(found, debt, today, policy, working, due_on=due_on) == []
