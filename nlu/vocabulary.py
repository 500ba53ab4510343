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


_METER_NAME = _any(
    r"l?compteu?r?", r"l?[kc]ont[eo]u?r", r"l?3ad+ad", r"(?:ال|ل)?(?:عداد|كونتور|كونطور|كنتور)", r"meter", r"counter"
)
_INDEX = _any(
    r"(?:l'?|mon|d')?ind[ei]x\w*|indice|relev\w*|relve|readings?",
    r"(?:le?)?[9q]raya\w*|[وفبل]?(?:ال|لل)?قرا(?:يه|يتي|ه|تي|ته)\w*|[وفبل]?(?:ال|لل)?مو?شر\w*",
    r"[وفب]?(?:ال|ل)?اند[يا]?كس\w*",
)
"""What the number read on a meter is called."""
_UP_TO = rf"(?:(?!{_INDEX}|{_METER_NAME})[^\d\n\0])"
"""A character between a word and its number: no other such word, nor anything found before (`\\0`), stands there."""

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
_NUMBER_WORD = (
    r"(?:n°|n[or]?|num(?:ero)?s?|nimiro|nomero|nmra|r[ae]?[9q]e?m|رقم|نمره|ن[يو]?م[يو]?رو|نيميرو|number|serie|serial)"
)
METER_BEFORE = re.compile(
    rf"(?<!\w){_NUMBER_WORD}\.? ?(?:de |du |dyal |dial |d |l|l'|ال|ديال |of the |of )*{_METER_NAME}"
    rf"\W{_UP_TO}{{0,14}}$"
)
METER_NUMBER_BEFORE = re.compile(
    rf"(?<!\w){_METER_NAME}(?: (?:d'|de l'|dyal |ديال |d )?\w+){{0,2}}? {_NUMBER_WORD}(?!\w)\W{{0,3}}$"
)
METER_NAME_BEFORE = re.compile(rf"(?<!\w){_METER_NAME}\W{{0,3}}$")

CONTRACT_BEFORE = re.compile(
    _any(
        r"contrat?s?|l?kon?tra[dt]?a?|contract|police|3a9d|l?3e?9d|l?3e?[9q]d|client|abonne(?:ment)?",
        r"بوليصه|(?:ال)?عقد(?:ي|تي)?|(?:ال|ل)?كون[طت]را|(?:ال)?اشتراكي?|الزبون",
    )
    + rf"(?![a-z]){_UP_TO}{{0,16}}$"
)
DIGIT_GROUPS = re.compile(r"(?<![\d.,])\d{1,4}(?:[ .-]\d{1,4})+(?!\d|[.,]\d)")
"""How a long number is written in pieces: "1000 0001", "20.45.77.81"."""

CODE_BEFORE = re.compile(
    r"(?<!\w)"
    + _any(
        r"code|kod|token|ticket|dossier|كود|(?:ال)?رمز|(?:ال)?ملف",
        rf"(?:facture|lfactura|reclamation|demande|bill|complaint|request|(?:ال)?فاتوره|طلب)(?= {_NUMBER_WORD})",
    )
    + rf"(?: (?:de )?recharge| de| dyal| ديال)?(?: {_NUMBER_WORD})?\W{{0,3}}$"
)
"""The twenty digits of a recharge, a file, a bill: a number after these is no reading."""
ADDRESS_BEFORE = re.compile(
    r"(?<!\w)"
    + _any(
        r"appartement|appt?|apt|villa|lot|lotissement|imm|immeuble|rue|bd|boulevard|bloc|blok|etage|porte|bp|hay|derb",
        r"zn9a|ze?n[9q]a|tranche|guichet|window|route|street|avenue|apartment|building|floor",
        r"زنقه|شارع|(?:ال)?شقه|(?:ال)?عماره|بلوك|درب|شباك|(?:ال)?طابق|الشطر",
    )
    + rf"(?: {_NUMBER_WORD})?[ :°]{{0,2}}$"
)

