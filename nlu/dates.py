"""Dates as customers write them, in five varieties, resolved against a given day.

`find` reads folded text whose number words are digits already (`nlu.numbers.spell_out`). A mention like "le 15"
is both a day gone by (a reading taken) and a day to come (a promise to pay): it carries both, and `value` is the
one to come unless the words say otherwise; the entity extractor knows better when a reading stands beside it.
Weeks begin on Monday. A period ("la semaine prochaine") has its first day as value and its last in `until`.

Duckling (in process, `pyduckling-native-phihos`) understood 21 of 32 of our phrases in French and Arabic and no
Darija; what it misses is what our customers write, so the grammar here is ours, one table for all varieties.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Mention:
    """A date in a folded text, at `start:end`."""

    start: int
    end: int
    value: date
    past: date
    """The same words read as a day that has been (or today)."""
    future: date
    """The same words read as a day to come (or today)."""
    until: date | None = None
    """The last day when the words name a period."""

    @property
    def ambiguous(self) -> bool:
        return self.past != self.future


def _alternatives(table: dict[int, str]) -> tuple[str, dict[str, int]]:
    """A regular expression for all the words of a table, longest first, and the word's number."""
    words = {word: number for number, spellings in table.items() for word in spellings.split()}
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True)), words


MONTH_NAMES, _MONTHS = _alternatives(
    {
        1: "janvier janv jan january يناير yanayer yanayir yanayr",
        2: "fevrier fevr fev february feb فبراير febrayer fibrayer fibrayr",
        3: "mars march مارس",
        4: "avril avr april ابريل افريل abril",
        5: "mai may ماي مايو mayo",
        6: "juin june يونيو يونيه yonyo younio yunyu",
        7: "juillet juil july يوليوز يوليو yolyoz youlyouz yulyuz",
        8: "aout august غشت اغسطس ghocht ghucht",
        9: "septembre sept september sep شتنبر سبتمبر chotanbir chtanbir",
        10: "octobre oct october اكتوبر oktobr oktober oktoubr",
        11: "novembre nov november نونبر نوفمبر nowanbir nouanbir nwanbir",
        12: "decembre dec december دجنبر ديسمبر dojanbir doujanbir djanbir",
    }
)
_WEEKDAY, _WEEKDAYS = _alternatives(
    {
        0: "lundi monday الاثنين الاتنين التنين لتنين tnin ltnin letnin ttnin",
        1: "mardi tuesday الثلاثا التلات tlat ttlat",
        2: "mercredi wednesday الاربعا لاربع الاربع larb3 larba3 larbe3 lareb3 larb3a",
        3: "jeudi thursday الخميس لخميس خميس khmis lkhmis lekhmis l5mis 5mis",
        4: "vendredi friday الجمعه جمعه لجمعه jm3a jem3a jam3a jom3a ljm3a ljem3a ljam3a",
        5: "samedi saturday السبت سبت sbt ssbt sebt ssebt sabt",
        6: "dimanche sunday الاحد الحد لحد l7d l7ed l7add l7edd lhed",
    }
)
_ORDINAL, _ORDINALS = _alternatives(
    {
        1: "الاول",
        2: "الثاني",
        3: "الثالث",
        4: "الرابع",
        5: "الخامس",
        6: "السادس",
        7: "السابع",
        8: "الثامن",
        9: "التاسع",
        10: "العاشر",
    }
)

_OF = r"(?:du|de la|de|d'|of the|of|من|ديال|د|في|ف|dyal|dial|d|f|mn|men|l)"
_THIS = r"(?:ce|cette|this|the|هذا|هاذا|هاد|هذه|فهاد|had|le|la)"
_NEXT = (
    r"(?:prochaine?|suivante?|qui vient|(?:ال)?(?:قادمه?|مقبله?|تاليه?)|(?:اللي |لي )?(?:ال)?جايه?"
    r"|(?:li |lli )?l?jay+a?)"
)
_LAST = (
    r"(?:derniere?|passee?|precedente?|(?:ال)?ماضيه?|المنصرمه?|(?:اللي |لي )?(?:ال)?فايته?|(?:اللي|لي) فاتت?"
    r"|(?:li |lli )fat+e?t?|l?fayta?)"
)
_MONTH_WORD = r"(?:mois|month|(?:ال)?شهر|لشهر|l?e?(?:ch|sh)a?[h8]+[aeo]?r)"
_WEEK_WORD = r"(?:semaine|week|(?:ال)?اسبوع|(?:ال)?سيمانه|لسيمانه|l?s[ie]?mana)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])(?:er|st|nd|rd|th)?"
_YEAR = r"(?P<year>20\d\d)"
_NOT_COUNTED = (
    r"(?![\d%])(?![.,/:-]\d)"
    r"(?! ?(?:dhs?|kwh|kw|mad|euros?|h|heures?|hours?|j|jrs?|jours?|days?|mois|months?|semaines?|weeks?|m3|fois|eme"
    r"|minutes?|mn|ans?|personnes?|x|درهم|دراهم|ايام|يوما?|اسابيع|شهور|اشهر|مرات|ساعات|ساعه|دقايق|دقيقه|كيلو\w*"
    r"|iyam|ayam|yam|simanat?|chhour|chhor|dr?a?hm\w*|d[ei]rhams?|mr+at|dfo3at)(?!\w))(?![a-z])"
)

