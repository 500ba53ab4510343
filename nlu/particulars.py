"""What a customer says of a cut, a complaint or a new supply: how far it goes, since when, of what kind.

Only the dialogue uses these, once the intent says what the message is about: "la rue", "ma maison" or "le compteur"
mean little elsewhere. Of each there is one in a message at most, the first of its table.
"""

from __future__ import annotations

import re

from nlu.entities import Entity
from nlu.normalise import Folded

_PREFIX = r"(?:[وفبلك]?(?:ال|ل)?|(?:[lfbd]|el|al)'? ?)"
"""What Arabic and Darija write together with the word: and, in, with, for, like, the."""
_AREA_FR = r"(?:rue|quartier|immeuble|douar|ville|village|residence|lotissement|etages?|voisins?|voisinage)"
_AREA_EN = r"(?:street|building|neighbou?rhood|block|village|town|area|neighbou?rs?|district)"
_AREA_AR = r"(?:ال|ل)?(?:حي|شارع|دوار|عماره|قريه|مدينه|حومه|زنقه|درب|اقامه|جيران|منطقه|ديور|بلوك)"
_AREA_LATIN = r"(?:[7h]a?y|[7h]ou?ma|zen[9q]a|derb|douar|3imara|[9q]arya|jiran|bloc|rue|quartier|mdina|dyour)"
_WATER = r"(?:l'?eaux?|water|(?:ال|ل)?ما|l?ma|robinet|robini)"

_TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "scope": {  # of a cut
        "street": (
            rf"(?:tou(?:t|te|s|tes)|dans|chez) (?:la |le |les |l'|mes |nos )?{_AREA_FR}|{_AREA_FR} entiere?"
            r"|tout le monde"
            r"|(?:les|mes|nos) voisins (?:aussi|egalement|non plus|pareil|n'ont pas)\w*",
            rf"(?:whole|entire|all(?: of)?) (?:the |our |my )?{_AREA_EN}|every(?:one|body)",
            r"neighbou?rs (?:too|as well|also)",
            rf"{_AREA_AR} (?:كله|كلها|كلهم|كامله?|كاملين|باكمل\w+|باسر\w+|ايضا|كذلك|حتي هم)|كل {_AREA_AR}|كلشي",
            rf"{_AREA_LATIN} (?:kam[ei]?l\w*|k[ou]*ll?\w*|7ta homa|tahouma)|koulchi|kolchi|(?:n+as|nass) kaml\w*",
        ),
        "home": (
            r"(?:seule?ment|uniquement|juste|que|rien que) (?:pour |chez |dans |a )?(?:moi|nous|ma|mon|notre)\w*"
            r"|(?:moi|nous) seule?s?|(?:les|mes|nos) voisins (?:ont|en ont|l'ont)|pas (?:chez )?(?:les|mes) voisins",
            r"(?:only|just) (?:at |in |for )?(?:me|us|my|mine|our)\w*|neighbou?rs (?:have|still have|are fine)",
            r"(?:فقط|غير|وحدي?|الا) (?:انا|عندي|عندنا|حنا|منزلي|بيتي|داري|دارنا|شقتي|منزلنا)"
            r"|(?:منزلي|بيتي|عندي|عندنا|داري) (?:فقط|وحد\w*|بوحد\w*)|(?:ال|ل)?جيران عندهم",
            r"ghi[ry]? (?:ana|7na|hna|3ndi|3ndna|dari|darna)|(?:3ndi|dari|ana|3ndna) (?:bo7d\w*|bou?hd\w*|w7di)"
            r"|jiran 3nd?hom",
        ),
    },
    "connection": {
        "temporary": (
            r"provisoires?|temporaires?|chantiers?|pour (?:des |les )?travaux|mariage|fetes?",
            r"temporary|temporarily|(?:building|construction) (?:site|works?)|for works|wedding",
            r"م[وي]قته?|ورش|ورشه البنا|اشغال|عرس|شانطي|mo[2u]?a[9q]+at\w*|wer?ch|3er?s|chanti",
        ),
        "takeover": (
            r"repri(?:se|s)|reprend\w*|mutation|transf\w+|titulaires?|chang\w+ (?:le |de |du |mon )?nom"
            r"|remise en service|ancien(?:ne)? (?:proprietaire|locataire|titulaire)|rouvrir|reactiv\w+",
            r"compteur (?:existant|est au nom)",
            r"take ?over|taking over|previous (?:owner|tenant)|(?:to|in|into|under) my name|reactivat\w+",
            r"existing meter",
            r"تحويل\w*|نقل|احول|نحول|نبدل\w*|تغيير الاسم|(?:ال)?(?:مالك|مكتري|ساكن) (?:ال)?(?:سابق|قديم)",
            r"n?b[ae]dd?[ei]l (?:smiy?a|l?nom|l?ism)\w*|transf[ei]r\w*|nqel|n9el|[9q]dim",
        ),
        "new": (
            r"nou(?:veau|vel|velle)s?|neu[fv]e?s?|branche\w*|raccord\w*|premier",
            r"new|connect(?:ion|ed|ing)?|first",
            r"جديده?|ربط|ايصال|ادخال|ندخل|jdid\w*|n?d[ae]kh+[ae]l|nwess?l\w*|rabt",
        ),
    },
    "premises": {
        "farm": (
            r"fermes?|exploitation|agricoles?|pompage|pompes?|puits|irrigation|serres?|hangar",
            r"farms?|pumps?|well|irrigation|agricultur\w+|barn",
            r"ضيعه|مزرعه|ابار|بير|فيرمه|فلاحي\w*|سقي|ضخ|بومبا|فيرما|ferm?a|firma|bir|pompa|s[9q]i|fila[7h]i\w*",
        ),
        "business": (
            r"(?:local|locaux)(?: commercia\w+| professionnels?)?|commerces?|magasins?|boutiques?|bureaux?|usines?"
            r"|ateliers?|cafes?|restaurants?|hotels?|entreprises?|societes?|cabinets?|pharmacie|epicerie|ecole",
            r"shops?|stores?|offices?|business|workshops?|factory|company|restaurants?|school",
            r"محل|محلي|متجر|مقهي|شركه|مصنع|مكتب|مقاوله|حانوت|معمل|قهوه|كراج|[7h]anout\w*|ma[7h]al|charika|[9q]ahwa|m3mel|garaj",
        ),
        "home": (
            r"maisons?|apparts?|appartements?|villas?|logements?|domiciles?|habitations?|studios?|chez moi|etages?",
            r"houses?|homes?|apartments?|flats?",
            r"منزل\w{0,2}|بيت\w{0,2}|دار|داري|دارنا|شقه|سكن\w*|برطمه|بارطما|مسكن|فيلا|dari?|darna|partma|bart?ma|skna|villa",
        ),
    },
    "grievance": {
        "leak": (r"fuites?|fuit|leak\w*|تسرب\w*|فويت|كيسيل|سيلان|fuite|kaysil|sayla|sayel",),
        "quality": (
            rf"{_WATER}[^.!?\n]{{0,25}}?(?:sales?|marron|jaune|trouble|gout|odeur|sent|pue|qualite|potable|couleur"
            r"|boueuse)",
            rf"{_WATER}[^.!?\n]{{0,25}}?(?:dirty|brown|yellow|cloudy|taste\w*|smell\w*|quality|muddy|rusty)",
            r"(?:dirty|brown|yellow|cloudy|rusty|muddy|smelly) water|eaux? sales?",
            r"(?:qualite|gout|couleur|odeur) de l'eau",
            r"(?:ال|ل)?(?:ما|مياه)[^.!؟\n]{0,25}?(?:وسخ\w*|ملوث\w*|متسخ\w*|طعم\w*|رايح\w*|ريح\w*|لون\w*|عكر\w*|خانز\w*|مالح\w*)"
            r"|جوده (?:ال)?(?:ما|مياه)",
            r"l?ma[^.!?\n]{0,25}?(?:mwesse?kh|moussakh|khane?z|ri[7h]a|loun|lawn|7amer|mala?7|7a?mra|sfer)",
        ),
        "cut": (
            r"coup(?:e|ee|es|ez|er|ure|ures)|suspendu\w*|plomb\w*|cut(?:s| off| my| our| the)?|disconnect\w*",
            r"outages?",
            r"قطع\w*|قطيع|انقطاع\w*|تقطع\w*|[9q][et]*t3\w*|[9q]ta?3t\w*|tkat3\w*|m[9q]tou?3\w*",
        ),
        "bill": (
            r"factur\w*|double paiement|paye (?:deux fois|en double)|trop percu|bills?|bill(?:ed|ing)",
            r"paid twice|overcharged?",
            r"فاتور\w*|فواتير|فكتور\w*|فاكتور\w*|[fv]a?[ck]t(?:ou|u)?r\w*",
        ),
        "service": (
            r"agents?|employes?|releveurs?|guichet\w*|caissiers?|technicien\w*|accueil|services?|rendez-?vous|rdv"
            r"|telephone|impoli\w*|malpoli\w*|corruption|pot de vin|attendu|insulte\w*|incompetents?|travaux"
            r"|trottoir",
            r"staff|employees?|technicians?|reader|rude|impolite|counter|bribe|waited|appointment",
            r"customer service|call centre",
            r"موظف\w*|مستخدم\w*|تقني\w*|قاري|خدمه|سيرفيس|استقبال|رشوه|انتظرت|مول (?:ال|ل)?كونتور|شباك|كيشي",
            r"mou?wad+[ae]f\w*|t[ie]kn?is[iy]\w*|khedma\w*|rechwa|m3amla|mou?l l?co[nm]pteur|jawe?b\w*",
        ),
        "reading": (
            r"releves?|index|estimations?|estimee?s?|lecture|readings?|estimat\w+|تقدير\w*|قراءه|قرايه|موشر|t[9q]dir\w*|[9q]raya",
        ),
        "meter": (
            r"compteurs?|cpt|met(?:er|re)s?|عداد\w*|كونتور\w*|كنتور\w*|co[nm]p?teur\w*|konto?u?r\w*|3add?ad\w*",
        ),
    },
}
PARTICULARS: dict[str, dict[str, re.Pattern[str]]] = {
    name: {
        value: re.compile(rf"(?<!\w){_PREFIX}(?:{'|'.join(patterns)})(?!\w)") for value, patterns in by_value.items()
    }
    for name, by_value in _TABLES.items()
}
"""Values in the order of preference: a bill for a meter is about the bill, an impolite meter reader about service."""