_DIRHAM = r"(?:dh\.?s?|mad|d[aei]{0,2}rh?[aei]{0,2}h?[aei]?ms?|dhm|dhrs?|drh|در[ي]?ه?ما?|دراهم|دره|د\.م\.?)"
_CENTIME = r"(?:centim\w*|cts?|cents?|santim\w*|sntim\w*|سنتيم\w*|francs?|frank|فرنك)"
CURRENCY_AFTER = re.compile(
    rf" ?(?:(?P<rial>r[iy]*als?|ريالا?ت?)|(?P<centime>{_CENTIME})"
    # "112 درهما و50 سنتيما", "45 dh et 50 centimes", "45dh50"
    rf"|{_DIRHAM}(?:(?: ?(?:et|and|w|و|,))? ?(?:(?P<cents>\d{{1,2}}) ?{_CENTIME}|(?P<half>demi|noss?|نصف|نص|half))"
    r"|(?<=h)(?P<glued>\d\d)(?![\d.,]))?)(?!\w)"
)
"""A rial is five centimes, and old people count in francs, which are centimes."""
CURRENCY_BEFORE = re.compile(rf"(?<!\w){_DIRHAM} ?:? ?$")
PAY_BEFORE = re.compile(
    r"(?<!\w)"
    + _any(
        r"payer|paye|paie|paierai|payerai|regler|regle|verser?|devoir|dois|solde de|montant(?: de| est)?|somme de",
        r"pay|paid|owe|n?(?:kh|5)[ae]?l+[aei]?s+t?",
        r"نخلص(?:كم)?|خلصت|ادفع|دفعت|اودي|ب?مبلغ",
    )
    + r"(?: (?:que|juste|seulement|only|just|ghir|غير|lik|لكم|de|b|ب))? ?$"
)
BY_BEFORE = re.compile(r"(?<!\w)ب ?$")
"""«جاتني ب 890»: a sum when it has a bill's digits; «بجوج» is "both"."""

_OF = r" ?(?:d|dyal|dial|ديال|د)? ?(?:(?:monthly|equal|small|petite?s?) )?(?:l|ال)?"
COUNT_NOUN_AFTER = re.compile(
    _OF
    + _any(
        r"mensualites?|echeances?|versements?|paiements?|traites?",
        r"instal+ments?|payments?",
        r"d[aeo]?u?f[aeo]?u?3[aeo]t|traitat",
        r"دفعات|دفعه|اقساط|قسطا?|دفوعات|طريطات|تريطات",
    )
    + r"(?!\w)"
)
TIMES_AFTER = re.compile(
    _OF
    + _any(
        r"fois|foi|x|parts?|parties|tranches?|times|m[ae]?r+[ae]?t?|khatrat|tranchat",
        r"مرات|طرنشات|اجزا|اشطر|شطور",
    )
    + r"(?!\w)"
)
"""Counts only where something is paid in so many: "en trois fois", not "j'ai appelé trois fois"."""
AMOUNT_AFTER = re.compile(r" ?(?:de |d'|dyal |ديال )?\d[\d .,]*" + _DIRHAM)
COUNT_MONTHS_AFTER = re.compile(
    r" ?(?:d |dyal |ديال |د )?(?:mois|months?|شهور|اشهر|شهرا?|(?:ch|sh)a?h*[aeou]*r)(?!\w)"
)
COUNT_BEFORE = re.compile(r"(?<!\w)(?:en|sur|over|in|into|3la|3al|علي|f|في|ف|b|ب) ?$")
SPREAD_BEFORE = re.compile(r"(?<!\w)(?:sur|over|3la|3al|علي) ?$")
INSTALMENTS = re.compile(
    r"(?<!\w)"
    + _any(
        r"echelon\w*|etal\w*|acompte|facilit\w*|mensual\w*|petit a petit|instal+ment\w*|split\w*|spread|divi[sd]\w*",
        r"n?[9q][ae]?s+[ae]?m\w*|ta[9q]sit|t[9q]sit|\w?ن?قسم\w*|\w*تقسيط\w*|نقسط\w*|قسط\w*|اقساط|دفعات",
    )
    + r"(?!\w)"
)
_TO_PAY = _any(
    r"payer|regler|pay|n(?:kh|5)[ae]?l+[aei]?s\w*|[سغ]?ن?خلص(?:ها|و|هم|كم)?|[سغ]?(?:ادفع|اودي|ندفع|نودي)\w*",
    INSTALMENTS.pattern,
)
TO_PAY_BEFORE = re.compile(rf"(?<!\w){_TO_PAY} ?$")
PAID_BEFORE = re.compile(rf"(?<!\w){_TO_PAY}[^\d\n]{{0,30}}$")
PARTS_BEFORE = re.compile(rf"(?<!\w){_TO_PAY}[^\d\n]{{0,30}}(?<!\w)(?:en|in|into|3la|علي) ?$")
_PLEASE = r"(?:svp|stp|please|plz|pls|3afak\w*|عافاك\w*|من فضلك\w*)"
NOTHING_MORE = re.compile(rf"\W*(?:{_PLEASE}\W*)?$")
CLAUSE_END = re.compile(rf" *(?:$|[^\w\s.,]|[.,](?!\d)|(?:et|and|w|si|{_PLEASE})(?!\w))")
"""With `PARTS_BEFORE`, a count without its noun: "payer en 3 svp"."""
COUNT_OF_TWO = re.compile(
    r"(?<!\w)(?:[بفل]?(?:دفعتين|قسطين)|d[aeo]?f3tin|nos nos|ness ness|moitie moitie|نص نص"
    r"|(?:(?:علي|في|3la|f|b) |[فب])(?:مرتين|m[ae]?r+[ae]?t[ai]y?n)|^(?:مرتين|m[ae]?r+[ae]?t[ai]y?n)(?=\W*$))(?!\w)"
)

