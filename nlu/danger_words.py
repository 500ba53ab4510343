"""The words of danger in all varieties, as parts of the patterns of `nlu.danger`.

Over folded text (`nlu.normalise.fold`: no accents, one form per Arabic letter, no hamza).
"""

from __future__ import annotations

import re


def either(*lines: str) -> str:
    return "(?:" + "|".join(lines) + ")"


def word(*lines: str) -> str:
    """Whole words, with what Arabic and Darija write together with them: and, in, with, for, the."""
    return rf"(?<!\w)(?:[وفبلك]{{0,2}}(?:ال|ل)?|(?:[lfbd]|el|al)'?)?{either(*lines)}(?!\w)"


def near(one: str, other: str, gap: int = 30) -> str:
    """Both in one sentence, in either order, at most `gap` characters apart."""
    between = rf"[^.!?\n]{{0,{gap}}}?"
    return rf"{one}{between}{other}|{other}{between}{one}"


_BODY = r"(?:ni|na|ha|h|ou?|hom|nak|k|at|ato|atni|atna|atha|at\w{2,3})?"
"""Endings of a Darija verb in Latin letters that say whom it struck."""
ELECTRICITY = word(
    r"(?:[ld]')?elect?ri\w*|courant|current|electricity|power|jus",
    r"(?:[ld]')?d+ow?|d+ou|d+aw|t?tri[csy]+i?n?ti+|tris+i(?:nti|ti|ty)|k[ae]?h?r[ae]?ba\w*|kou?rant?",
    r"كهربا\w*|ضو|تريس\w+|تيار|كوران",
)
EQUIPMENT = word(
    r"compteur\w*|cpt|cable\w*|fils?|prises?|tableau|coffret|disjonct\w+|transfo\w*|poteau\w*|boiti?e?r?|poste"
    r"|armoire",
    r"lampadaires?|pylone|ligne",
    r"meters?|cables?|wires?|sockets?|outlets?|(?:fuse|meter|electric\w*|junction) ?box|breaker|transformer|pole"
    r"|pylon|substation|power line",
    r"[kc]ont[eo]u?r\w*|3add?ad\w*|kabl\w*|kabel|silk|s?slouk|priza|pri[sz]|poto|bou?to|disj[ao]n\w*|tablou?|transfo",
    r"عداد\w*|كونتور\w*|كونطور\w*|كنتور\w*|كابل\w*|كابلات|كيبل|سلك|اسلاك|سلوكه?|خيط|خيوطه?|بريز\w*|لابريز|مقبس",
    r"محول\w*|عمود|اعمده|بوطو|بوتو|طابلو|تابلو|ديسجونكتور|ديجونكتور|قاطع|صندوق|ترانسفو|طرانسفو",
)
LINES = word(
    r"cable\w*|cabl|(?<!mon )(?<!son )(?<!ton )(?<!notre )(?<!votre )(?<!leur )(?<!petit )(?<!petit-)fils?"
    r"|poteau\w*|poto|pylones?|ligne (?:electrique|haute tension|moyenne tension)|lampadaires?",
    r"cables?|wires?|wiring|(?:power|electric\w*|overhead) lines?|poles?|pylons?|lamp ?posts?",
    r"kabl\w*|kabel\w*|kwabel|silk|slk|slouk\w*|aslak|(?:kh|5)it|(?:kh|5)you?t\w*|bou?to\w*|pou?to\w*|3amou?d|a3mida",
    r"كابل\w*|كابلات|كيبل|كوابل|سلك|اسلاك|سلوكه?|سلوكا|خيط|خيوطه?|خطوط|عمود|اعمده|بوطو\w*|بوتو\w*|بوطوات",
)
DOWN = word(
    r"par ?terr?e|(?:a|au|sur le|contre le) (?:sol|terre)|a terre",
    r"tombe+(?:es?|r|s|nt)?(?! (?:en panne|malade|d'accord|bien|mal|du ciel))|arrach\w+|pend\w*|coup(?:e+|es"
    r"|ee?s?)|denu[de]\w*|a nu|nus?|casse\w*|penche\w*|incline\w*|decroche\w*|detache\w*|sectionne\w*|effondre\w*"
    r"|ecroule\w*|touch\w+|trop bas|traine\w*|bas|dangereu\w+",
    r"down|fell|falls?|falling|fallen|on the (?:ground|floor|pavement)|hanging|hangs|dangling|lying|snapped"
    r"|broken?|broke|exposed|bare|loose|leaning|collaps\w+|low|cut|torn|sagging|dangerous",
    r"ta[7h](?:at|et|o|ou)?|(?:gha|ka|ta)?[yt]{1,2}i[7h]|[yt]?r[iy]b|ray[ae]?b\w{0,2}|tay[7h][ae]?(?:in)?"
    r"|tay[ae][7h][ae]?|f ?l?ar[dt]|l?flard|3l[ae]? ?l[ae]?r[dt]|3la l?ar[dt]|m[ae]?[9q]to?u?[3a][ae]?"
    r"|t?[9q]t[ae]?3\w*|t[9q]t[ae]?3\w*|md+el+i\w*|m3l+[ae]?[9q]\w*|3[ae]?r[iy]a?n\w*|m[ae]?yla?|mayel"
    r"|m[ae]?(?:ch|k)chouf\w*|mkchou?f\w*|m7lou?l\w*|mherre?s\w*|therre?s\w*|khat[iae]+ra?|ta[7h]t (?:3la|f)",
    r"ساقط\w*|سقط\w*|سقوط|يسقط|تسقط|طاح\w*|طايح\w*|كيطيح|غيطيح|غادي يطيح|يريب|كيريب|غيريب|رايب|ايل|غاتطيح|ارض"
    r"|مقطوع\w*|تقطع\w*|انقطع\w*|متدلي\w*|مدلي\w*|مدلدل\w*|عار\w{0,2}|عريان\w*|مكشوف\w*|مايل\w*|محلول\w*|معلق\w*"
    r"|مهرس\w*|تهرس\w*|ملقي\w*|منهار|يتدلي|تتدلي|خطير\w*|خطر|مال|مرمي\w*|واقع\w*|مكسور\w*",
)
IN_THE_WAY = word(
    r"(?:dans|sur|en travers de|au milieu de) (?:la )?(?:rue|route|chaussee|voie|trottoir|chemin)",
    r"(?:in|on|across) the (?:road|street|way|path)",
    r"(?:f|3la|wast) ?(?:l|t)?(?:z+[ae]?n[9q]a|tri[9q]|trottoir|derb)",
    r"(?:في |ف|علي |وسط )(?:ال|ل)?(?:زنقه|طريق|شارع|رصيف|درب)",
)
HIT = word(
    r"heurt\w+|percut\w+|renvers\w+|rentre dans|hit|crash\w*|drove into|d+[ae]?rb(?:at|o|ou)?|drab|dkh[ae]?l f",
    r"ضرب(?:ات|ت|و)?|ضارباه?|صدم\w*|دخل\w* ف",
)
CHILDREN = word(
    r"enfants?|gamins?|gosses?|petits|eleves|children|kids?|toddlers?|boys?|pupils",
    r"d?rari|wlid\w*|wladi?|wlad\w*|weldi|derri\w*|atfal|lbrahech",
    r"اطفال\w*|طفل\w*|دراري|وليدات\w*|ولادي?|اولاد\w*|برهوش|تلاميذ|صغار",
)
STRUCK = word(
    r"(?:ka[yt]?|ki|kat|gha)?d+[ae]?r+[ae]?b+" + _BODY + r"(?<!derb)(?<!ddrb)",  # derb is an alley
    r"k?(?:ay|at)?t?s+l[ae]?(?:7|kh|5)" + _BODY,
    r"[9qg]+a?s+" + _BODY + r"|ch[ae]?d+" + _BODY + r"|nt[ae]?r" + _BODY + r"|l[ae]?3?s+" + _BODY,
    r"md?rou?ba? b|md?rou?b",
    r"(?:كي|كت|كا|تي|ت|ي)?ضرب\w{0,4}|ضاربا?\w{0,3}|مضروبه?|(?:كي|كت)?ضرب\w{0,4}|صعق\w{0,4}|(?:ي|ت)?لسع\w{0,4}"
    r"|(?:كي|كت)?شد(?:ني|ه|ها|نا|هم|و|اتني|اتو|اتها|ات)|(?:كي|كت)?قاس(?:ني|ه|ها|نا|و|اتني|ات|اتو)|(?:كي"
    r"|كت)?سلخ\w{0,4}|(?:كي|كت)?نتر(?:ني|و|ها|نا|اتو|اتني)|(?:كي|كت)?جبد(?:ني|ه|ها|نا|و|اتني)",
)
WATER = word(
    r"(?:[ld]')?eaux?|fuite|pluie|water|rain|leak\w*|l'?ma2?|chta",
    r"(?<=ال)ما|(?<=لل)ما|(?<=^ل)ما|(?<= ل)ما|مياه|امطار|مطر|شتا|تسرب\w*",  # «ما» alone is "what" and "not"
)
BOX = word(
    r"compteur (?:electrique|d'?electri\w+|de (?:la )?lumiere|de courant)|tableau(?: electrique)?|disjonct\w+"
    r"|prises?|(?:coffret|boiti?er?|armoire|installation|cable|poteau|fils?|transfo\w*)(?: (?:electri\w*"
    r"|d'electri\w+|de courant))?",
    r"(?:electric\w*|power|light) (?:meter|box|panel|cable|pole)|fuse ?box|breakers?|sockets?|outlets?|electrics"
    r"|wires?|(?:meter|box|panel) (?:of|for) (?:the )?(?:electricity|power)",
    r"(?:[kc]ont[eo]u?r|compteur|boite|sandou9|3add?ad) (?:dy?al|d|nta3|de) (?:l|t)?(?:d+ow?|trisin?ti|kahraba)",
    r"disj[ao]n\w*|priza?|tablou?|kabl\w*|slouk\w*|bou?to|transfo",
    r"(?:عداد|كونتور|كونطور|صندوق|علبه|لوحه|اسلاك|كابل\w*|خيوطه?|سلوكه?) (?:(?:ديال|د|تاع) )?(?:ال)?(?:كهربا\w*"
    r"|ضو|تريسينتي)",
    r"ديسجونكتور|ديجونكتور|قاطع (?:ال)?(?:كهربا\w*|تيار)|بريز\w*|لابريز|مقبس|طابلو|اسلاك|كابل\w*|عداد كهربا\w*",
)
REACHES = word(
    r"touche|atteint|coule|entre|rentre|tombe|ruisselle|goutte|degouline|inonde\w*|pleine?s?|remplie?|mouille\w*"
    r"|trempe\w*",
    r"touch\w+|drip\w*|wet|full|reach\w*|gets?|getting|pour\w*|runn?\w*|com(?:es|ing)|leak\w+",
    r"d+[ae]?(?:kh|5)+[ae]?l\w*|dakhe?l\w*|k?[ae]?[yt]?d?(?:kh|5)ol|w[ae]?s[ae]?l\w*|3am[ae]?ra?"
    r"|ka[iy]?t?[9q]t?[ae]?r|ka[iy]?ti[7h]|katna[9q][ae]?t",
    r"داخل\w*|دخل\w*|كيدخل|يدخل|تدخل|كيقطر|يقطر|كيطيح|وصل\w*|عامره?|يتسرب|كيتسرب|غرق\w*|مبلل\w*|فازك\w*|يسيل|كيسيل",
)
ONTO = (
    r"(?:sur|dans|contre|pres (?:du|de)|juste (?:a cote du|sous)|into|onto|on|in|over|inside|near|next to|f|fi"
    r"|3la|3el|3l|[7h]da|علي|ع|ف|في|قرب|حدا)(?: (?:le|la|les|mon|notre|the|my|our|l|un|une|an?))?"
)

