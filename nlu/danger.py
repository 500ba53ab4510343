"""Danger in a message, in the words of all varieties: who writes of fire or a cable on the ground needs a person now.

Whether a message tells of danger is a rule and not learned: a life may hang on it, and it must be explicable. It
errs on the side of caution, but "feu vert" and a price that burns are no fire.
"""

from __future__ import annotations

import re

from nlu.danger_words import (
    BOX,
    CHILDREN,
    DOWN,
    ELECTRICITY,
    EQUIPMENT,
    HARMLESS,
    HIT,
    IN_THE_WAY,
    LINES,
    ONTO,
    REACHES,
    STRUCK,
    WATER,
    near,
    word,
)
from nlu.entities import Entity
from nlu.normalise import Folded

NAME = "danger"
"""The entity; only the dialogue uses it. Values: `KINDS`."""
KINDS = ("shock", "fire", "cable", "flood", "other")
"""What there is: someone touched by electricity, fire, smoke or sparks, a cable or pole that is down or bare, a burst
main, anything else. The most urgent first: it is the one told of a message with several."""


_PATTERNS: dict[str, tuple[str, ...]] = {
    "shock": (
        word(
            r"el[ei]c?tr?ocut\w*|elektrocut\w*|electrocu\w*",
            r"(?:choc|decharge|secousse|chataigne)s? (?:electri\w*|de courant|d'electri\w+)|(?:coup|coups) de jus",
            r"(?:electric\w*|electrical) shocks?|shock(?:ed|s)? (?:from|by|me|him|her|us|them|my \w+|when (?:i|we"
            r"|he|she) touch\w*)"
            r"(?! (?:bill|price|amount))|zapped",
            r"(?:pris|recu|prends?|recoit) (?:(?:le|du|un coup de|une) )?(?:courant|jus|decharge|chataigne)",
            r"(?:kay|kat|ki|ka|ta|ghay|gha)?tk[ae]?h?r[ae]?b\w{0,4}|mk[ae]?hr[ae]?b\w?|k[ae]hr[ae]?b(?:ni|na|o|ou"
            r"|ha|at\w{1,3})",
            r"(?:كي|كا|كات|كت|غي|ي|ت)?تكهرب\w{0,4}|كهربني|كهرباتني|كهربات\w{0,3}|كهربو|كهربها|مكهربه?|يكهرب"
            r"|كيكهرب|صعقه|صعقات|صدمه كهربا\w*|صعق\w{0,3} (?:ال)?(?:كهربا\w*|تيار)",
        ),
        near(STRUCK, ELECTRICITY, gap=12),
        r"(?:touch\w+|near|against)[^.!?\n]{0,30}?(?<!\w)(?:shock|zap|tingl)\w*",
        r"(?<!\w)(?:shock|zap)[^.!?\n]{0,15}?touch\w+|electri[sc]ee? par (?:le |la |un |une |du )*(?:poteau"
        r"|compteur|cable|courant|fil|prise)",
        r"courant[^.!?\n]{0,12}?(?:frappe|pris|secoue|touche)|(?:frappe|secoue|pris|saisi)e? par le courant"
        r"|(?:compteur|prise|cable|fil) (?:\w+ )?m'a (?:electri[sc]e|frappe|secoue)",
    ),
    "fire": (
        word(
            r"feux?(?! (?:de tout|follet|de la cuisiniere|aujourd))|incend\w+|insendi\w*|flamm?es?|fumm?ee?s?"
            r"|etinc?ell?\w*|etincel\w*|s?etincelle\w*|crepite\w*",
            r"(?:prend|pris|mis|mettre|met) feu|en feu(?! aujourd)|court[- ]?circuit\w*[^.!?\n]{0,20}(?:feu|fumee"
            r"|flamme)",
            r"(?:odeurs?|sent|sens|senteur|pue|put)[^.!?\n]{0,20}(?:brul\w*|cram\w*|chaud|roussi|fumee|plastique)"
            r"|brule+ (?:partout|fort)",
            r"(?:appel\w+|call\w*|3[iy]to l?|عيطو ل\w*) (?:(?:les|the|l) ?)?(?:pompiers|fire ?(?:brigade"
            r"|fighters?|department)|bompiya|pompia)",
            r"fires?(?! (?:them|him|her|me|you|the (?:agent|staff|director)))|smok(?:e|ing|y|es)|sparks?|sparking"
            r"|sparked|flames?|in flames|on fire|ablaze",
            r"(?:entendu|fort|forte|grosse|grande|heard|loud|big|سمعنا|سمعت|sm3na"
            r"|sm3t)[^.!?\n]{0,15}?(?:explosions?|انفجار\w*|infijar|tfr[9g]i3a|تفركيعه|تفرقيعه)|انفجار قوي",
            r"(?:smell\w*|stinks?|stench)[^.!?\n]{0,20}(?:burn\w*|smoke|hot|melt\w*)|burning (?:smell|smel"
            r"|plastic|odou?r)|it(?:'s| is) burning",
            r"(?:ch[ae]?3l[ae]?t|cha3la|chedd?at|chd+at|nayda|nad[ae]t|t?ch3[ae]?l|kayna|fih[ae]?|t?gu?di"
            r"|ka[iy]?n?t?ch[ae]?3[ae]?l|ka3da) (?:fih[ae]? )?(?:l|el )?(?:3[ae]?f[iy]+a|3afya|3afia|nar)",
            r"(?:3afya|3afia|3afiya|nar|n+ar|3afiya) (?:f|fi|fih|fiha|hna|cha3la|ch[ae]?3l[ae]?t|nayda|chd+at"
            r"|chedd?at|kbira|kayna|katkhr[ae]?j)",
            r"(?:d+ou?(?:kh|5)+an|dkhan|d5an|d+e?(?:kh|5)+an|dokhane|fumi)(?! (?:dyal|d) (?:l)?garro)|chrara\w*"
            r"|chrar|chraret|b?ri7t l?[7h]r[ai]?[9q]\w*|ri[7h][ae]?t? ?(?:d(?:yal)? )?(?:l)?(?:[7h]r[ai9q]\w*"
            r"|chyat|ch[iy]at|m[ae]?[7h]rou[9q]\w*)",
            r"حريق\w*|حرايق|نيران|دخانا?|دخاخن|لهب|السنه (?:ال)?لهب|شراره?|شرارات|شرر|يشتعل|تشتعل|اشتعل\w*|اشتعال"
            r"|مشتعل\w*|احتراق|تماس كهربا\w*",
            r"(?:شعلات|شاعله|شاعلا|شدات|شادا|شاده|نايضه|نايضا|ناضت|كاينه|كاين|فيه|فيها|شعلت|شعلو|نوضات|قادي?ه"
            r"|كتشعل) (?:فيه\w? |هنا |عندنا )?(?:ال|ل)?(?:عافيه|نار)",
            r"(?:خرجات|خارجه|خرجت) (?:ال)?(?:عافيه|نار)|(?:عافيه|نار) (?:ف\w*|في|شاعله|شاعلا|شاده|شادا|شعلات|ناضت"
            r"|نايضه|شدات|كبيره|هنا|عندنا|كتخرج|خارجه|تشتعل|تخرج|اندلعت)",
            r"(?:ريحه?|رايحه|ريحت) (?:(?:ديال|د|ال) ?)?(?:ال|ل)?(?:حر[يا]?[قك]\w*|شياط|محروق\w*|احتراق|دخان|حريق"
            r"|شي حاجه كتحرق|كتحرق)",
        ),
        r"^\W*(?:feu|au feu|fire|l?3af[iy]+a|n+ar|(?:ال|ل)?عافيه|(?:ال)?نار|l?3afia)\W*$",
        near(
            EQUIPMENT,
            word(
                r"brul\w*|crame\w*|fum(?:e|ait|ent)|explos\w*|eclat(?:e|ement)|fond(?:u|us|ent|ait)?"
                r"|chauffe (?:trop|beaucoup|fort)|brulant\w*|flashe?\w*|arc|gresille\w*|petarade\w*|petille\w*",
                r"burn(?:t|ing|s|ed)?(?! out)|explo\w+|blew up|blown up|melt\w*|exploding|sizzl\w*|crackl\w*"
                r"|arcing|buzzing and hot|red hot|flash(?:es|ing)? (?:blue|fire)",
                r"(?:(?:ka|ki|ta|ti|gha)[yt]?)?t?[7h]r[ae]?[9q]\w{0,3}|m[ae]?[7h]rou?[9q]\w?"
                r"|tf[ae]?r[9gq][ae]?3\w*|k?[ae]?[yt]?fr[9g][ae]?3\w*|(?:ka[iy]?)?t{1,2}[ae]?r[dt][ae]?[9q]\w*"
                r"|n?tfjer|ka[iy]dou?b|kay?d[aeo]?(?:kh|5)+[ae]?n",
                r"(?:كي|كت|كا|ي|ت)?حرق\w{0,3}|(?:كي|ي|ت|كت)?حترق\w*|احترق\w*|محروق\w*|محترق\w*|(?:كي"
                r"|كت)?تحرق\w{0,2}|انفجر\w*|انفجار|(?:كي|كت|ت)?فرقع\w*|تفركع\w*|(?:كي|كت)?طرطق\w*|(?:كي"
                r"|كت)?طرطق\w*|ذاب\w*|كيدوب|كيدخن|يدخن",
            ),
            gap=25,
        ),
        near(word(r"court[- ]?circuit", r"short[- ]?circuit", "تماس"), EQUIPMENT, gap=20),
        near(
            word(r"cables?|wires?|kabl|silk|slouka?|(?:kh|5)it|(?:kh|5)you?t|خيط|خيوطه?|سلك|اسلاك|سلوكه?|كابل"),
            word(r"(?:كي|كت)?شعل\w*|شاعل\w*|(?:ka[iy]?t?|ki|kat)?ch[ae]?3[ae]?l\w?|cha3[ae]?l\w*"),
            gap=15,
        ),
        r"(?:ka[iy]?t?tl[ae]?3|ka[iy]?t?khr[ae]?j|khar[ae]?j|kharja|tal3a)(?: \w+){0,2} (?:n+ar|l?3af[iy]+a)(?!\w)",
        r"(?:maison|immeuble|appartement|cuisine|toit|poste|house|kitchen|building|roof)[^.!?\n]{0,10} (?:brule"
        r"|crame|is burning|burns)",
    ),
    "cable": (
        rf"{LINES}[^.!?\n]{{0,25}}?{DOWN}|{DOWN}[^.!?\n]{{0,12}}?{LINES}|{LINES}[^.!?\n]{{0,10}}?{IN_THE_WAY}",
        near(LINES, CHILDREN, gap=45),
        near(LINES, HIT, gap=25),
        word(
            r"haute tension[^.!?\n]{0,20}(?:sol|terre|tombe\w*)",
            r"fils? (?:electriques? )?(?:denude|nu)\w*|live wires?",
        ),
    ),
    "flood": (
        word(
            r"inond\w+|innond\w+|debord\w+ (?:dans|sur) (?:la|le|les) (?:rue|route|trottoir|chaussee|maisons?"
            r"|quartier)|geyser",
            r"flood(?:ed|ing|s)?|burst(?:ed)? (?:water ?)?(?:main|pipe)s?|(?:main|pipe)s? (?:has |have |is |just "
            r"|had )*(?:burst\w*|exploded|blew|broke|broken)|gush(?:ing|es|ed)?",
            r"(?:conduite|canalisation|tuyau|cana|buse)s?[^.!?\n]{0,20}(?:eclate\w*|explose\w*|pete\w*|rompue?"
            r"|creve\w*|cassee?|saute\w*)",
            r"(?:rupture|eclatement|explosion) (?:de |d'une |d'un |de la |du )*(?:conduite|canalisation|tuyau)"
            r"|(?:rue|route|cave|garage|quartier)[^.!?\n]{0,15}sous l'eau",
            r"(?:eau|water)[^.!?\n]{0,12}(?:jailli\w*|(?:sort|coule) a flots?|under water|partout dans la (?:rue"
            r"|maison)|envahi\w*|rivers?|all over the (?:street|road)|pouring (?:into|down) the (?:street|road))",
            r"(?:tyo?u?|tuyau|kanal\w*|9a?nat|canalisation|conduite|9ado?us|[9q]ad?ous"
            r"|mou?a?sora)(?: \w+){0,3} (?:tf[ae]?r[9gq][ae]?3\w*|nfajr\w*|t?fj[ae]?r\w*|tt?[ae]?r[dt][ae]?[9q]\w*)",
            r"(?:l'?ma|lma2)(?: \w+)? (?:fayed|fayd|fay[ed]e?d|fad|kayfid|kifid|kayfed)|fayadan\w*|faydan\w*"
            r"|(?:z+[ae]?n[9q]a|derb|tri[9q]|dar|zen9a|lzn9a)(?: \w+){0,2} (?:3am[ae]?ra?|3emr[ae]t|ghar[9q]a?"
            r"|gher[9q]at|ghr[9q]at|ghra?[9q]at)(?: (?:b|bel)?'? ?l?'?ma)?",
            r"(?:gh|r)[ae]?r[9q]+na (?:b|f) ?l?'?ma|ghar[9q]in b ?l?'?ma",
            r"فيضان\w*|سيول|طوفان|غمر\w*|(?:ال|ل)?(?:ما|مياه) (?:فايض|فاض|فاضت|كيفيض|تفيض|غمرت|تتدفق|يتدفق|كيتدفق"
            r"|متدفقه|كتدفق)|فاض (?:ال)?ما|تغرق|غرق\w* (?:ب|ف|في)?(?:ال)?(?:ما|مياه|شارع|حي|زنقه|دار)",
            r"(?:قنا[هة]?|قناه|قنوات|انبوب|انابيب|ماسوره|قادوس|تيو|لاكوندويت|كاناليزاسيون|كانال|قناة"
            r"|التيو)(?: \w+){0,3} (?:انفجر\w*|تفرقع\w*|تفركع\w*|طرطق\w*|تطرطق\w*|تفجر\w*|متفجره)",
            r"(?:انفجار|انفجرت?|تفرقعات?|طرطقات?|تفجرات?|تطرطقات?)(?: (?:لينا|عندنا|ليهم|في|ف))? (?:ال|ل)?(?:قناه"
            r"|قنوات|انبوب|انابيب|ماسوره|قادوس|تيو|لاكوندويت|كانال\w*)",
            r"(?:زنقه|درب|شارع|طريق|حي|دار|حومه)(?: \w+){0,2} (?:عامره?|غارقه?|غرقات|غرقت|مغموره?"
            r"|غارق)(?: ب?(?:ال)?(?:ما|مياه))?",
        ),
    ),
    "other": (
        rf"{WATER}[^.!?\n]{{0,25}}?{REACHES}[^.!?\n]{{0,20}}?{BOX}"
        rf"|{BOX}[^.!?\n]{{0,15}}?{REACHES}[^.!?\n]{{0,15}}?{WATER}",
        rf"{WATER}[^.!?\n]{{0,15}}?(?<!\w){ONTO} ?(?:l')?{BOX}",
        word(
            r"(?:odeurs?|fuites?|sent|sens)[^.!?\n]{0,12} gaz|gas leak\w*|leak\w* gas|smell\w*(?: of)? gas"
            r"|(?:ri[7h][ae]?t?|fuite) (?:d(?:yal)? )?(?:l|el )?ga[zs]",
            r"(?:ريحه?|رايحه|تسرب|ريحت|فويت) (?:(?:ديال|د) )?(?:ال|ل)?غاز",
            r"blesse(?:e?s?)?(?: graves?)?|injur(?:ed|y|ies)|got hurt|(?:is|was|are|been|someone|somebody|man"
            r"|child|boy|girl|woman|worker) (?:badly |seriously )?hurt|unconscious|inconscient\w*|ambulance"
            r"|evanoui\w*",
            r"mjrou?[7h]\w*|tj?r[ae]?[7h] (?:chi|wa[7h]ed|weldi|wldi|l)\w*|m?tj?r[ae]?7\w*|isti3jal\w*",
            r"مجروح\w*|جريح\w*|جرحي|اصيب\w*|مصابه?|مصابين|مصابون|تجرح\w*|اسعاف|مغمي|غيبوبه|اصابه (?:شخص|طفل|رجل)",
            r"danger(?:eu(?:x|se)s?|s|ous|ously)?|peril|life[- ]threatening|risque (?:de mort|mortel|vital)",
            r"خطر(?! (?:علي )?بال)|خطير (?:جدا|بزاف|علي)|(?:وضع|وضعيه|حاله|امر|شي) خطير\w*|كيشكل خطر|خطوره",
            r"khatar|5atar|khat[ae]r\w? (?:3l\w*|bzaf)|(?:7ala|rah|machi?) (?:khatira?|5atira?)",
        ),
    ),
}
_DANGERS = tuple((kind, re.compile("|".join(_PATTERNS[kind]))) for kind in KINDS)


def find_in(folded: Folded) -> list[Entity]:
    """The most urgent danger that a spelled-out message tells of, if it tells of any. Never raises."""
    text = HARMLESS.sub(lambda m: " " * len(m[0]), folded.text)
    for kind, pattern in _DANGERS:
        if m := pattern.search(text):
            start, end = folded.span(*m.span())
            return [{"entity": NAME, "value": kind, "start": start, "end": end}]
    return []