DURATION_AFTER = re.compile(
    r" ?(?:d |dyal |ديال |د )?(?:l|ال)?"
    + _any(
        r"jours?|jrs?|j|heures?|hrs?|h|minutes?|mn|min|semaines?|mois|ans?|annees?|personnes?|etages?|appart\w*",
        r"membres?|enfants?|familles?|foyers?|logements?|chiffres?|digits?|fois|times|factures?|bills?|reclam\w*",
        r"days?|hours?|weeks?|months?|years?|people|persons?|floors?|families|kids|children",
        r"ايام|يوما?|ساعات|ساعه|دقايق|دقيقه|اسابيع|اسبوع|شهور|اشهر|شهرا?|سنوات|سنين|سنه|عام|سيمان\w*",
        r"شقه|شقق|برطم\w*|طوابق|طابق|افراد|فرد|ناس|اشخاص|شخص|دراري|ارقام|مرات|فواتير",
        r"iyam|ayam|yam|y[ou]+m|swa?ye3|sa3at|simanat|ch[h8]?o?u?r|chhor|snin|3am|d9ay9",
        r"d?n+as|drari|tab[9q]at|dyour|ar[9q]am|m[ae]?r+at|factura?t",
    )
    + r"(?![\w'])(?! ?:? ?\d)"
)
MEASURE_AFTER = re.compile(
    r" ?(?:kva|kw|k\.?v\.?a|كافا|watts?|واط|وات|amp[e]?re?s?|امبير|v|volts?|فول[طت]\w*|hz"
    r"|m|m2|metres?|meters|km|cm|متر\w*|كلم|كيلومتر\w*)(?![\w'])"
)
"""Power, tension, length."""
ENERGY_AFTER = re.compile(
    r" ?(?:(?P<electricity>kwh|kilowatt\w*|كيلوواط\w*|كيلو(?: ?واط| ?وات)?)"
    r"|(?P<water>m3|metres? cubes?|متر مكعب))(?![a-z])"
)
_MONTH = r"(?:mois|month|شهر|(?:ch|sh)a?[h8]+[aeo]?r|jour|day|نهار|يوم)"
PER_MONTH_AFTER = re.compile(
    r"(?: ?(?:ساعه|heures?))? ?(?:par|/|per|an?|each|every|chaque|ce|this|f|fi|في|ف|كل|kol|had|هاد|هذا) ?"
    rf"(?:l|ال)?{_MONTH}(?!\w)"
)
USED_BEFORE = re.compile(
    r"(?<!\w)"
    + _any(
        r"consom\w*|conso|utilis\w*|use[ds]?|using|usage|consum\w*|depens\w*",
        r"(?:كا?ن?|ا|ت|ن)?ستهل\w*|(?:ال)?استهلاك\w*|كا?نصرفو?|صرفت?|نصرف",
        r"(?:kan)?s[ae]?r[ae]?ft?|kan?[ei]?st[ae]?hl[ae]?k\w*|istihlak",
    )
    + rf"(?!\w){_UP_TO}{{0,24}}$"
)
"""What has been used, which is no reading: "je consomme 240 kWh par mois"."""
YEAR_BEFORE = re.compile(
    rf"(?<!\w)(?:{MONTH_NAMES}|en|annee|depuis|since|in|of|from|before|avant|factures? (?:de )?"
    r"|عام|سنه|منذ|من|قبل|3am|m[eo]?n|mnd|[9q]b[ae]?l) ?$"
)