_TIME = (
    r"(?:\d+|une?|deux|trois|one|two|three|an?|ce|cet|cette|hier|avant|this|last|yesterday|le|la|les|l'|the|midi|minuit"
    r"|noon|\d{1,2} ?h)"
)
_TIME_AR = (
    r"(?:(?:ال|ل)?(?:صباح|صبح|بارح|امس|ليل\w*|ليله|ظهر|عصر|مغرب|عشيه|عشا|فجر|يوم\w*|اسبوع\w*|ساع\w*|نهار\w*|سيمانه|شهر"
    r"|ساعتين|قبايل|اول)|\d+|واحد|جوج|تلت|ثلاث\w*)"
)
_TIME_LATIN = (
    r"(?:l?(?:s?sba[7h]|bare?[7h]|lba?r[7h]|lila|lil|dohr|3asr|maghri?b|3chiya|fjer|youm|lyoum|simana|nhar|sa3\w*)|\d+"
    r"|wa[7h]ed|jouj|[9q]bayl\w*)"
)
_PLACE = r"(?:a|au|aux|dans|chez|sur|in|at|on|f|fi|3nd\w*|في|ف\w+|ب\w+|عند\w*)(?!\w)"
"""A word that goes on with where."""
SINCE = re.compile(
    rf"(?<!\w)(?:(?:depuis|since|for(?: the last)?) {_TIME}|(?:منذ|من|مند|هادي) {_TIME_AR}"
    rf"|(?:m[ei]?n|mnd|hadi) {_TIME_LATIN})(?:[ '](?!{_PLACE})[^\W_]+){{0,3}}"
)
"""Since when, to the third word of it; its value is the customer's own words."""

NAMES = (*PARTICULARS, "since")
"""The entities of this module."""


def find_in(folded: Folded, text: str) -> list[Entity]:
    """The particulars of a spelled-out message, and the same message as typed. Never raises."""
    found: list[Entity] = []
    for name, by_value in PARTICULARS.items():
        for value, pattern in by_value.items():
            if m := pattern.search(folded.text):
                start, end = folded.span(*m.span())
                found.append({"entity": name, "value": value, "start": start, "end": end})
                break
    if m := SINCE.search(folded.text):
        start, end = folded.span(*m.span())
        found.append({"entity": "since", "value": text[start:end], "start": start, "end": end})
    return found