_END = (
    r"(?:a la fin|fin|(?:the )?end|نهايه|اخر|اواخر|(?:ال)?تالي|الاخر|لاخر|متم"
    r"|l?[ae]?(?:kh|5)+[aei]?r|akhir|t?tali|talit)"
)
_START = (
    r"(?:au debut|debut|(?:the )?(?:beginning|start)|بدايه|اول|مطلع|اوايل|الاول|لول"
    r"|(?:f )?l?[aeo]?w+[ae]?l|loul|bdayt)"
)
_MIDDLE = r"(?:milieu|mi|(?:the )?middle|mid|منتصف|نصف|نص|وسط|n[eo]s+|w[eo]st)"
_EDGE = rf"(?:(?P<end>{_END})|(?P<start>{_START})|(?P<middle>{_MIDDLE}))"

_DAYS = r"(?P<days>jours?|jrs?|j|days?|يوما?|ايام|l?iyam|l?ayam|yam|youm|yom|nharat)"
_WEEKS = r"(?P<weeks>semaines?|weeks?|اسبوعا?|اسابيع|سيمانات|سيمانه|s[ie]?manat|s[ie]?mana)"
_MONTHS_OF = r"(?P<months>mois|months?|شهرا?|شهور|اشهر|(?:ch|sh)a?[h8]+[aeo]?r|(?:ch|sh)h?ou?r)"
_DUAL = (
    r"(?P<dual>(?P<two_days>يومين|يومان|y[ou]+mayn|nharayn)|(?P<two_weeks>اسبوعين|سيمانتين|s[ie]mantayn|s[ie]mantin)"
    r"|(?P<two_months>شهرين|ch[ae]?hrayn|chehrin))"
)
_SPAN = rf"(?:(?:(?P<n>\d{{1,3}}|une?|an?|one|واحد|wa7ed|wahed|chi) )?(?:{_DAYS}|{_WEEKS}|{_MONTHS_OF})|{_DUAL})"
_AHEAD = (
    r"(?:dans|d'ici|sous|au bout de|encore|delai de|laissez[- ]moi|in|within|another|(?:من )?بعد|خلال|غضون|مهله"
    r"|من هنا ل?|من دابا ل?|زيدوني|صبرو عليا|(?:m[eo]?n )?b[ae]?3d|m[eo]?n hna l?|m[eo]?n daba l?|mohla d|zidou?ni)"
)
_BACK = r"(?:il y a|depuis|ca fait|since|for|منذ|قبل|من|هادي|هذي|hadi)"

_DAY_LEAD = (
    r"(?:(?:jusqu'?|jusque|jusqu )?\s?au|(?:avant |apres |d'ici |pour |vers |des |que |jusqu'a )?le|a partir du|du"
    r"|(?:on|by|before|until|till|after|from|since) the|the|(?:ل|ف|ب)?(?:يوم|نهار)|قبل|(?:من )?بعد|حتي ?ل?"
    r"|(?:ال|ل)?غايه"
    r"|ب?تاريخ|الي غايه|(?:f |l )?n[h8]ar|y[ou]+m|(?:m[eo]?n )?b[ae]?3d|[9q]b[ae]?l|[7h]t+al?(?: l)?'?|t+al)"
)
_DAY_TAIL = (
    rf"(?: ?{_OF} ?)?(?:{_THIS} )?(?:{_MONTH_WORD}(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)(?: de)?)?"
    rf"(?: ?(?P<name>{MONTH_NAMES})(?!\w)(?:,? {_YEAR}(?!\d))?)?"
)


