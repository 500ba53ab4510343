"""Dates as customers write them, in five varieties, resolved against a given day.

`find` reads folded text whose number words are digits already (`nlu.numbers.spell_out`). A mention like "le 15"
is both a day gone by (a reading taken) and a day to come (a promise to pay): it carries both, and `value` is the
one that the nearest verb asks for, else the one to come; the entity extractor knows better when a reading stands
beside it.
Weeks begin on Monday. A period ("la semaine prochaine") has its first day as value and its last in `until`.

Duckling misses half of the dates that our customers write in Arabic and most in Darija (docs/understanding.md), so
the grammar here is ours, one table for all varieties.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from nlu import feasts


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
    told: bool = False
    """Whether a verb says that `value` is gone by or to come ("j'ai payé le 5", "je paierai le 15")."""
    since: bool = False
    """The words tell how long something has lasted ("depuis 3 jours") rather than a day."""

    @property
    def ambiguous(self) -> bool:
        return self.past != self.future


def _alternatives(table: dict[int, str]) -> tuple[str, dict[str, int]]:
    """A regular expression for all the words of a table, longest first, and the word's number."""
    words = {word: number for number, spellings in table.items() for word in spellings.split()}
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True)), words


MONTH_NAMES, _MONTHS = _alternatives(
    {
        1: "janvier janv jan january يناير yanayer yanayir yanayr janvie",
        2: "fevrier fevr fev february feb fivrier فبراير febrayer fibrayer fibrayr",
        3: "mars march مارس",
        4: "avril avr april apr ابريل افريل abril",
        5: "mai may ماي مايو mayo",
        6: "juin june يونيو يونيه yonyo younio yunyu",
        7: "juillet juil july يوليوز يوليو yolyoz youlyouz yulyuz",
        8: "aout august غشت اغسطس ghocht ghucht",
        9: "septembre sept september sep شتنبر سبتمبر chotanbir chtanbir choutanbir",
        10: "octobre oct october اكتوبر oktobr oktober oktoubr",
        11: "novembre nov november نونبر نوفمبر nowanbir nouanbir nwanbir nouvembre nowenbir",
        12: "decembre dec december دجنبر ديسمبر dojanbir doujanbir djanbir dujanbir doujambir",
    }
)
_WEEKDAYS = (
    r"lundi|monday|(?:ال|ل)(?:ا?ثنين|ا?تنين)|تنين|l?'?[ei]?t+nine?",
    r"mardi|tues(?:day)?|(?:ال)?ثلاثا|(?:ال|ل)?تلاتا?|l?'?t+lata?",
    r"merc?re?di|wednesday|(?:ال|ل)اربعا?|لربعا?|l'?[ae]?r[ae]?b[aei]?3a?|ar[ae]?b[ae]?3a?",
    r"jeudi|thurs(?:day)?|(?:ال|ل)?خميس|l?'?[ae]?(?:kh|5)[ae]?mis+e?",
    r"vend?re?di|friday|(?:ال|ل)?جمعه|l?'?[ae]?j[aeou]?m+3[ae]h?",
    r"samedi|saturday|(?:ال|ل)?سبت|[el]?s{1,2}[ae]?bt",
    r"diman?che?|sunday|الاحد|(?:ال|ل)حد|l'?[7h][ae]?d+",
)
"""Monday to Sunday."""
_WEEKDAY = "|".join(_WEEKDAYS)
_IN_A_NAME = r"(?<!souk )(?<!souq )(?<!sou9 )(?<!سوق )"
_NOT_A_NAME = (
    r"(?! (?:sbt )?(?:oulad|ouled|wlad|ولاد|اولاد|gzoula|جزوله|كزوله|zmamra|zemamra|زمامره|الزمامره|soualem|السوالم"
    r"|chtouka|شتوكه|ghiate|الغرب|s[7h]aim|اسحيم|الاقصي|الادني)(?!\w))"
)
"""Towns are named after their market day: Souk El Arbaa, Had Soualem, Sebt Gzoula; and «الحد الأقصى» is a maximum."""
_UP_TO_NOW = r"(?!(?:(?<=لحد)|(?<=l7ed)|(?<=l7ad)|(?<=lhad)|(?<=lhed)) ?(?:daba|dba|l?'?y[ou]+m|lan|ال[اي]|دابا|هاد))"
"""«لحد الآن» is "until now", not a Sunday."""


