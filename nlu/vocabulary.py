"""The words beside a number that say what it is, and the words for utilities, registers and languages.

Regular expressions over folded text (`nlu.normalise.fold`: no accents, one form per Arabic letter, no hamza), all
varieties together: scripts and spellings keep them apart. Names ending in `_BEFORE` are searched up to a number
and anchored to it, names ending in `_AFTER` are matched right after it.
"""

from __future__ import annotations

import re

from nlu.dates import MONTH_NAMES


def _any(*lines: str) -> str:
    """One group of the alternatives of all lines."""
    return "(?:" + "|".join(lines) + ")"


_METER_NAME = _any(r"compteu?r?", r"l?[kc]ont[eo]u?r", r"l?3ad+ad", r"(?:ال|ل)?(?:عداد|كونتور)", r"meter")

REFERENCE = re.compile(
    r"(?<![\w-])(?P<kind>[rdisck]) ?- ?(?P<body>(?=[0-9a-z-]*\d)[0-9a-z]{3,10}(?:-[0-9a-z]{1,6})?)(?![\w-])"
)

PHONE = re.compile(
    # Moroccan numbers begin with 05 to 08, nationally or after 212; others count only with their + sign.
    r"(?<![\w.])(?:(?:\+|00) ?212[ .-]?(?:\(?0\)?[ .-]?)?[5-8](?:[ .-]?\d){8}|0[5-8](?:[ .-]?\d){8}|212[5-8]\d{8}"
    r"|\+\d(?:[ .-]?\d){7,14})(?!\d)"
)

TIME = re.compile(
    r"(?<![\d.,/])\d{1,2}(?: ?h ?\d{0,2}|:\d\d)(?!\w)|(?<!\d)\d{1,2}[hj]?/(?:24|7)[hj]?(?!\d)|\d+(?:[.,]\d+)? ?%"
)

NATIONAL_IDENTITY = re.compile(
    r"(?<!\w)(?:cine?|cnie|la carte|carte nationale|(?:ال)?بطاقه|لاكارط)(?:\W+\w+)?\W+[a-z]{0,2} ?\d{4,8}(?!\w)"
)
"""Never asked for and never kept; recognised so that it is not taken for a reading."""

METER_TOKEN = re.compile(
    r"(?<!\w)(?!(?:hp|hc|hak?|cpt|dh|mad|no?|idx|ind|kwh|l|d|h|c|w|f|b)-?\d)[a-z]{1,4}-?\d{6,12}(?!\w)"
)
METER_BEFORE = re.compile(
    r"(?:n°|n[or]?|num(?:ero)?s?|nimiro|nomero|nmra|ra9m|raqm|رقم|نمره|نميرو|number|serie|serial)\.? ?"
    rf"(?:de |du |dyal |dial |d |l|ال|ديال |of the |of )*{_METER_NAME}\W[^\d\n]{{0,14}}$"
)

CONTRACT_BEFORE = re.compile(
    _any(
        r"contrat?s?|l?kon?tra[dt]?a?|contract|police|3a9d|l?3e?9d|client|abonne(?:ment)?",
        r"بوليصه|(?:ال)?عقد(?:ي|تي)?|(?:ال|ل)?كون[طت]را|(?:ال)?اشتراكي?|الزبون",
    )
    + r"(?![a-z])[^\d\n]{0,16}$"
)
SPLIT_CONTRACT = re.compile(r"(?<![\d.,])\d{4}[ .-]\d{4}(?!\d|[.,]\d)")

_CURRENCY = r"(?:dh\.?s?|mad|d[ei]?rh?ams?|drahm|drahem|der?hem|درهما?|دراهم|دره|د\.م)"
CURRENCY_AFTER = re.compile(rf" ?(?:(?P<rial>r[iy]*als?|ريالا?ت?)|{_CURRENCY})(?!\w)")
CURRENCY_BEFORE = re.compile(rf"(?<!\w){_CURRENCY} ?:? ?$")
PAY_BEFORE = re.compile(
    r"(?<!\w)"
    + _any(
        r"payer|paye|paie|paierai|payerai|regler|regle|verser?|devoir|dois|solde de|montant(?: de| est)?|somme de",
        r"pay|paid|owe|n?(?:kh|5)l+[aei]?s+t?",
        r"نخلص(?:كم)?|خلصت|ادفع|دفعت|اودي|ب?مبلغ|ب",
    )
    + r"(?: (?:que|juste|seulement|only|just|ghir|غير|lik|لكم|de|b))? ?$"
)