def _add_months(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _day_in(first: date, day: int) -> date | None:
    """Day `day` of the month of `first`, if that month has it."""
    return first.replace(day=day) if day <= _month_end(first).day else None


_Resolved = tuple[date, date, date | None]  # past, future, until
_Resolver = Callable[[re.Match[str], date], _Resolved | None]


def _both(day: date, until: date | None = None) -> _Resolved:
    return day, day, until


def _numeric(m: re.Match[str], today: date) -> _Resolved | None:
    day, month, year = int(m["day"]), int(m["month"]), m["year"]
    if (day, month, year) in ((7, 7, None), (24, 7, None)):  # "7/7" and "24/7" say always
        return None
    return _named_day(day, month, year, today)


def _iso(m: re.Match[str], today: date) -> _Resolved | None:
    return _named_day(int(m["day"]), int(m["month"]), m["year"], today)


def _named_day(day: int, month: int, year: str | None, today: date) -> _Resolved | None:
    """A day and a month; the year nearest before and after today when none is given."""
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return None
    if year:
        first = date(int(year) if len(year) == 4 else 2000 + int(year), month, 1)
        found = _day_in(first, day)
        return _both(found) if found else None
    # 29 February may be three years away.
    days = [d for y in range(today.year - 4, today.year + 5) if (d := _day_in(date(y, month, 1), day)) is not None]
    if not days:
        return None
    return max(d for d in days if d <= today), min(d for d in days if d >= today), None


def _day_and_month(m: re.Match[str], today: date) -> _Resolved | None:
    return _named_day(int(m["day"]), _MONTHS[m["name"]], m["year"], today)


def _day_of_month(day: int, m: re.Match[str], today: date) -> _Resolved | None:
    parts = m.groupdict()
    if parts.get("name"):
        return _named_day(day, _MONTHS[parts["name"]], parts.get("year"), today)
    first = today.replace(day=1)
    if parts.get("next") or parts.get("last"):
        found = _day_in(_add_months(first, 1 if parts.get("next") else -1), day)
        return _both(found) if found else None
    days = [d for k in range(-2, 3) if (d := _day_in(_add_months(first, k), day)) is not None]
    return max(d for d in days if d <= today), min(d for d in days if d >= today), None


def _led_day(m: re.Match[str], today: date) -> _Resolved | None:
    return _day_of_month(int(m["day"]), m, today)


def _ordinal_day(m: re.Match[str], today: date) -> _Resolved | None:
    return _day_of_month(_ORDINALS[m["ordinal"]], m, today)


def _edge(first: date, m: re.Match[str]) -> date:
    if m["end"]:
        return _month_end(first)
    return first if m["start"] else first.replace(day=15)


def _edge_of_month(m: re.Match[str], today: date) -> _Resolved | None:
    first = today.replace(day=1)
    shift = 1 if m["next"] or m["next_en"] else -1 if m["last"] or m["last_en"] else 0
    if shift:
        return _both(_edge(_add_months(first, shift), m))
    edges = [_edge(_add_months(first, k), m) for k in (-1, 0, 1)]
    return max(d for d in edges if d <= today), min(d for d in edges if d >= today), None


def _edge_of_named_month(m: re.Match[str], today: date) -> _Resolved | None:
    edges = [_edge(date(today.year + k, _MONTHS[m["name"]], 1), m) for k in (-1, 0, 1)]
    return max(d for d in edges if d <= today), min(d for d in edges if d >= today), None


def _shift_of(m: re.Match[str]) -> int:
    return 1 if m["next"] or m["next_en"] else -1


def _whole_month(m: re.Match[str], today: date) -> _Resolved | None:
    first = _add_months(today.replace(day=1), _shift_of(m))
    return _both(first, _month_end(first))


def _whole_week(m: re.Match[str], today: date) -> _Resolved | None:
    monday = today - timedelta(today.weekday()) + timedelta(7 * _shift_of(m))
    return _both(monday, monday + timedelta(6))


def _end_of_week(m: re.Match[str], today: date) -> _Resolved | None:
    return _both(today + timedelta(6 - today.weekday()))


def _on_weekday(m: re.Match[str], today: date) -> _Resolved | None:
    """The day of that name before and after today; today itself only as a day gone by."""
    ahead = (_WEEKDAYS[m["weekday"]] - today.weekday() - 1) % 7 + 1
    future, past = today + timedelta(ahead), today + timedelta(ahead - 7)
    if m["next"] or m["next_en"]:
        return _both(future)
    if m["last"] or m["last_en"]:
        return _both(past if past < today else past - timedelta(7))
    return past, future, None


def _length(m: re.Match[str]) -> tuple[int, int]:
    """Days and months of a span."""
    if m["dual"]:
        return 2 if m["two_days"] else 14 if m["two_weeks"] else 0, 2 if m["two_months"] else 0
    n = int(m["n"]) if m["n"] and m["n"].isdecimal() else 1
    return n if m["days"] else 7 * n if m["weeks"] else 0, n if m["months"] else 0


def _offset(m: re.Match[str], today: date, sign: int) -> _Resolved:
    days, months = _length(m)
    return _both(_add_months(today, sign * months) + timedelta(sign * days))


def _ahead(m: re.Match[str], today: date) -> _Resolved | None:
    return _offset(m, today, 1)


def _back(m: re.Match[str], today: date) -> _Resolved | None:
    return _offset(m, today, -1)


_NEAR: list[tuple[int, str]] = [
    (-2, r"avant[- ]?hier|(?:the )?day before yesterday|اول امس|اول البارح|ول البارح|ولبارح|w[ae]?l+ ?l?bare?[7h]"),
    (2, r"apres[- ]?demain|(?:the )?day after tomorrow|(?:من )?بعد غدا?|(?:m[eo]?n )?b[ae]?3d ?gh[ae]?d+a"),
    (
        -1,
        r"hier(?: (?:matin|soir))?|yesterday|last night|امس|البارحه?|لبارحه?|مبارح"
        r"|(?:l ?)?[ae]?l?bar[ae]?[7h]|lbar[7h]a?",
    ),
    (1, r"demain(?: matin| soir)?|tomorrow|tmrw|غدا|غدوه|غد|l?gh[ae]?d+a|ghdda"),
    (
        0,
        r"aujourd'? ?hui|auj|ce (?:matin|soir|jour|midi)|cet apres[- ]?midi|cette (?:nuit|journee)|today|tonight"
        r"|this (?:morning|afternoon|evening)|ليومه?|اليومه?|(?:هاد|هذا) (?:ال)?(?:صباح|نهار|مساء?|يوم|ليله)"
        r"|(?:صباح|مسا|ظهر) اليوم|l[iy]?y?ou?ma?|lyu?ma?|had (?:s?sba[7h]|n+har|l?3chi?y?a|l+il+a?)",
    ),
]


def _near(days: int) -> _Resolver:
    return lambda m, today: _both(today + timedelta(days))


_RULES: list[tuple[re.Pattern[str], _Resolver]] = [
    (re.compile(pattern), resolver)
    for pattern, resolver in (
        (rf"(?<![\d/.-]){_YEAR}[-/](?P<month>0?[1-9]|1[0-2])[-/]{_DAY}(?![\d/-])", _iso),
        (r"(?<![\d/.-])(?P<day>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>20\d\d|\d\d))?(?![\d/])", _numeric),
        (
            r"(?<![\d/.,-])(?P<day>\d{1,2})(?P<s>[.-])(?P<month>\d{1,2})(?P=s)(?P<year>20\d\d|\d\d)(?![\d.-])",
            _numeric,
        ),
        (r"(?<![\w/.-])(?P<day>\d{1,2}) (?P<month>0?[1-9]|1[0-2]) (?P<year>20\d\d)(?![\d/])", _numeric),
        (
            rf"(?<!\w)(?:(?:le|the|on the|on|يوم|نهار|n[h8]ar|l|f) )?{_DAY} ?(?:of|de|d'|من|في|ف|d|f|شهر)? ?"
            rf"(?P<name>{MONTH_NAMES})\.?(?!\w)(?:,? {_YEAR}(?!\d))?",
            _day_and_month,
        ),
        (rf"(?<!\w)(?P<name>{MONTH_NAMES})\.? (?:the )?{_DAY}{_NOT_COUNTED}(?:,? {_YEAR}(?!\d))?", _day_and_month),
        (
            rf"(?<!\w)[وفبل]?(?:ال)?{_EDGE}[ -](?:{_OF} ?)?(?:{_THIS} )?(?:(?P<next_en>next)|(?P<last_en>last))? ?"
            rf"{_MONTH_WORD}(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)(?! (?:{MONTH_NAMES})(?!\w))(?! de )",
            _edge_of_month,
        ),
        (
            rf"(?<!\w)[وفبل]?{_EDGE}[ -](?:{_OF} ?)?(?:{_MONTH_WORD} (?:de |d')?)?(?P<name>{MONTH_NAMES})(?!\w)",
            _edge_of_named_month,
        ),
        (
            rf"(?<!\w)(?:[وفبل]?(?:نهايه|اخر)|fin|(?:the )?end|l?[ae]?khe?r) (?:{_OF} ?)?(?:{_THIS} )?{_WEEK_WORD}"
            rf"(?!\w)(?! {_NEXT})|(?<!\w)(?:week[- ]?end|l?wikand|الويكاند|ويكاند)(?!\w)",
            _end_of_week,
        ),
        *((rf"(?<!\w)[وفبل]?(?:{words})(?!\w)", _near(days)) for days, words in _NEAR),
        (rf"(?<!\w)[وف]?{_AHEAD} ?{_SPAN}(?!\w)", _ahead),
        (rf"(?<!\w){_SPAN} (?:de plus|from now|more)(?!\w)", _ahead),
        (rf"(?<!\w){_SPAN} ago(?!\w)", _back),
        (rf"(?<!\w){_BACK} {_SPAN}(?!\w)", _back),
        (
            rf"(?<!\w){_DAY_LEAD} ?(?:l|ال|n[h8]ar |يوم |نهار )?{_DAY}{_NOT_COUNTED}{_DAY_TAIL}",
            _led_day,
        ),
        (
            rf"(?<![\w.,/]){_DAY}{_NOT_COUNTED} ?(?:(?:{_OF}|fhad|فهاد) ?)?(?:{_THIS} )?(?<!\d )(?<!\d){_MONTH_WORD}"
            rf"(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)",
            _led_day,
        ),
        (rf"(?<!\w){_DAY} {_MONTH_WORD} (?:(?P<next>{_NEXT})|(?P<last>{_LAST}))(?!\w)", _led_day),
        (rf"(?<![\w])(?:the )?(?P<day>[12]?\d|3[01])(?:st|nd|rd|th)(?!\w){_DAY_TAIL}", _led_day),
        (
            rf"(?<!\w)[بل]?(?P<ordinal>{_ORDINAL}) (?:من |في |ف)?(?:{_THIS} )?"
            rf"(?:{_MONTH_WORD}|(?P<name>{MONTH_NAMES}))(?!\w)",
            _ordinal_day,
        ),
        (
            rf"(?<!\w)[وفبل]?(?:(?P<next_en>next) |(?P<last_en>last) |(?:on|nhar|had|f|le|ce|this|يوم|نهار|هاد) )*"
            rf"(?P<weekday>{_WEEKDAY})(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)",
            _on_weekday,
        ),
        (
            rf"(?<!\w)[وفبل]?(?:(?:(?P<next_en>next)|(?P<last_en>last)) week"
            rf"|{_WEEK_WORD} (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))(?!\w)",
            _whole_week,
        ),
        (
            rf"(?<!\w)[وفبل]?(?:(?:(?P<next_en>next)|(?P<last_en>last)) month"
            rf"|{_MONTH_WORD} (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))(?!\w)",
            _whole_month,
        ),
    )
]

# Words that put an open date in the past; without them a day is taken as one to come.
_BEFORE_NOW = re.compile(
    r"(?<!\w)(?:releve le|relevee? le|depuis|c'etait|was|since|منذ|قريت|خديت|شفت|قراته|9rit|qrit|kan|خذت)(?!\w)"
)


_LONGEST_MONTH = 62
"""Days between two readings of "le 31"; a wider gap means that it is the year which is open."""


def find(text: str, today: date) -> list[Mention]:
    """The dates of a folded, spelled-out text, in order, without overlaps. Never raises."""
    taken: list[tuple[int, int]] = []
    mentions: list[Mention] = []
    gone_by = _BEFORE_NOW.search(text) is not None
    has_digit = any(c.isdecimal() for c in text)
    for pattern, resolve in _RULES:
        if "day" in pattern.groupindex and not has_digit:
            continue
        for m in pattern.finditer(text):
            start, end = m.span()
            if any(start < t and s < end for s, t in taken):
                continue
            resolved = resolve(m, today)
            if resolved is None:
                continue
            past, future, until = resolved
            # "15/11" with no year is the nearer one; "le 15" with no month is the one to come.
            yearly = (future - past).days > _LONGEST_MONTH and today - past < future - today
            value = past if gone_by or yearly else future
            mentions.append(Mention(start, end, value, past, future, until))
            taken.append((start, end))
    return [
        replace(m, end=m.start + len(text[m.start : m.end].rstrip())) for m in sorted(mentions, key=lambda m: m.start)
    ]