@lru_cache(maxsize=256)
def _weekday_of(name: str) -> int:
    return next(number for number, pattern in enumerate(_WEEKDAYS) if re.fullmatch(pattern, name))


_ORDINAL, _ORDINALS = _alternatives(
    {
        1: "first premier الاول فاتح fati7 fatih fate7 fateh",
        2: "second الثاني التاني",
        3: "third الثالث التالت",
        4: "fourth الرابع",
        5: "fifth الخامس",
        6: "sixth السادس",
        7: "seventh السابع",
        8: "eighth الثامن التامن",
        9: "ninth التاسع",
        10: "tenth العاشر",
        11: "eleventh",
        12: "twelfth",
        13: "thirteenth",
        14: "fourteenth",
        15: "fifteenth",
        16: "sixteenth",
        17: "seventeenth",
        18: "eighteenth",
        19: "nineteenth",
        20: "twentieth العشرين العشرون",
        30: "thirtieth الثلاثين الثلاثون",
    }
)
# "the twenty-fifth" is "the 20-fifth" by now, and «الخامس عشر» is «الخامس 10».
_ORDINAL_DAY = (
    rf"(?:(?P<tens>[23]0)[ -])?(?P<ordinal>{_ORDINAL})(?P<teen> 10(?!\d))?(?: ?و ?(?P<and>العشرين|الثلاثين))?"
)

_OF = r"(?:du|de la|de|d'|of the|of|من|ديال|د|في|ف|dyal|dial|d|f|mn|men|l)"
_THIS = r"(?:ce|cette|this|the|هذا|هاذا|هاد|هذه|فهاد|had|le|la)"
_NEXT = (
    r"(?:procha?[ie]+ne?|pro|suivante?|d'apres|qui vient|(?:ال)?(?:قادمه?|مقبله?|تاليه?)|(?:اللي |لي )?(?:ال)?جايه?"
    r"|(?:li |lli )?l?jay+a?)"
)
_LAST = (
    r"(?:derniere?|passee?|precedente?|(?:ال)?ماضيه?|المنصرمه?|(?:اللي |لي )?(?:ال)?فايته?|(?:اللي|لي) فاتت?"
    r"|(?:li |lli )fat+e?t?|l?fayta?)"
)
_MONTH_WORD = r"(?:mois|month|(?:ال)?شهر|لشهر|للشهر|l?e?(?:ch|sh)a?[h8]+[aeo]?r)"
_YEAR_WORD = r"(?:l?'?annee|l?'?an|year|(?:ال|ل)?(?:سنه|عام)|l?'?3am|s[ae]na)"
_WEEK_WORD = r"(?:semaine|week|(?:ال)?اسبوع|(?:ال|ل)?سيمان[ها]|l?s[ie]?mana)"
_SUFFIX = r"(?:(?<=1)st|(?<=2)nd|(?<=3)rd|th)"  # not "3nd", which is "at" in Darija
_DAY = rf"(?P<day>0?[1-9]|[12]\d|3[01])(?:er|{_SUFFIX})?"
_YEAR = r"(?P<year>20\d\d)"
_NOT_COUNTED = (
    r"(?![\d%])(?![.,/:-]\d)(?! \d{3}(?!\d))"
    r"(?! ?(?:dhs?|kwh|kw|kva|mad|euros?|h|heures?|hours?|j|jrs?|jours?|days?|mois|months?|semaines?|weeks?|m3|fois|x"
    r"|eme|minutes?|mn|ans?|personnes?|floor|etage|درهم|دراهم|ايام|يوما?|اسابيع|شهور|اشهر|مرات|ساعات|ساعه|دقايق"
    r"|دقيقه|كيلو\w*|iyam|ayam|yam|simanat?|chhour|chhor|dr?a?hm\w*|d[ei]rhams?|m[ae]?r+[ae]?t|d[aeo]?[fu]\w*3at|parts?|parties|times"
    r"|instal\w*|mensual\w*|versements?|pa[iy]e?ments?|tranches?|دفعات|اقساط)(?![\w']))(?![a-z])"
)