_SAME_SUBJECT = (
    r"(?:(?!compt|cabl|cpt|coff|poteau|transfo|prise|tabl|meter|wire|pole|box|kont|kabl|khit|poto|mais|but |and "
    r"|et |w |عداد|ونطور|ونتور|كابل|خيط|سلك|بوطو|عمود|محول|لكن| و)[^.!?؟،,\n]){0,25}?"
)
"""Between money and what it is said to do: nothing that could burn in earnest."""
HARMLESS = re.compile(
    word(
        r"feux? (?:vert|rouge|orange|tricolore|de signalisation|d'artifice)s?|feu (?:mon|ma|son|leur|votre"
        r"|notre) \w+",
        r"(?:plat|cuisiniere|plaque) a feu|coup de feu|pot au feu|arme a feu|green ?light|camp ?fire|fire ?wall"
        r"|firefox",
        r"you'?re fired|(?:got|was|been|be) fired|on fire sale|assurance(?: contre l'| )?incendie|fire insurance",
        r"lutte contre l'incendie|fumees? sans feu|anti-?fumee|detecteurs? de fumee|smoke (?:detectors?|alarms?)",
        r"(?:ne |je |tu |on |il )?fum(?:eur|er|ez)\w*|(?:je|tu|nous|vous) fum\w+|no smoking|(?:i|to|don't"
        r"|we) smoke|smoker\w*",
        r"(?:pas|plus|sans|aucune?|ni) (?:de |d'|le |la )?(?:feu|fumee|incendie|flamme|danger|etincelle|blesse"
        r"|degat)s?",
        r"(?:no|without|not) (?:any )?(?:fire|smoke|sparks?|danger|flames?|one (?:is )?(?:hurt|injured))"
        r"|not dangerous",
        r"(?:ma ?ka(?:y|i)n\w*|bla|machi) (?:chi )?(?:l)?(?:3afya|3afia|doukhan|khatar|mouchkil)",
        r"(?:لا يوجد|ولا|ليس هناك|لا توجد|بدون|دون|بلا|ما ?كاين\w*|ماشي|ليس) (?:اي |شي |هناك )?(?:ال|ل)?(?:حريق"
        r"|خطر|دخان|عافيه|شرار\w*)",
        # Thanks and wishes: «الله يعطيكم العافية»
        r"[يا]?عطي\w{0,4} (?:ال|ل)?(?:صحه|عافيه)(?: و ?(?:ال)?(?:عافيه|صحه))?|(?:ال)?(?:صحه|شفا|خير"
        r"|سلامه) و ?(?:ال)?عافيه",
        r"y?[ae]?3?a?3?ti\w{0,4} (?:l|el |al)?(?:3?afy?i?a|3?afia|s[ae]?7+a)|s[ae]?(?:7|h)+a? w ?l?3af[iy]+a",
        # Money that burns, explodes, kills, shocks
        r"(?:prix|tarifs?|factur\w*|montants?|consommation\w*|conso|couts?|depenses?|note|budget)"
        + _SAME_SUBJECT
        + r"(?:brul\w+|flamb\w+|explos\w+|feu|incendi\w+|enflamm\w+|electri\w+|noye?\w*|foudroy\w+)",
        r"(?:prices?|bills?|rates?|costs?|usage|consumption)"
        + _SAME_SUBJECT
        + r"(?:on fire|burn\w+|explod\w+|shock\w*|skyrocket\w*)",
        r"(?:brul\w+|burn\w*) (?:les etapes|d'impatience|mes economies|tout mon (?:argent|salaire)|(?:a"
        r"|my) \w+ (?:pocket|savings))",
        r"burn\w* (?:through|up) (?:my|the|our|so|a lot|credit|money)|burnt? out(?= (?:bulb|lamp|by|from|and tired))",
        r"(?:electri[sc]\w+|choqu\w+|shock\w*|foudroye\w*) (?:par|by|de|at|about|with|when i saw|to see"
        r"|d'apprendre|quand j'ai vu)"
        r" (?:la |le |les |ma |mon |mes |vos |votre |ce |cette |cet |the |this |that |my |your |how |such )*"
        r"(?:fact\w*|prix|montant\w*|tarif\w*|attitude|accueil|service|bill\w*|price\w*|amount\w*|attitude|news"
        r"|nouvelle|\w+ bill)",
        r"(?:fact?ur\w*|lfact\w*|taman|l?atman|2atman|t[ae]man)"
        + _SAME_SUBJECT
        + r"(?:nar|n+ar|[7h]r[ae]?[9q]\w*|ch3[ae]?l\w*|tfr[9g]\w*|d[ae]?rb\w*|s+l[ae]?(?:7|kh|5)\w*"
        r"|[9q]t?[ae]?l\w*|k?hrbat\w*|tkahreb\w*|cha3la)",
        r"(?:[7h]ar?[9q][ae]?t\w*|d[ae]?rb[ae]?t\w*|s+l[ae]?(?:7|kh|5)[ae]?t\w*|[9q]tl[ae]?t\w*"
        r"|k[ae]?hr?b[ae]?t\w*|tkahr[ae]?bt mn|nar)"
        r" (?:ni |na |l[iy]ya |b |mn |f )*(?:had )?(?:l|d)?(?:fact\w*|taman|t[ae]man|flous)",
        r"(?:ف[ات]+[كق]?ت?و?ر\w*|فاتوره?\w*|فاكتور\w*|فواتير|ثمن\w*|تمن\w*|اثمان|اثمنه|سعر|اسعار\w*|مبلغ)"
        + _SAME_SUBJECT
        + r"(?:نار|نارا|حرق\w*|احرق\w*|تحرق\w*|كتحرق\w*|شعل\w*|شاعل\w*|كتشعل|مشتعله?|ملتهبه?|انفجر\w*|تفرقع\w*"
        r"|صعق\w*|صادم\w*|صدم\w*|ضرب\w*|قتل\w*|كهربات\w*|تكهرب\w*|سلخ\w*|خطير\w*|غرق\w*)",
        r"(?:نار|نيران|لهيب|اشتعال|اشتعلت|احرقتنا|احرقتني|حرقاتني|حرقتني|ضرباتني|ضربتني|قتلتني|قتلاتني|صعقت"
        r"|صعقتني|صدمتني|سلخاتني|كهرباتني|تكهربت|تكهربنا)"
        r" (?:من |ب |مع |ف |عند )*(?:هاد |هذه |هذا )?(?:ب|ف|م)?(?:ال|ل)?(?:ف[ات]+[كق]?ت?و?ر\w*|فاتور\w*|فواتير"
        r"|اسعار|ثمن|تمن|مبلغ)",
        r"(?:شعل\w*|نشعل\w*|كنشعل\w*|شاعل\w*) (?:ال|ل)?(?:ضو|بول\w*|لامب\w*)|ch[ae]?3[ae]?l\w* (?:d+ow?|lbola"
        r"|lamba|telvi[sz]ion)",
        # Floods of messages
        r"(?:inond\w+|noye\w*|flood\w*|submerge\w*)(?: \w+){0,2} (?:de|d'|par|with|by|in)(?: (?:vos|les|des|your"
        r"|all))* ?"
        r"(?:sms|messages?|appels?|pub\w*|mails?|factures?|rappels?|notifications?|calls?|texts?|reminders?"
        r"|bills?|e-?mails?|ads?|spam)",
        r"غرق\w* (?:ب|ف|في|ف ?ال)?(?:ال)?(?:كريدي|ديون|رسايل|ميساجات|دين)|ghar[9q]\w* f (?:l)?(?:kridi|dyoun"
        r"|credit|messages?)",
        # Wires that carry talk, and sons
        r"(?:phone|telephone|hot|internet|wifi|fibre|adsl|on) ?lines?[^.!?\n]{0,15}?(?:down|cut|dead)|(?:online"
        r"|website|site|app) (?:is )?down",
        r"(?:cable|fil|ligne) (?:internet|fibre|telephon\w+|reseau|tele|tv|usb|hdmi|de (?:ma |la )?(?:tele|box))\w*",
        r"(?:internet|fib(?:re|er)|tv|usb|hdmi|phone|charger|telephone) (?:cables?|wires?|lines?|poles?)",
        r"(?:كابل|سلك|خيط|خط) (?:ال)?(?:انترنت|هاتف|تيليفون|تلفاز|تلفزه|ويفي|فيبر|شارجور)|(?:kabl|cable|silk"
        r"|(?:kh|5)it) d?(?:y?al)? ?(?:l)?(?:wifi|internet|tele\w*|chargeur|tilifoun)",
        r"mon (?:petit[- ])?fils|my wires? transfer|wire ?transfer\w*|fil (?:conducteur|de l'eau|du temps"
        r"|d'attente|de discussion)",
        r"(?:coup|chute|choc) de (?:fil|tension|pouce)|au fil|bande passante|sur le fil",
        r"(?:blesse\w*|vexe\w*|hurt) (?:par|by|dans|in) (?:vos|votre|ces|son|ses|leurs?|mon|ma|your|my|the) "
        r"(?:propos|paroles|mots|attitude|amour|orgueil|dignite|words?|tone|feelings|pride|reponse)"
        r"|hurts? my (?:wallet|budget|pocket)",
        r"(?:phare|extinction) des? feux?|compte (?:est )?a terre|gaz(?:oil| butane moins)|prix du gaz"
        r"|bouteille de gaz|gas price\w*|gas station",
    )
)
"""Words of danger that tell of none; they are blanked out before the search."""
