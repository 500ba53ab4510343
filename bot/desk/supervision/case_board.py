"""Figures of readings and requests: how many, what became of them, and how long a decision took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

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
from bot.desk.supervision.words import channel_name
from bot.desk.wording import N_
from bot.desk.words import READING_STATES, REQUEST_KINDS
from store.desk_figures import Decision, Readings, Requested
from store.models import ReadingState, RequestState
from store.periods import Period
from store.requests import OPEN


def case_board(
    readings: Sequence[Readings], requested: Sequence[Requested], decisions: Sequence[Decision], period: Period
) -> Board:
    received = sum(each.readings for each in readings)
    accepted = sum(each.readings for each in readings if each.state is ReadingState.ACCEPTED)
    waits = [seconds(each.decided_at - each.asked_at) for each in decisions]
    asked = sum(each.requests for each in requested)
    return Board(
        title=N_("Relevés et demandes"),
        tiles=(
            Tile(N_("Relevés acceptés"), share(accepted, received), Unit.SHARE, Of.READINGS, received),
            Tile(N_("Délai de décision médian"), percentile(waits, 0.5), Unit.DURATION, Of.REQUESTS, len(waits)),
            Tile(N_("Demandes encore ouvertes"), share(_open(requested), asked), Unit.SHARE, Of.REQUESTS, asked),
        ),
        charts=(_readings(readings, received, period),),
        breakdowns=(_by_channel(readings, received), _by_kind(requested, decisions, asked)),
    )


def _open(requested: Sequence[Requested]) -> int:
    return sum(each.requests for each in requested if each.state in OPEN)


def _readings(readings: Sequence[Readings], received: int, period: Period) -> Chart:
    counted: Counter[tuple[ReadingState, date]] = Counter()
    for each in readings:
        counted[each.state, each.day] += each.readings
    return Chart(
        "readings",
        N_("Relevés reçus"),
        Kind.BARS,
        Unit.COUNT,
        period.days,
        [Series(READING_STATES[state], [counted[state, day] for day in period.days]) for state in ReadingState],
        Of.READINGS,
        received,
        note=N_("Donnés par les clients et les conseillers, selon leur état actuel."),
    )


def _by_channel(readings: Sequence[Readings], received: int) -> Breakdown:
    counted: Counter[tuple[str | None, ReadingState]] = Counter()
    totals: Counter[str | None] = Counter()
    for each in readings:
        counted[each.channel, each.state] += each.readings
        totals[each.channel] += each.readings
    rows = [
        Row(channel_name(channel), (total, *(counted[channel, state] for state in ReadingState)))
        for channel, total in totals.most_common()
    ]
    columns = (
        Column(N_("Relevés"), Unit.COUNT),
        *(Column(READING_STATES[state], Unit.COUNT) for state in ReadingState),
    )
    return Breakdown("reading-channels", N_("Relevés par canal"), N_("Canal"), columns, rows, Of.READINGS, received)


GRANTED = frozenset(RequestState) - {*OPEN, RequestState.REFUSED, RequestState.WITHDRAWN}
"""States that only a request that was granted can reach."""


def _by_kind(requested: Sequence[Requested], decisions: Sequence[Decision], asked: int) -> Breakdown:
    totals: Counter[str] = Counter()
    for each in requested:
        totals[each.kind] += each.requests
    rows = []
    for kind, total in totals.most_common():
        here = [each for each in requested if each.kind == kind]
        waits = [seconds(each.decided_at - each.asked_at) for each in decisions if each.kind == kind]
        rows.append(
            Row(
                REQUEST_KINDS.get(kind, kind),
                (
                    total,
                    _open(here),
                    sum(each.requests for each in here if each.state in GRANTED),
                    sum(each.requests for each in here if each.state is RequestState.REFUSED),
                    sum(each.requests for each in here if each.state is RequestState.WITHDRAWN),
                    percentile(waits, 0.5),
                ),
            )
        )
    columns = (
        Column(N_("Demandes"), Unit.COUNT),
        Column(N_("Ouvertes"), Unit.COUNT),
        Column(N_("Accordées ou traitées"), Unit.COUNT),
        Column(N_("Refusées"), Unit.COUNT),
        Column(N_("Retirées"), Unit.COUNT),
        Column(N_("Délai médian"), Unit.DURATION),
    )
    return Breakdown("requests", N_("Demandes par nature"), N_("Nature"), columns, rows, Of.REQUESTS, asked)