_END = (
    r"(?:a la fin|la fin|fin|(?:the )?end|نهايه|اخر|اواخر|(?:ال)?تالي|الاخر|لاخر|متم"
    r"|l?[ae]?(?:kh|5)+[aei]?r|akhir|t?tali|talit)"
)
_START = (
    r"(?:au debut|debut|(?:the )?(?:beginning|start)|بدايه|اول|مطلع|اوايل|الاول|لول"
    r"|اللول|راس|(?:f )?l?[aeo]?w+[ae]?l|loul|bdayt|ras)"
)
_MIDDLE = r"(?:milieu|mi|(?:the )?middle|mid|منتصف|نصف|نص|وسط|n[eo]s+|w[eo]st)"
_EDGE = rf"(?:(?P<end>{_END})|(?P<start>{_START})|(?P<middle>{_MIDDLE}))"

_DAYS = r"(?P<days>jours?|jrs?|j|days?|يوما?|ايام|l?iyam|l?ayam|yam|youm|yom|nharat)"
_WEEKS = r"(?P<weeks>semaines?|weeks?|اسبوعا?|اسابيع|سيمانات|سيمانه|s[ie]?manat|s[ie]?mana)"
_MONTHS_OF = r"(?P<months>mois|months?|شهرا?|شهور|اشهر|(?:ch|sh)a?[h8]+[aeo]?r|(?:ch|sh)h?ou?r)"
_LUMP = (
    r"(?P<lump>(?P<two_days>يومين|يومان|y[ou]+mayn|nharayn|couple (?:of )?days)|(?P<eight_days>huitaine)"
    r"|(?P<ten_days>dizaine)|(?P<two_weeks>اسبوعين|سيمانتين|s[ie]mantayn|s[ie]mantin|fortnight|couple (?:of )?weeks)"
    r"|(?P<fifteen_days>quinzaine)|(?P<two_months>شهرين|ch[ae]?hrayn|chehrin|couple (?:of )?months))(?: de jours)?"
)
"""A number and its unit in one."""
_DAYS_OF_LUMP = {"two_days": 2, "eight_days": 8, "ten_days": 10, "two_weeks": 14, "fifteen_days": 15}
_ONE = r"une?|an?|one|واحد|شي|wa7ed|wahed|chi"
_SPAN = (
    # "بعد يوم 15" is the 15th, not a day later: without a number before it the unit is followed by none.
    rf"(?:(?:(?P<n>\d{{1,3}}|{_ONE}) ?(?:more |extra |autres )?)?(?<![a-z](?=[a-z]))"
    rf"(?:{_DAYS}|{_WEEKS}|{_MONTHS_OF})(?P<half> et demie?| and a half| ?و ?نصف?| w ne?ss?)?(?(n)|(?! ?\d))"
    rf"|(?:(?:{_ONE}) )?{_LUMP})"
)
_AFTER = r"(?:(?:من )?بعد|(?:من )?مورا?|(?:m[eo]?n )?b[ae]?3d|(?:m[eo]?n )?m[ou]+ra?)"
_AHEAD = (
    r"(?:dans|d'ici|sous|au bout de|encore|delai de|laissez[- ]moi|donnez[- ]moi|accordez[- ]moi|besoin (?:de|d')"
    r"|(?:report|reporter|repousser|decaler|prolonger|patienter|attendre) (?:de|d')"
    r"|in|within|another|give me|(?:i )?need|(?:delay|extension) of|wait"
    rf"|{_AFTER}|خلال|غضون|مهله(?: (?:ديال|دي?|من))?|من هنا ل?|من دابا ل?|زي?دو?ني|صبرو? عليا?|(?:ا?عطي?و?|امهلو)ني"
    r"|m[eo]?n hna l?|m[eo]?n daba l?|mohla(?: (?:d|dyal|dial|mn))?"
    r"|zido?u?n[iy]|s[ae]?b[ae]?r[uo]?u? 3l[iy]+a|3[ae]?ti[uow]*n[iy])"
)
_BACK = r"(?:(?P<ago>il y a|y a|قبل|[9q]b[ae]?l)|depuis|ca fait|since|for|منذ|من|هادي|هذي|hadi|m[eo]?n)"

_NUMBERED = (
    r"floor|time|times|bill|payment|instal+ment|month|year|week|day|meter|reading|building|apartment|door|street|call"
    r"|one|person|lady|man|house|reminder|complaint|request|class|line"
)
"""Nouns that are counted: "the 4th floor", "the second bill"."""