COUNT_NOUN_AFTER = re.compile(
    r" ?(?:d|dyal|dial|ديال|د)? ?l?"
    + _any(
        r"fois|mensualites?|echeances?|versements?|paiements?|traites?|tranches?|parts?|parties",
        r"times|instal+ments?|payments?",
        r"d[aeo]?u?f[aeo]?u?3[aeo]t|m[ae]?r+[ae]?t|khatrat|traitat|tranchat",
        r"(?:ال)?دفعات|دفعه|(?:ال)?اقساط|قسطا?|مرات|دفوعات",
    )
    + r"(?!\w)"
)
COUNT_MONTHS_AFTER = re.compile(r" ?(?:mois|months?|شهور|اشهر|شهرا?|(?:ch|sh)a?h*[aeou]*r)(?!\w)")
COUNT_BEFORE = re.compile(r"(?<!\w)(?:en|sur|over|3la|3al|علي|pendant|f|في|ف) ?$")
COUNT_OF_TWO = re.compile(
    r"(?<!\w)[بفل]?(?:دفعتين|قسطين|مرتين|d[aeo]f3tin|m[ae]r+tin|nos nos|ness ness|moitie moitie|نص نص)(?!\w)"
)

DURATION_AFTER = re.compile(
    r" ?"
    + _any(
        r"jours?|jrs?|j|heures?|hrs?|h|minutes?|mn|min|semaines?|mois|ans?|annees?|personnes?|etages?|appart\w*",
        r"days?|hours?|weeks?|months?|years?",
        r"ايام|يوما?|ساعات|ساعه|دقايق|دقيقه|اسابيع|اسبوع|شهور|اشهر|شهرا?|سنوات|سنين|سنه|عام",
        r"iyam|ayam|yam|y[ou]+m|swa?ye3|sa3at|simanat|ch[h8]?o?u?r|chhor|snin|3am|d9ay9",
    )
    + r"(?![\w])(?! ?:? ?\d)"
)
POWER_AFTER = re.compile(r" ?(?:kva|kw|watts?|amperes?)(?!\w)")
CONSUMED_AFTER = re.compile(r" ?(?:kwh|kilowatt\w*|كيلوواط\w*|كيلو|m3|metres? cubes?)(?![a-z])")
YEAR_BEFORE = re.compile(rf"(?<!\w)(?:{MONTH_NAMES}|en|annee|depuis|since|in|of|factures? (?:de )?|عام|سنه|3am) ?$")

READING_BEFORE = re.compile(
    _any(
        r"l?index\w*|indice|relev\w*|relve|compteu?r\w*|affiche|marque|indique|montre|liquide",
        r"hp|hc|pointe|creuses?|pleines?|eau|elec\w*|electricite",
        r"readings?|meter|shows?|reads|says|peak|water|electricity|power",
        r"[kc]ont[eo]u?e?r\w*|3ad+ad\w*|fih|kaygol|9raya|9rit|qraya|lma|dow?",
        r"\w*عداد\w*|\w*كونتور|قرا\w*|القرا\w*|(?:ال)?مو?شر|\w*انديكس|فيه|(?:ال)?ذروه|الما|الضو|الكهربا",
    )
    + r"\W[^\d\n]{0,18}$|(?:index|compteur|cpt|[kc]ont[eo]u?r|3addad|hp|hc)$"
)

NEGLIGIBLE = re.compile(r"[\s\d.,:;'!?#*()+-]*")
"""A text of which nothing but numbers and punctuation is left."""