READING_BEFORE = re.compile(rf"(?<!\w){_INDEX}(?!\w)[^\d\n]{{0,19}}$|(?:ind[ei]x|اند[يا]?كس|مو?شر|hp|hc)$")
"""The reading is named: however few its digits, it is one."""
METER_OR_SUPPLY_BEFORE = re.compile(
    r"(?<!\w)[وفب]?(?:[fbdw] ?)?"
    + _any(
        rf"{_METER_NAME}\w*|affiche|marque|indique|montre|liquide|shows?|reads|says|fih|kaygol|9rit|قرات|قريت|فيه",
        r"hp|hc|l?pointe|creuses?|pleines?|(?:l'|d')?eau|(?:l'|d')?elec\w*|peak|water|electricity|power",
        r"lma|dow?|(?:ال|لل)?ذروه|(?:ال|ل)?بوانت|كروز|الما|الضو|الكهربا",
    )
    + r"(?!\w)[^\d\n]{0,19}$|(?:compteur|cpt|[kc]ont[eo]u?r|3addad|كونطور|عداد)$"
)
"""The meter or what it measures is named, which needs more than one digit to make a reading."""

NEGLIGIBLE = re.compile(r"[\s\d.,:;'!?#*()+-]*(?:(?:kwh|m3)[\s.!?]*)?")
"""A text of which nothing but numbers, punctuation and a unit is left."""

_DEED = (
    r"(?:(?:j'? ?ai|on a|avons)(?: (?:deja|bien))? "
    r"(?:lu|releve|note|paye|regle|verse|envoye|recharge|depose|demande|fait)"
    r"|(?:i|we)(?:'ve| have)?(?: already)? (?:read|took|paid|sent|asked|checked)"
    r"|(?:قرات|قريت|دفعت|اديت|سددت|خلصت|ارسلت|صيفطت|طلبت)(?:ها|و|ه|هم|كم)?"
    r"|(?:[9q]rit|(?:kh|5)[ae]?l+[ae]?s+t|sif+t|tl[ae]?bt)(?:ha|o|ou|hom|kom)?)"
)
DEED_BEFORE = re.compile(rf"(?<!\w)(?<!ما )(?<!ma ){_DEED}(?!\w)[^\d,.;!?\n]{{0,24}}$")
DEED_AFTER = re.compile(rf"(?: (?:mli|ملي|منين|باش|bach|w))? {_DEED}(?!\w)")
"""Something done once, which makes "depuis 3 jours" the day it was done rather than a length of time."""

_ENGLISH = r"(?:what|how|when|why|i|you|u|we|they|the|my|please|can|does|not)"
_DO = rf"do(?! {_ENGLISH})"

_HOURS = r"(?:(?:ساعات|اوقات|وقت|فترات|فتره) |(?:ل?ي ?ز|ل)ور (?:(?:دو|دي|د) ?)?)"
"""«لور دو بوانت», as many say it, is "l'heure de pointe"."""
_WATER_HAS = r"(?:ما ?(?:كاين|بقا)\w*|مقطوع\w*|تقطع\w*|حبس\w*|ضعيف\w*|خاسر\w*|مشا علينا|و ?(?:ال|ل)(?:ضو|كهربا))"