_ENGLISH_LEAD = r"(?:on|by|before|until|till|after|from|since)"
_DAY_LEAD = (
    r"(?:(?:jusqu'?|jusque|jusqu )?\s?au|(?:avant |apres |d'ici |pour |vers |des |que |jusqu'a )?le|a partir du|du"
    rf"|{_ENGLISH_LEAD} the|the|(?:ل|ف|ب)?(?:يوم|نهار)|قبل|(?:من )?بعد|حتي ?ل?"
    r"|(?:ال|ل)?غايه|من هنا ل|m[eo]?n hna l"
    rf"|ب?تاريخ|الي غايه|(?:f |l )?n[h8]ar|y[ou]+m|{_AFTER}|[9q]b[ae]?l|[7h]t+al?(?: l)?'?|t+al?(?: l|l)'?)"
)
_DAY_TAIL = (
    # "Le 31 février" is no day at all, so not "le 31" either.
    rf"(?! (?:of |de |d')?(?:{MONTH_NAMES})(?!\w))"
    rf"(?: ?{_OF} ?)?(?:{_THIS} )?(?:(?:(?P<next_en>next) |(?P<last_en>last) )?{_MONTH_WORD}"
    rf"(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)(?: de)?)?"
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
    ahead = parts.get("next") or parts.get("next_en")
    if ahead or parts.get("last") or parts.get("last_en"):
        found = _day_in(_add_months(first, 1 if ahead else -1), day)
        return _both(found) if found else None
    days = [d for k in range(-2, 3) if (d := _day_in(_add_months(first, k), day)) is not None]
    return max(d for d in days if d <= today), min(d for d in days if d >= today), None


def _led_day(m: re.Match[str], today: date) -> _Resolved | None:
    return _day_of_month(int(m["day"]), m, today)


def _ordinal_day(m: re.Match[str], today: date) -> _Resolved | None:
    day = _ORDINALS[m["ordinal"]]
    if m["tens"]:
        day += int(m["tens"])
    if m["teen"]:
        day += 10
    if m["and"]:
        day += _ORDINALS[m["and"]]
    return _day_of_month(day, m, today) if day <= 31 else None


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


def _edge_of_year(m: re.Match[str], today: date) -> _Resolved | None:
    month, day = (12, 31) if m["end"] else (1, 1)
    if m["next"] or m["next_en"]:
        return _both(date(today.year + 1, month, day))
    if m["last"] or m["last_en"]:
        return _both(date(today.year - 1, month, day))
    return _named_day(day, month, None, today)


def _next_year(m: re.Match[str], today: date) -> _Resolved | None:
    return _both(date(today.year + 1, 1, 1), date(today.year + 1, 12, 31))


def _shift_of(m: re.Match[str]) -> int:
    return 1 if m["next"] or m["next_en"] else -1


def _whole_month(m: re.Match[str], today: date) -> _Resolved | None:
    first = _add_months(today.replace(day=1), _shift_of(m))
    return _both(first, _month_end(first))


def _whole_week(m: re.Match[str], today: date) -> _Resolved | None:
    monday = today - timedelta(today.weekday()) + timedelta(7 * _shift_of(m))
    return _both(monday, monday + timedelta(6))


def _end_of_week(m: re.Match[str], today: date) -> _Resolved | None:
    return _both(today + timedelta(6 - today.weekday() + 7 * bool(m["next"] or m["next_en"])))


def _end_of_month(m: re.Match[str], today: date) -> _Resolved | None:
    return _both(_month_end(today))


def _after_month_end(m: re.Match[str], today: date) -> _Resolved | None:
    """The first day after it: who can pay "après la fin du mois" cannot on the last day of the month."""
    months = 2 if m["next"] or m["next_en"] else 1
    return _both(_add_months(today.replace(day=1), months))


def _on_weekday(m: re.Match[str], today: date) -> _Resolved | None:
    """The day of that name before and after today; today itself only as a day gone by."""
    ahead = (_weekday_of(m["weekday"]) - today.weekday() - 1) % 7 + 1
    future, past = today + timedelta(ahead), today + timedelta(ahead - 7)
    if m["next"] or m["next_en"]:
        return _both(future)
    if m["last"] or m["last_en"]:
        return _both(past if past < today else past - timedelta(7))
    return past, future, None


def _length(m: re.Match[str]) -> tuple[int, int]:
    """Days and months of a span."""
    if m["lump"]:
        return sum(days for name, days in _DAYS_OF_LUMP.items() if m[name]), 2 if m["two_months"] else 0
    n = int(m["n"]) if m["n"] and m["n"].isdecimal() else 1
    if m["months"]:
        return 15 if m["half"] else 0, n
    return 7 * n + (4 if m["half"] else 0) if m["weeks"] else n, 0


def _offset(m: re.Match[str], today: date, sign: int) -> _Resolved:
    days, months = _length(m)
    return _both(_add_months(today, sign * months) + timedelta(sign * days))


def _ahead(m: re.Match[str], today: date) -> _Resolved | None:
    return _offset(m, today, 1)


def _back(m: re.Match[str], today: date) -> _Resolved | None:
    return _offset(m, today, -1)


def _either_way(m: re.Match[str], today: date) -> _Resolved | None:
    """A length of time alone answers "until when?" and "since when?": the question knows which."""
    return _offset(m, today, -1)[0], _offset(m, today, 1)[1], None


def _feast(meant: tuple[feasts.Feast, ...]) -> _Resolver:
    return lambda m, today: (*feasts.around(today, meant), None)


_NEAR: list[tuple[int, str]] = [
    (-2, r"avant[- ]?t?hier|(?:the )?day before yesterday|اول امس|اول البارح|ول البارح|ولبارح|w[ae]?l+ ?l?bare?[7h]"),
    (
        2,
        r"apres[- ]?(?:demain|deman|2main)|(?:the )?day after tom+or+ow|(?:من )?بعد غدا?"
        r"|(?:m[eo]?n )?b[ae]?3d ?gh[ae]?d+a",
    ),
    (
        -1,
        r"hier(?: (?:matin|soir))?|yest[eu]rday|last night|امس|البارحه?|لبارحه?|مبارح"
        r"|(?:l ?)?[ae]?l?bar[ae]?[7h]|lbar[7h]a?",
    ),
    (1, r"(?:demain|deman|2main)(?: matin| soir)?|tom+or+ow|tmrw|tmw|غدا|غدوه|غد|l?gh[ae]?d+a|ghdda"),
    (
        0,
        r"[ao]u?jourd'? ?hui|auj|ajd|ce (?:matin|soir|jour|midi)|cet apres[- ]?midi|cette (?:nuit|journee)"
        r"|today|tonight|this (?:morning|afternoon|evening)"
        r"|ليومه?|اليومه?|(?:هاد|هذا) (?:ال)?(?:صباح|نهار|مساء?|يوم|ليله)"
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
            rf"(?<!\w)(?:apres|after|{_AFTER}) (?:(?:la|the) )?{_END}[ -](?:{_OF} ?)?(?:{_THIS} )?(?P<next_en>next )?"
            rf"{_MONTH_WORD}(?: (?P<next>{_NEXT}))?(?!\w)",
            _after_month_end,
        ),
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
            rf"(?<!\w)[وفبل]?(?:ال)?(?:(?P<end>{_END})|(?P<start>{_START}))[ -](?:{_OF} ?)?(?:{_THIS} )?"
            rf"(?:(?P<next_en>next)|(?P<last_en>last))? ?{_YEAR_WORD}"
            rf"(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)",
            _edge_of_year,
        ),
        (rf"(?<!\w)(?:next year|{_YEAR_WORD} (?:{_NEXT}))(?!\w)", _next_year),
        *((phrase, _feast(meant)) for phrase, meant in feasts.PHRASES),
        (
            rf"(?<!\w)(?:[وفبل]?(?:نهايه|اخر)|fin|(?:the )?end|l?[ae]?khe?r) (?:{_OF} ?)?(?:{_THIS} )?"
            rf"(?P<next_en>next )?{_WEEK_WORD}(?: (?P<next>{_NEXT}))?(?!\w)"
            r"|(?<!\w)(?:week[- ]?end|l?wikand|الويكاند|ويكاند)(?!\w)",
            _end_of_week,
        ),
        (r"(?<!\w)month[- ]?end(?!\w)", _end_of_month),
        *((rf"(?<!\w)[وفبل]?(?:{words})(?!\w)", _near(days)) for days, words in _NEAR),
        (rf"(?<!\w)[وف]?{_AHEAD} ?{_SPAN}(?!\w)", _ahead),
        (rf"(?<!\w){_SPAN} (?:de plus|from now|more)(?!\w)", _ahead),
        (rf"(?<!\w)(?=\w+ (?:more|extra) ){_SPAN}(?!\w)", _ahead),
        (rf"^\W*{_SPAN}(?: (?:svp|stp|please|3afak|عافاك))?\W*$", _either_way),
        (rf"(?<!\w){_SPAN} ago(?!\w)", _back),
        (rf"(?<!\w){_BACK} {_SPAN}(?!\w)", _back),
        (
            rf"(?<!\w)(?:(?:{_ENGLISH_LEAD} )?the |le |on |يوم |نهار |n[h8]ar )?[وفبل]?{_ORDINAL_DAY} ?"
            rf"(?:of |de |d'|du |من |في |ف)?(?:{_THIS} )?(?:(?P<next_en>next) |(?P<last_en>last) )?"
            rf"(?:{_MONTH_WORD}(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?|(?P<name>{MONTH_NAMES}))(?!\w)"
            rf"(?:,? {_YEAR}(?!\d))?",
            _ordinal_day,
        ),
        (rf"(?<!\w)(?P<name>{MONTH_NAMES}) (?:the )?{_ORDINAL_DAY}(?!\w)", _ordinal_day),
        (rf"(?<!\w){_ENGLISH_LEAD} the {_ORDINAL_DAY}(?!\w)(?! (?:{_NUMBERED})(?!\w))", _ordinal_day),
        (
            rf"(?<!\w){_DAY_LEAD} ?(?:l|ال|n[h8]ar |يوم |نهار )?{_DAY}{_NOT_COUNTED}{_DAY_TAIL}",
            _led_day,
        ),
        # "nkhelles f 25" is a day, but "f 3" could be in three parts.
        (
            r"(?<!\w)(?:n(?:kh|5)[ae]?l+[ae]?s\w*|ن?خلص\w*|ندفع\w*) (?:f|ف|في) ?(?P<day>[5-9]|[12]\d|3[01])"
            rf"{_NOT_COUNTED}(?! (?:d|dyal|dial|د|ديال) ?(?:l|ال)?(?!{_MONTH_WORD})){_DAY_TAIL}",
            _led_day,
        ),
        (rf"(?<!\w)(?:{_WEEKDAY}) (?:le |the )?{_DAY}{_NOT_COUNTED}{_DAY_TAIL}", _led_day),
        (
            rf"(?<![\w.,/]){_DAY}{_NOT_COUNTED} ?(?:(?:{_OF}|fhad|فهاد) ?)?(?:{_THIS} )?(?<!\d )(?<!\d){_MONTH_WORD}"
            rf"(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)",
            _led_day,
        ),
        (rf"(?<!\w){_DAY} {_MONTH_WORD} (?:(?P<next>{_NEXT})|(?P<last>{_LAST}))(?!\w)", _led_day),
        (
            rf"(?<![\w])(?:the )?(?P<day>[12]?\d|3[01]){_SUFFIX}(?!\w)"
            rf"(?! (?:{_NUMBERED})(?!\w)){_DAY_TAIL}",
            _led_day,
        ),
        (
            rf"{_IN_A_NAME}(?<!\w)[وفبل]?(?:(?P<next_en>next) |(?P<last_en>last) "
            rf"|(?:on|n[h8]ar|had|f|le|ce|this|يوم|نهار|هاد|هذا) )*"
            rf"{_IN_A_NAME}(?P<weekday>{_WEEKDAY}){_NOT_A_NAME}{_UP_TO_NOW}"
            rf"(?: (?:(?P<next>{_NEXT})|(?P<last>{_LAST})))?(?!\w)",
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

# Verbs and prepositions that say whether a day is gone by or to come. What is past stands first: "j'ai payé" holds
# "payé", which alone could be a mistyped "payer".
_TENSE = re.compile(
    r"(?<!\w)(?:(?P<past>(?<!ila )(?<!if )(?<!ايلا )(?<!يلا )(?<!اذا )(?<!لو )(?:"
    r"(?:j'? ?ai|on a|nous avons|avons|a ete|avait|ils? ont|vous avez)(?: (?:deja|bien|tout|\w+ment))? "
    r"(?:lu|releve|note|paye|regle|verse|envoye|depose|donne|fait|recu|appele|demande|signale|photographie|vu|pris)"
    r"|releve+s? (?:le|du|de|fait)|relevee?s? le|depuis|c'etait|etait|marquait|affichait|indiquait|montrait"
    r"|i (?:read|took|checked|looked|called|wrote|got|received)|paid|asked|sent|was|were|since"
    r"|قراته?ا?|قريته?ا?|خديته?|اخذته?|شفته?|لقيته?|كانت?|خلصته?ا?|دفعته?ا?|اديته?ا?|سددته?ا?|ارسلته?|صيفطته?|بعثته?|منذ"
    r"|[9q]ri+t\w?|(?:kh|5)dit\w?|khdht|ch[ae]?ft\w?|l[9q]it\w?|kant?|(?:kh|5)[ae]?l+[ae]?s+t\w?|sif+t+|3tit\w?"
    r"))|(?P<future>"
    r"pai\w+|paye\w*|regler\w*|verser\w*|report\w*|delai|attend\w*|patient\w*|jusqu\w*|avant|apres"
    r"|will|(?<=')ll|gets? paid|latest|pay|until|till|wait|before|after|going to|gonna|promise"
    r"|n?(?:kh|5)[ae]?l+[aei]?s\w*|mohla|s[ae]?br?[eo]\w*|[7h]t+al?|t+al?|ghadi"
    r"|[سغ]?(?:ن|ا|غن)?خلص\w*|س?(?:ادفع|اودي|اسدد|ندفع|نودي|نسدد)\w*|مهله|تاجيل|حتي|بعد|قبل|غادي"
    r"))(?!\w)"
)
_NAMED_DAYS = frozenset({_numeric, _day_and_month, _led_day, _ordinal_day, _edge_of_named_month})
_LONGEST_MONTH = 62
"""Days between two readings of "le 31"; a wider gap means that it is the year which is open."""
_SAME_DAY = re.compile(r"[ ,(]*(?:(?:le|the|du|of|the|الموافق(?: ل)?|nhar|يوم|نهار|f|l) ?)?")


@lru_cache(maxsize=4)
def _candidates(text: str) -> tuple[tuple[re.Match[str], _Resolver], ...]:
    """What may be dates, by rule. Kept, because the classifier and the entities ask for the same text in turn."""
    has_digit = any(c.isdecimal() for c in text)
    return tuple(
        (m, resolve)
        for pattern, resolve in _RULES
        if has_digit or "day" not in pattern.groupindex
        for m in pattern.finditer(text)
    )


def find(text: str, today: date) -> list[Mention]:
    """The dates of a folded, spelled-out text, in order, without overlaps. Never raises."""
    mentions: list[Mention] = []
    weekdays: set[int] = set()
    named: set[int] = set()
    for m, resolve in _candidates(text):
        start, end = m.span()
        if any(start < other.end and other.start < end for other in mentions):
            continue
        resolved = resolve(m, today)
        if resolved is None:
            continue
        past, future, until = resolved
        since = resolve is _back and "ago" in m.re.groupindex and not m["ago"]
        end = start + len(text[start:end].rstrip())
        mentions.append(Mention(start, end, future, past, future, until, since=since))
        if resolve is _on_weekday:
            weekdays.add(start)
        elif resolve in _NAMED_DAYS and (future - past).days > _LONGEST_MONTH:
            named.add(start)
    if not mentions:
        return []
    mentions.sort(key=lambda mention: mention.start)
    tenses = [(m.start(), m["past"] is not None) for m in _TENSE.finditer(text)]
    mentions = [_in_its_tense(mention, tenses) for mention in mentions]
    mentions = [_nearer(m, today) if m.start in named and not m.told else m for m in mentions]
    return _without_doubles(text, mentions, weekdays)


def _without_doubles(text: str, mentions: list[Mention], weekdays: set[int]) -> list[Mention]:
    """One mention of a day that is named twice, by its weekday and by its date: "mercredi 18 mars"."""
    kept: list[Mention] = []
    for mention in mentions:
        if kept and (kept[-1].start in weekdays) != (mention.start in weekdays):
            before = kept[-1]
            if text[mention.start] != "و" and _SAME_DAY.fullmatch(text, before.end, mention.start):
                named = mention if before.start in weekdays else before
                kept[-1] = replace(named, start=before.start, end=mention.end)
                continue
        kept.append(mention)
    return kept


def _in_its_tense(mention: Mention, tenses: list[tuple[int, bool]]) -> Mention:
    """The mention with the value that the nearest word before it, or else after it, asks for."""
    if not mention.ambiguous or not tenses:
        return mention
    before = [past for at, past in tenses if at < mention.end]
    past = before[-1] if before else tenses[0][1]
    return replace(mention, value=mention.past if past else mention.future, told=True)


def _nearer(mention: Mention, today: date) -> Mention:
    """A day of a month with no year is the nearer one, while "le 15" with no month is the one to come."""
    return replace(mention, value=min(mention.future, mention.past, key=lambda day: abs(day - today)))
