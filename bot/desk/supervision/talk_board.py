"""Figures of the transcript: what the assistant did alone, what customers wanted, traffic and refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from bot.desk.intent_words import intent_name
from bot.desk.supervision.figures import Board, Breakdown, Chart, Column, Kind, Of, Row, Series, Tile, share
from bot.desk.supervision.plot import Unit
from bot.desk.supervision.words import channel_name, language_name
from bot.desk.wording import N_
from store.message_figures import Contacts, Refusal, Traffic, Understood
from store.models import Direction
from store.periods import Period

SURE = "sure"


def talk_board(
    contacts: Sequence[Contacts],
    traffic: Sequence[Traffic],
    refusals: Sequence[Refusal],
    understood: Sequence[Understood],
    period: Period,
) -> Board:
    conversations = sum(each.all for each in contacts)
    alone = conversations - sum(each.with_people for each in contacts)
    listened = sum(each.messages for each in understood)
    sent = [each for each in traffic if each.direction is Direction.OUT]
    return Board(
        title=N_("L’assistant et les messages"),
        tiles=(
            Tile(
                N_("Traité par l’assistant seul"),
                share(alone, conversations),
                Unit.SHARE,
                Of.CONVERSATIONS,
                conversations,
            ),
            Tile(N_("Messages bien compris"), share(_sure(understood), listened), Unit.SHARE, Of.MESSAGES, listened),
            Tile(
                N_("Messages non remis"),
                share(sum(each.refused for each in sent), sum(each.messages for each in sent)),
                Unit.SHARE,
                Of.MESSAGES,
                sum(each.messages for each in sent),
            ),
            Tile(N_("Parties de SMS"), sum(each.parts for each in sent), Unit.COUNT, Of.MESSAGES, _sms(sent)),
        ),
        charts=(_alone(contacts, conversations, period), _messages(traffic, period)),
        breakdowns=(
            _wanted(understood, listened),
            _languages(understood, listened),
            _channels(traffic),
            _refused(refusals),
        ),
    )


def _sure(understood: Iterable[Understood]) -> int:
    return sum(each.messages for each in understood if each.certainty == SURE)


def _sms(sent: Iterable[Traffic]) -> int:
    return sum(each.messages for each in sent if each.channel == "sms")


def _alone(contacts: Sequence[Contacts], conversations: int, period: Period) -> Chart:
    by_day = {each.day: each for each in contacts}
    values = [
        share(found.all - found.with_people, found.all) if (found := by_day.get(day)) else None for day in period.days
    ]
    return Chart(
        "assistant",
        N_("Conversations traitées par l’assistant seul"),
        Kind.LINES,
        Unit.SHARE,
        period.days,
        (Series(N_("Part sans conseiller"), values),),
        Of.CONVERSATIONS,
        conversations,
        note=N_("Une conversation compte une fois par jour où le client écrit."),
    )


def _messages(traffic: Sequence[Traffic], period: Period) -> Chart:
    channels = sorted({each.channel for each in traffic})
    counted: Counter[tuple[str, date]] = Counter()
    for each in traffic:
        counted[each.channel, each.day] += each.messages
    return Chart(
        "messages",
        N_("Messages par canal"),
        Kind.BARS,
        Unit.COUNT,
        period.days,
        [Series(channel_name(each), [counted[each, day] for day in period.days]) for each in channels],
        Of.MESSAGES,
        sum(counted.values()),
    )


def _wanted(understood: Sequence[Understood], listened: int) -> Breakdown:
    rows = _counted(((intent_name(each.intent), each) for each in understood), listened)
    return Breakdown(
        "intents", N_("Ce que veulent les clients"), N_("Intention"), _UNSURE, rows, Of.MESSAGES, listened
    )


def _languages(understood: Sequence[Understood], listened: int) -> Breakdown:
    rows = _counted(((language_name(each.language), each) for each in understood), listened)
    return Breakdown("languages", N_("Dans quelle langue"), N_("Langue"), _UNSURE, rows, Of.MESSAGES, listened)


_UNSURE = (
    Column(N_("Messages"), Unit.COUNT),
    Column(N_("Part"), Unit.SHARE),
    Column(N_("Dont incertains"), Unit.SHARE),
)


def _counted(labelled: Iterable[tuple[str, Understood]], listened: int) -> list[Row]:
    """A row for each label, in the columns `_UNSURE`, the most frequent first."""
    counted: Counter[str] = Counter()
    sure: Counter[str] = Counter()
    for label, each in labelled:
        counted[label] += each.messages
        sure[label] += each.messages if each.certainty == SURE else 0
    return [
        Row(label, (count, share(count, listened), share(count - sure[label], count)))
        for label, count in counted.most_common()
    ]


def _channels(traffic: Sequence[Traffic]) -> Breakdown:
    rows = []
    for channel in sorted({each.channel for each in traffic}):
        here = [each for each in traffic if each.channel == channel]
        received = sum(each.messages for each in here if each.direction is Direction.IN)
        sent = sum(each.messages for each in here if each.direction is Direction.OUT)
        parts = sum(each.parts for each in here)
        refused = sum(each.refused for each in here)
        rows.append(Row(channel_name(channel), (received, sent, parts or None, refused)))
    columns = (
        Column(N_("Reçus"), Unit.COUNT),
        Column(N_("Envoyés"), Unit.COUNT),
        Column(N_("Parties de SMS"), Unit.COUNT),
        Column(N_("Non remis"), Unit.COUNT),
    )
    behind = sum(each.messages for each in traffic)
    return Breakdown("channels", N_("Par canal"), N_("Canal"), columns, rows, Of.MESSAGES, behind)


def _refused(refusals: Sequence[Refusal]) -> Breakdown:
    rows = [
        Row(
            f"{channel_name(each.channel)} · {each.error}" if each.error else channel_name(each.channel),
            (each.messages,),
        )
        for each in refusals
    ]
    return Breakdown(
        "refusals",
        N_("Pourquoi des messages n’ont pas été remis"),
        N_("Ce que dit l’opérateur de messagerie"),
        (Column(N_("Messages"), Unit.COUNT),),
        rows,
        Of.MESSAGES,
        sum(each.messages for each in refusals),
    )
