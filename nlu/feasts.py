"""Religious feasts and Ramadan as customers name them, and the days they fall on.

Dates are of the tabular Islamic calendar: see `_islamic_day` and docs/understanding.md.
"""

from __future__ import annotations

from datetime import date

# What a feast's name begins with: "l'aïd el", "3id l".
_AID = r"(?:(?:l' ?)?(?:aid|eid)(?: ?(?:al|el|ul|l))?[ -]?|(?:l|el )?3[ie]+d l?|(?:ال|ل)?عيد (?:ال|ل)?)"
Feast = tuple[int, int]
"""Month and day in the Islamic calendar."""

_BREAKING, _SACRIFICE, _BIRTHDAY, _ASHURA, _RAMADAN = (10, 1), (12, 10), (3, 12), (1, 10), (9, 1)
_FEASTS: list[tuple[Feast, str]] = [
    (
        _BREAKING,
        rf"{_AID}(?:fi?tr|f[ie]tr|s+[ae]?ghi[ei]?r|فطر|صغير)|(?:fin|end|نهايه|اخر) (?:du |de |of )?{{ramadan}}",
    ),
    (_SACRIFICE, rf"{_AID}(?:[ae]?d[h7]+a|e?k[ae]?bi[ei]?r|[7h]awli|اضح[يا]|كبير|حولي)|fete du mouton"),
    (_BIRTHDAY, rf"{_AID}(?:l?m[ao]*u?lo?u?d|mawlid|مولد|مولود)(?: النبوي)?|mawlid|(?:ال)?مولد النبوي"),
    (_ASHURA, r"3?achou?ra|ashura|عاشورا"),
]
_RAMADAN_WORD = r"(?:(?:le )?(?:mois de )?ram[ae]?dh?an|رمضان)"
_ANY_FEAST = r"l'? ?aid|el aid|the eid|eid|laid|l?3[ie]+d|(?:ال|ل)عيد"
"""One of the two great feasts, whichever is nearer."""
_BEFORE_OR_AFTER = (
    r"(?:(?:avant|apres|jusqu'?a|d'ici|before|after|until|till|by|بعد|قبل|حتي ?ل?|الي|لغايه"
    r"|(?:من )?مورا?|(?:m[eo]?n )?(?:b[ae]?3d|m[ou]+ra?)|[9q]b[ae]?l|[7h]t+al?(?: l)?|t+al?(?: l)?)"
    r"(?: (?:le|la|les|the|fete de))* ?)"
)
_FEAST_LEAD = (
    rf"(?:{_BEFORE_OR_AFTER}|(?:pour|on|a|f|في|n[h8]ar|نهار|يوم|m3a|مع)"
    r"(?: (?:la|le|les|the))?(?: (?:fete de|jour de|day of))? ?)"
)
_NO_GREETING = r"(?!\w)(?! ?(?:m[aou]*bar[ae]k|said|sa3id|مبارك|سعيد))"

PHRASES: tuple[tuple[str, tuple[Feast, ...]], ...] = (
    *(
        (rf"(?<!\w)(?:{_FEAST_LEAD})?(?:{words.format(ramadan=_RAMADAN_WORD)}){_NO_GREETING}", (feast,))
        for feast, words in _FEASTS
    ),
    (rf"(?<!\w)(?:apres|after|(?:من )?بعد|(?:m[eo]?n )?b[ae]?3d) (?:{_RAMADAN_WORD})(?!\w)", (_BREAKING,)),
    (rf"(?<!\w){_BEFORE_OR_AFTER}(?:{_RAMADAN_WORD})(?!\w)", (_RAMADAN,)),
    (rf"(?<!\w){_FEAST_LEAD}(?:{_ANY_FEAST}){_NO_GREETING}", (_BREAKING, _SACRIFICE)),
)
"""Patterns over folded text and the feasts they may mean, in the order in which they are to be tried."""


def around(today: date, feasts: tuple[Feast, ...]) -> tuple[date, date]:
    """The nearest day of any of the feasts before and after `today`, itself included in both."""
    this_month = _islamic_month(today)
    days = [
        _islamic_day(months, day)
        for months in range(this_month - 14, this_month + 15)
        for month, day in feasts
        if months % 12 == month - 1
    ]
    return max(d for d in days if d <= today), min(d for d in days if d >= today)


def _islamic_month(day: date) -> int:
    """The month of the tabular Islamic calendar, counted from year 1, that `day` lies in or just beside."""
    return (day.toordinal() - _HEGIRA) * 360 // 10631


_HEGIRA = date(622, 7, 19).toordinal()


def _islamic_day(months: int, day: int) -> date:
    """A day of the month that is `months` after the first, in the tabular calendar (30 years of 10,631 days).

    A month begins in Morocco when the moon has been seen, so no calendar knows it; this one is a day off at most, and
    right more often than the Umm al-Qura calendar of the libraries, which is Saudi Arabia's (docs/understanding.md).
    """
    years, month = divmod(months, 12)
    days = 354 * years + (11 * (years + 1) + 3) // 30 + 59 * (month // 2) + 30 * (month % 2)
    return date.fromordinal(_HEGIRA + days + day - 1)