FUTURE_CUE = re.compile(
    r"(?<!\w)"
    + _any(
        r"pai\w+|paye\w*|regler\w*|report\w*|delai|attend\w*|jusqu\w*|avant|apres",
        r"will|pay|until|by|wait|before|after",
        r"n?(?:kh|5)l+[aei]?s|mohla|sber\w*|[7h]t+al?|ghadi",
        r"نخلص|ادفع|سادفع|ندفع|مهله|تاجيل|حتي|بعد|قبل|غادي",
    )
    + r"(?!\w)"
)

_ENGLISH = r"(?:what|how|when|why|i|you|u|we|they|the|my|please|can|does|not)"
_DO = rf"do(?! {_ENGLISH})"

MENTIONS: dict[str, list[tuple[str, re.Pattern[str]]]] = {
    "utility": [
        (
            "electricity",
            re.compile(
                r"(?<!\w)"
                + _any(
                    r"(?:l'?|d')?electri[ck]it[ey]?|(?:l')?elect?r?|electric|courant(?! a)|lumiere|power|kwh",
                    r"l?[kq]a?hra?b+a2?|kahrouba|l?d+ow|d+ou|d+aw|ldo|ddo|l?tr[iye]s+in?[ts]+i?|l?tricin?ti",
                    r"[وبفلك]?(?:ال)?(?:كهربا\w{0,2}|ضو|تريس\w+)|لضو|لتريس\w+",
                )
                + r"(?!\w)"
            ),
        ),
        (
            "water",
            re.compile(
                r"(?<!\w)(?:(?:l'|d')?eaux?|l'?ma2?|el ?ma|alma|[وفبك]?الما|للما|ديال لما|المياه|مياه|water|m3)(?!\w)"
            ),
        ),
    ],
    "register": [
        (
            "off_peak",
            re.compile(
                r"(?<!\w)(?:heures? creuses?|h\.?c\.?|creuses?|hors[- ]?(?:heures? de )?pointe|off[- ]?peak|hpl"
                r"|(?:خارج|غير) (?:ساعات |اوقات )?(?:ال)?ذروه)(?!\w)"
            ),
        ),
        (
            "peak",
            re.compile(
                r"(?<!\w)(?:(?:heures? )?(?:de |la )?l?pointe|h\.?p\.?|peak|(?:ساعات |اوقات )?(?:ال)?ذروه"
                r"|(?:ل|ال)بوانت|[bp]want)(?!\w)"
            ),
        ),
    ],
    "language": [
        (language, re.compile(rf"(?<!\w)[وب]?b?(?:{names})(?!\w)"))
        for language, names in {
            "fr": r"francais|french|l?f[ae]?r?ansa?wiya|l?fran[cs]awia|l?francaouia|(?:ال)?فرنسا?و?يه",
            "en": r"anglais|english|l?[ai]?ngli[zs]i?y?a|(?:ال)?ا?ن[جكگ]ليزيه",
            "zgh": r"t?amazigh\w*|tachel[h7]it|tarifit|chel[h7]a|(?:ال)?امازيغيه|(?:ال)?شلحه|تشلحيت|تمازيغت",
            "ar": r"arabe|arabic|l?3arabi?y?a|l?3rbiy?a|(?:ال)?عربيه|(?:ال)?فصحي",
            "ary": r"l?d+a?e?ri?ja|(?:ال)?دارجه|(?:ال)?مغربيه",
        }.items()
    ],
}

DO = re.compile(rf"(?<!\w){_DO}(?!\w)")
ENGLISH = re.compile(rf"(?<!\w){_ENGLISH}(?!\w)")
"""`do` is electricity in Darija and a verb in English: it is electricity where none of these words is."""

PLEINES = re.compile(r"(?<!\w)(?:heures? )?pleines?(?!\w)")
DAY_AND_NIGHT = {
    "peak": re.compile(r"(?<!\w)(?:jour|day|n[h8]ar|(?:ال)?نهار)(?= ?:? ?\d)"),
    "off_peak": re.compile(r"(?<!\w)(?:nuit|night|l+il|(?:ال)?ليل)(?= ?:? ?\d)"),
}
WATER_UNFOLDED = re.compile(r"(?<!\w)[بل]?ماء(?!\w)")
"""Searched in the text as typed: folding takes the hamza of ماء, and ما alone is "not" and "what"."""
