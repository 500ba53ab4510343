"""Figures of the hand-overs: waiting, first replies, how many and why, how they ended, what customers say of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from statistics import fmean

from billing.calendar import local_day
from bot.desk.supervision.figures import (
    Board,
    Breakdown,
    Chart,
    Column,
    Kind,
    Of,
    Row,
    Series,
    Tile,
    percentile,
    seconds,
    share,
)
from bot.desk.supervision.plot import Unit
from bot.desk.wording import N_
from bot.desk.words import HAND_OVER_REASONS, OUTCOMES
from store.desk_figures import Stay
from store.periods import Period

SLOW = 0.9
"""The share of customers who waited less than the second line of a chart says."""
SCORES = (5, 4, 3, 2, 1)


def desk_board(stays: Sequence[Stay], period: Period) -> Board:
    """From the hand-overs that were open at some time of the period."""
    opened = [each for each in stays if period.begins <= each.opened_at < period.ends]
    ended = [each for each in stays if each.ended_at is not None and period.begins <= each.ended_at < period.ends]
    asked = [each for each in ended if each.asked_at is not None]
    scores = [each.score for each in ended if each.score is not None]
    waits = _durations(opened, lambda stay: stay.claimed_at)
    replies = _durations(opened, lambda stay: stay.first_reply_at)
    all_waits, all_replies = _all(waits), _all(replies)
    return Board(
        title=N_("Passages à un conseiller"),
        tiles=(
            Tile(N_("Attente médiane"), percentile(all_waits, 0.5), Unit.DURATION, Of.STAYS, len(all_waits)),
            Tile(N_("Attente de 9 sur 10"), percentile(all_waits, SLOW), Unit.DURATION, Of.STAYS, len(all_waits)),
            Tile(
                N_("Première réponse, médiane"),
                percentile(all_replies, 0.5),
                Unit.DURATION,
                Of.STAYS,
                len(all_replies),
            ),
            Tile(
                N_("Jamais pris en charge"),
                share(_never_claimed(ended), len(ended)),
                Unit.SHARE,
                Of.STAYS,
                len(ended),
            ),
            Tile(N_("Satisfaction moyenne"), fmean(scores) if scores else None, Unit.SCORE, Of.ANSWERS, len(scores)),
            Tile(N_("Ont répondu à la question"), share(len(scores), len(asked)), Unit.SHARE, Of.STAYS, len(asked)),
        ),
        charts=(
            _waiting("waiting", N_("Attente avant la prise en charge"), waits, period),
            _waiting("first-reply", N_("Attente de la première réponse"), replies, period),
            _openings(opened, ended, period),
        ),
        breakdowns=(_reasons(opened), _outcomes(ended), _satisfaction(scores)),
    )


def _durations(stays: Sequence[Stay], until: Callable[[Stay], datetime | None]) -> Mapping[date, list[float]]:
    """Seconds from the opening, by the day of it; those that did not come so far are left out."""
    found: defaultdict[date, list[float]] = defaultdict(list)
    for each in stays:
        if (reached := until(each)) is not None:
            found[local_day(each.opened_at)].append(seconds(reached - each.opened_at))
    return found


def _all(by_day: Mapping[date, list[float]]) -> list[float]:
    return [value for values in by_day.values() for value in values]


def _never_claimed(ended: Sequence[Stay]) -> int:
    return sum(each.claimed_at is None for each in ended)


def _waiting(key: str, title: str, by_day: Mapping[date, list[float]], period: Period) -> Chart:
    days = period.days
    return Chart(
        key,
        title,
        Kind.LINES,
        Unit.DURATION,
        days,
        (
            Series(N_("Médiane"), [percentile(by_day.get(day, ()), 0.5) for day in days]),
            Series(N_("9 sur 10"), [percentile(by_day.get(day, ()), SLOW) for day in days]),
        ),
        Of.STAYS,
        len(_all(by_day)),
        note=N_("Par jour du passage. Ceux qui attendent encore ou sont repartis avant ne comptent pas."),
    )


def _openings(opened: Sequence[Stay], ended: Sequence[Stay], period: Period) -> Chart:
    begun = Counter(local_day(each.opened_at) for each in opened)
    over = Counter(local_day(each.ended_at) for each in ended if each.ended_at is not None)
    return Chart(
        "hand-overs",
        N_("Passages ouverts et terminés"),
        Kind.LINES,
        Unit.COUNT,
        period.days,
        (
            Series(N_("Ouverts"), [begun[day] for day in period.days]),
            Series(N_("Terminés"), [over[day] for day in period.days]),
        ),
        Of.STAYS,
        len(opened),
    )


def _reasons(opened: Sequence[Stay]) -> Breakdown:
    rows = [
        Row(HAND_OVER_REASONS.get(reason, reason), (count, share(count, len(opened))))
        for reason, count in Counter(each.reason for each in opened).most_common()
    ]
    return Breakdown("reasons", N_("Pourquoi"), N_("Raison"), _SHARES, rows, Of.STAYS, len(opened))


def _outcomes(ended: Sequence[Stay]) -> Breakdown:
    counted = Counter(each.outcome for each in ended if each.outcome is not None)
    rows = [
        Row(OUTCOMES.get(outcome, outcome), (count, share(count, len(ended))))
        for outcome, count in counted.most_common()
    ]
    return Breakdown("outcomes", N_("Comment ils ont fini"), N_("Issue"), _SHARES, rows, Of.STAYS, len(ended))


def _satisfaction(scores: Sequence[int]) -> Breakdown:
    counted = Counter(scores)
    rows = [Row(f"{score} / 5", (counted[score], share(counted[score], len(scores)))) for score in SCORES if scores]
    return Breakdown("satisfaction", N_("Notes des clients"), N_("Note"), _SHARES, rows, Of.ANSWERS, len(scores))


_SHARES = (Column(N_("Nombre"), Unit.COUNT), Column(N_("Part"), Unit.SHARE))