MENTIONS: dict[str, list[tuple[str, re.Pattern[str]]]] = {
    "utility": [
        (
            "electricity",
            re.compile(
                r"(?<!\w)"
                + _any(
                    r"(?:[ld]'? ?)?(?:elect?r?|el[ei]c?tri[ck](?:que?|[iy]t\w{0,3}|al)?|electrique|elctricit\w*)",
                    r"(?<!au )courant(?! a)|lumiere|power",
                    r"l?[kq]a?hra?b+a2?|kahrouba|l?d+ow|d+ou|d+aw|ldo|ddo|l?tr[iye]s+in?[ts]+i?|l?tricin?ti",
                    r"[وبفلك]?(?:ال|لل)?(?:كهربا\w{0,2}|ضو|تريس\w+)|لضو|لتريس\w+",
                )
                + r"(?!\w)"
            ),
        ),
        (
            "water",
            re.compile(
                r"(?<!\w)"
                + _any(
                    r"(?:[ld]'? ?)?eaux?|l'?ma2?|el ?ma|alma|water",
                    r"[وفبك]?الما|للما|المياه|مياه",
                    # «لما» is also "when": it is water after a word for what one has of it, or before what it does.
                    rf"(?:ديال|فاتوره|حساب|كونطور|كونتور|عداد|نخلص|خلصت) لما|لما(?= {_WATER_HAS}|$|[?!.,])",
                )
                + r"(?!\w)"
            ),
        ),
    ],
    "register": [
        (
            "off_peak",
            re.compile(
                r"(?<!\w)"
                + _any(
                    r"(?:heure?s? )?creuses?|h\.?c\.?|hors[- ]?(?:les )?(?:heures? )?(?:de )?(?:la )?pointe|hpl",
                    r"(?:off|non)[- ]?peak",
                    rf"[وفب]?(?:خارج|غير|برا) (?:{_HOURS})?(?:(?:ال|لل)?[ذد]روه|(?:ال)?بوانت)",
                    rf"[وفبل]?(?:{_HOURS})?(?:ال|ل)?كرو[زس]",
                )
                + r"(?!\w)"
            ),
        ),
        (
            "peak",
            re.compile(
                r"(?<!\w)"
                + _any(
                    r"(?:heure?s? )?(?:de |la )?l?pointe|h\.?p\.?|peak|[bp]want",
                    rf"[وفب]?(?:{_HOURS})?(?:ال|لل|ل)?(?:[ذد]روه|بوانت)",
                )
                + r"(?!\w)"
            ),
        ),
    ],
    "language": [
        (language, re.compile(rf"(?<!\w)[وب]?[bل]?(?:{names})(?!\w)"))
        for language, names in {
            "fr": r"francais|french|l?f[aeo]?r?[ao]ns+a?wi+y?a|l?fran[cs]+aw?i+y?a|l?francaouia|(?<=b)l?f[ar]+ansi"
            r"|(?:ال)?فر[وا]?نسا?و?يه|(?<=ب)(?:ال)?فر[وا]?نسا?و?ي",
            "en": r"anglais|english|l?'?[aei]?ngli[zs]i?y?[ae]|(?:ال)?ا?ن[جكگغ]ليزيه?",
            "zgh": r"t?amazigh\w*|tachel[h7]it|tarifit|chel[h7]a|(?:ال)?امازيغيه|(?:ال)?شلحه|تشلحيت|تمازيغت",
            "ary": r"l?d+[ae]{0,2}ri?ja|(?:ال)?دارجه(?: (?:ال)?مغربيه)?|(?<=ب)(?:ال)?مغربيه"
            r"|arabe (?:dialectal|marocain)|(?:moroccan|dialectal) arabic",
            "ar": r"arabe|arabic|l?'?3[ae]?r[ae]?b[aei]*y+[ae]h?|l?3arbia|(?:ال)?عربيه|(?:ال)?فصحي",
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
