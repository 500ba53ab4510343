"""What about a bill a question is about, and the percentage of a supposition, by the words of all varieties.

Only the dialogue uses these, once the intent says that the message is about a bill: "copie", "tranche" or "avance"
mean other things elsewhere. Topics of requests are in `nlu.request_topics`.
"""

from __future__ import annotations

import re

from nlu.entities import Entity
from nlu.normalise import Folded

_PREFIX = r"(?:[وفبلك]?(?:ال|ل)?)"
"""What Arabic writes together with the word: and, in, with, for, like, the."""

TOPICS: dict[str, re.Pattern[str]] = {
    topic: re.compile(rf"(?<!\w){_PREFIX}(?:{'|'.join(words)})(?!\w)")
    for topic, words in {
        "disagree": (
            r"pas d'?\s?accord|desaccord|contest\w+|disagree\w*|disput\w+|do ?n.?t agree",
            r"لا اوافق|لست موافقا?|غير موافق\w*|اعترض|اعتراض|(?:ماشي|ما) ?(?:متافق|متفق)\w*",
            r"m[ae]? ?(?:chi |mtt?a?fe?9ch|mott?afi9ch)\w*",
        ),
        "copy": (
            r"copie|copy|copies|duplicata|dupplicata|pdf|exemplaire|imprimer|duplicate|print|photocopie",
            r"نسخه|نسخ|نظير|كوبي|nos(?:kh|5)a|nus(?:kh|5)a",
        ),
        "tppan": (r"tppan|(?:taxe )?audio-?visuel\w*|snrt|taxe tele\w*|tv tax|سمعي(?: ال)?بصري|سمعي",),
        "stamp": (r"timbres?|stamps?|طابع|تنبر|تامبر|t[ae]n?mb[ae]r",),
        "regularisation": (r"regulari[sz]\w*|rattrapage|catch-?up|adjustment|تسويه|تسويت\w+|rigilari\w+|tswiya",),
        "advance": (r"acomptes?|advance payment|on account|تسبيق\w*|دفعه مسبقه|tesbi9|tasbi9",),
        "arrears": (r"arrieres?|impayes?|solde anterieur|previous balance|arrears|متاخرات|باقي من قبل",),
        "tranche": (r"tranches?|paliers?|tiers?|brackets?|bands?|شطر|اشطر|شطور|ch[ae]?tr|chtor",),
        "vat": (r"tva|vat|taxes?|tax|ضريبه|ضراي?ب|قيمه المضافه|d[ae]riba|dara2ib",),
        "fixed_charge": (
            r"redevances?|location|entretien|frais fixes?|abonnement|rental|maintenance|standing charge",
            r"fixed charges?|اتاوه|صيانه|مصاريف ثابته",
        ),
        "estimated": (
            r"estim\w+|reell?e?s?|vraiment lus?e?|vrai releve|real|really read|actual\w*",
            r"تقدير\w*|مقدره?|فعليه?|حقيقيه?|t9dir\w*|ta9dir\w*|bessa7|بصح",
        ),
        "price": (
            r"(?:prix|tarifs?|cout|price|prices|rate|rates|tariffs?|cost)(?: (?:du|d'un|of|for|per|a|the|le|un|l'))*"
            r" ?(?:kwh|kilowatt\w*|m3|unite|unit)|tarifs?|tariffs?",
            r"(?:سعر|ثمن|taman|t[ae]?mn)(?: (?:ديال|dyal|d))? ?(?:ال|ل)?(?:kwh|كيلو\w*|kilo\w*)|تعريفه",
        ),
        "detail": (r"details?|detaille\w*|en detail|breakdown|all (?:the )?lines|تفاصيل|تفصيل|tafsil",),
    }.items()
}
"""In the order of preference: "une copie détaillée" is about the copy."""

PERCENT = re.compile(
    r"(?<![\d.,])(?P<number>\d{1,3})(?:[.,]\d+)? ?(?:%|pour ?(?:cent|100)|pourcents?|per ?cent"
    r"|(?:في|ف|ب) ?(?:ال)?(?:ميه|مايه|100)|[fb] ?(?:l|el) ?(?:m[iy]+a|100))(?!\w)"
)
_MORE = re.compile(
    r"(?<!\w)(?:plus|augment\w*|more|extra|increase\w*|rise\w*|اكثر|زياده|زدت|نزيد|كتر|kt[ae]r|nzid|zayd)(?!\w)"
)

NAMES = ("topic", "percent")
"""The entities of this module."""


def find_in(folded: Folded) -> list[Entity]:
    """The topic and the percentage of a spelled-out message, at most one of each. Never raises."""
    found: list[Entity] = []
    for name, value, m in (("topic", *_topic(folded.text)), ("percent", *_percent(folded.text))):
        if m is not None:
            start, end = folded.span(*m.span())
            found.append({"entity": name, "value": value, "start": start, "end": end})
    return found


def _topic(text: str) -> tuple[str, re.Match[str] | None]:
    for name, pattern in TOPICS.items():
        if m := pattern.search(text):
            return name, m
    return "", None


def _percent(text: str) -> tuple[str, re.Match[str] | None]:
    """Signed: below zero is less, which is what people mean when they do not say."""
    m = PERCENT.search(text)
    if m is None:
        return "", None
    return f"{'' if _MORE.search(text) else '-'}{int(m['number'])}", m
