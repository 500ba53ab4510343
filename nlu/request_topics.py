"""What of a request a message is about: withdrawing it, its date, the recharge team, one's own data.

Only the dialogue uses these, once the intent says what kind of request it is: "retirer", "ouvert" or "le camion" mean
other things elsewhere. A message may have several ("horaires de l'agence"): all are told, in the order of `TOPICS`.
Topics of bills are in `nlu.topics`; neither table knows the other.
"""

from __future__ import annotations

import re

from nlu.entities import Entity
from nlu.normalise import Folded

NAME = "request_topic"
"""The entity; only the dialogue uses it."""

_PREFIX = r"(?:[وفبلك]?(?:ال|ل)?|(?:[lfbd]|el|al)'? ?)"
"""What Arabic and Darija write together with the word: and, in, with, for, like, the."""
_MY_DATA = (
    r"(?:(?:mes|mon|ma|vos|les|ses|my|the|all|toutes|personal|about me|that) )*(?:donnees?|infos?|informations?"
    r"|coordonnees|historique|messages?|conversations?|data|details|numero|(?:phone )?number|address|adresse"
    r"|profil|profile|compte|account|dossier|l?m?a?3l?ou?mat\w*|l?ma3lou?mat\w*|m3lou?mat\w*|donn?ees?|nemra|nmra"
    r"|nimero"
    r"|smiy?ti|(?:ال|ل)?معلومات\w*|(?:ال|ل)?معطيات\w*|بيانات\w*|(?:ال|ل)?بيانات|داتا|نمرتي|رقمي|حسابي|رسايلي"
    r"|سميتي|اسمي)"
)
_REQUEST = (
    r"(?:(?:ma|la|cette|mon|le|l'|my|the|this|that|a|had|dik|w?dak|هاد|داك|ديك) ?)*(?:demande|dossier|report"
    r"|requete|echeancier|reclamation|request|application|deferral|plan|claim|complaint|l?t?talab|tal[ae]b|lmilaf"
    r"|dossie|demand|[وف]?(?:ال|ل)?طلب(?:ي|يه|ات|يات)?|(?:ال|ل)?ملف|(?:ال|ل)?شكايه|شكايتي|لادوموند|دوسي)"
)
_REFERENCE = r"[a-z]-[0-9a-z]{4,}"

TOPICS: dict[str, re.Pattern[str]] = {
    topic: re.compile(rf"(?<!\w){_PREFIX}(?:{'|'.join(words)})(?!\w)")
    for topic, words in {
        "withdraw": (
            rf"(?:retir\w+|annul\w+|supprim\w+|abandonn\w+|renonc\w+ a|arret\w+|laiss\w+ tomber|withdraw"
            rf"|cancel\w*|drop|take back|forget|remove|stop) (?:{_REQUEST}|{_REFERENCE})",
            r"(?:annul+e|7?ayy?ed|n?[7h][aei]*y+[ae]?d\w*|7[aiy]+d\w*|hayy?ed|anili|nannul\w*|annuliw"
            r"|s[ae]?[7h]b\w*|ns[7h]eb"
            rf"|lghi\w*|nlghi|bat+el)"
            rf" (?:liya |lia |3liya )?(?:{_REQUEST}|{_REFERENCE})",
            r"(?:n'ai|ai|j'ai|n'en ai) plus besoin|(?:ne |n'en )?veux plus|plus la peine|finalement non"
            r"|je (?:me )?(?:desiste|retracte"
            r"|renonce)|change d'avis",
            r"no longer (?:need|want)|(?:don't|do not|dont) (?:need|want) (?:it|the \w+|this|that) any ?more"
            r"|changed my mind|never ?mind (?:the|my) \w+",
            rf"(?:سحب|اسحب|نسحب|الغا|الغي|الغوا|نلغي|الغيو|لغيو|حيد\w*|نحيد|انولي\w*|ابطل|بطلو|نبطل|حبسو"
            rf"|تراجع\w* عن) (?:{_REQUEST}|{_REFERENCE})",
            r"(?:ما ?بقيت\w*|ماعدت|لم اعد|ما عدت|مابقاش) (?:عندي |بغي\w* |باغي\w* |محتاج\w* |اريد |احتاج "
            r"|خاصني )?\w*|لا اريد\w* بعد الان|تراجعت|بدلت رايي",
            r"ma ?b[9q]i+t?ch? ?(?:ba?ghi\w*|m[7h]taj\w*|bghit\w*)?|ma ?b[9q]at?ch khas\w*|bed+elt ra2?yi?"
            r"|tra?j[ae]?3t",
        ),
        "change": (
            r"(?:chang|modifi|decal|deplac|report|repouss|avanc|corrig)(?:er|ez|e) (?:(?:la|ma|le|mon|de|sa|l')? ?)*"
            r"(?:dates?|jour|demande|delai|echeance|nombre|parts?|fois|mensualites?|montant|report|echeancier)",
            r"(?:une |la |autre )(?:autre|nouvelle) date|autre jour|plutot (?:le|en|au) \d+|au lieu d[ue'] ?\d+",
            r"(?:change|modify|move|edit|amend|adjust) (?:(?:the|my|a|this|that) )?(?:date|day|request|plan"
            r"|number|schedule|deferral|instal\w*)|another (?:date|day)|different (?:date|day)",
            r"(?:n?b[ae]?d+e?l+\w*|n?t?changi\w*|n?t?modifi\w*) (?:liya |lia |la |had )*(?:l|f |l )?(?:e?ta?rikh"
            r"|date|ladate|nhar|talab|demande"
            r"|ch+[ae]?hr|lyoum|mo3id|maw3id)|(?:ta?rikh|date|nhar|yom) a?khor|n?b[ae]?d+e?l+[ou]?(?:ha"
            r"|h)? (?:l )?nhar|n[ae]?kh+[ae]?r\w* (?:date|ta?rikh)",
            r"ن?بدل\w*|تبديل (?:ال)?(?:تاريخ|طلب|موعد|يوم)|تغيير (?:ال)?(?:تاريخ|طلب|موعد|يوم|عدد)"
            r"|غيروا? (?:ال)?(?:تاريخ|طلب|موعد)|(?:تعديل|اعدل|تعدلوا|عدلوا) (?:ال)?(?:طلب\w*|تاريخ|موعد)|(?:تاريخ"
            r"|يوم|نهار|موعد) (?:اخر|اخرا)",
        ),
        "points": (
            r"(?:ou|endroit pour|lieu pour|comment|quel endroit) (?:puis[- ]je |peut[- ]on |on peut "
            r"|est[- ]ce (?:que )?\w+ (?:peux? )?|je (?:peux |dois |vais )?|se )?(?:re)?charg\w+",
            r"(?:points?|lieux?|endroits?|commerces?|boutiques?|magasins?|epicer\w+|places?|shops?|stores?"
            r"|spots?) (?:de |ou (?:on )?|d'|to |where (?:i |we )?(?:can )?|for |of )?(?:la )?(?:re)?charg\w*"
            r"|points? de vente|recharg\w+ (?:points?|shops?|place)",
            r"where (?:can|do|could|should|to) ?(?:i |we )?(?:re ?charge|top ?up|buy (?:credit|a? ?code|kwh))"
            r"|nearest (?:recharge|top)",
            r"(?:فين|منين|وين|اين|ايا بلاصه|من اين) (?:ممكن |يمكنني |يمكن |نقدر |غادي |استطيع |كن"
            r"|كت)?(?:ل?ي )?(?:ن|ا|كن|غن|ك|كت|ت|نت)?"
            r"(?:شارجي|رشارجي|عمر\w*|عبي\w*|شحن\w*|شري|شرا|تشارجا|تعبا|ك?تباع|شرجي)",
            r"(?:نقط\w*|نقاط|محل\w*|حانوت|اماكن|مكان|بلاص\w*|مركز|مراكز) (?:ال|د |ديال |لل|ل)?(?:ال)?(?:شحن|تعبيه"
            r"|رشارج|روشارج|شارج|تزود)",
            r"(?:fin|fayn|feen|win|mnin|mn in|blas+a fin) (?:n[9q]d[ae]?r |ghadi |yemken |ymken |momken "
            r"|ka)?(?:liya )?(?:n|ka?n|gha?n|nt|kayt|kat|t)?"
            r"(?:re)?(?:tt?)?(?:charj\w*|char[gd]j?\w*|charg\w*|recharg\w*|cherj\w*|3[ae]?mm?[ae]?r\w*"
            r"|3[ae]?b+i\w*|[ae]?chri)",
            r"(?:no[9q]ta|n[9q]ati?|blas+a|blays|7anout|hanout|point) (?:d(?:e|yal)? )?(?:l|r?e?)?(?:recharge"
            r"|charge|rechargi|chargement|ta3bi2?a)",
        ),
        "come": (
            r"(?:envoy|depech)\w+[- ](?:moi |nous |la |le |une |un |l'|les |votre |vos )*(?:equipe\w*|camion\w*"
            r"|quelqu'un|technicien\w*|agents?|monde)",
            r"(?:qu'il|qu'ils|qu'on|qu'elle|faites|vous pouvez|pouvez[- ]vous|peuvent|peut|doit|doivent) (?:ils? "
            r"|elle )?(?:viennent|vienne|venir|passer|passent|passe|se deplacer)"
            r"|que (?:l'equipe|le camion|quelqu'un|vous) (?:vienn?e\w*|passe\w*)|venez|passez (?:chez|nous|me)",
            r"(?:send|dispatch) (?:(?:me|us|the|a|your|over) )*(?:team|truck|someone|somebody|crew|technician"
            r"|people|van)|(?:want|need|would like) (?:the |a |your )?(?:team|truck|van|crew)|(?:can|could|please"
            r"|should|must) (?:you |they |the team |someone |somebody )?(?:come"
            r"|visit|pass by)|come (?:to|here|over)",
            r"(?:ارسلوا|ارسال|ابعثوا|ابعث|ارسل|صيفطو|سيفطو|صيفط|سيفط|بعتو|صيفطوا)\w* (?:لنا |لينا |ليا |لي |الي "
            r"|الينا |شي )*(?:ال)?"
            r"(?:فريقا?|فرقه|شاحنه|كاميو|واحد|احدا?|تقنيا?|طوموبيل|لا?ي?ايكيب|ليكيب|لايكيب|قافله|شخصا?|تقنيين|حد)",
            r"(?:يجي|يجيو|يجيوا|تجي|ياتي|ياتوا|ياتون|تاتي|يحضر|يحضروا|يزورونا|جيو|اجيو|يدوز|يدوزو"
            r"|دوزو)(?: (?:عند\w+|عندنا|لعند\w*|لدار\w*|الي\w*|دابا|ليا|لينا))?",
            r"s[iy]f+[ae]?[td]\w* (?:liya |lia |lina |chi )*(?:lekip|l'?equip\w*|equipe|wa7ed|wahed|7ed|had"
            r"|lcamion|camion|technicien|tomobil|firqa|kip)|(?:y|t)?ji[ow]+ (?:l3nd\w*|3nd\w*|ldar|hna|lina|liya"
            r"|daba)|yjiw|yjiou|ajiw|(?:y)?douzo? 3nd\w*",
        ),
        "tour": (
            r"camions?|camionn?ettes?|fourgon\w*|equipes?(?: mobiles?)?|tournees?|caravanes?|agents? mobiles?"
            r"|passages?|kafila",
            r"truck|vans?|(?:mobile |recharge )?teams?|crew|mobile (?:unit|agent)|caravan|rounds?|tour|next visit",
            r"(?:ال)?(?:كاميو\w*|قافله|قوافل|شاحنه|فرقه|فريق|طوموبيل\w*|طونوبيل\w*|سياره|ايكيب|ليكيب|طاقم|جوله)",
            r"(?:kamyou?n?|camiou?|[9qk]afila|t[ou]n[ou]?bil\w*|tomobil\w*|firqa|fir9a|far[9q]a|ekip|equip|kip"
            r"|fourgounit\w*)",
        ),
        "ledger": (
            r"(?:combien|qu'est ce)[^.!?\n]{0,25}?(?:rembours\w*|reste\w*|dois encore|dois[^.!?\n]{0,20}(?:avance"
            r"|kwh)|rendre|retenu\w*|recuper\w*)",
            r"(?:reste|solde|restant|suivi|releve|compte|historique|remboursement\w*) (?:a (?:rembourser|payer"
            r"|rendre) |de |d'|du |sur |mon |l')*(?:avance|kwh|pret)\w*|(?:rembours|recuper)\w+",
            r"how (?:much|many)[^.!?\n]{0,30}?(?:still owe|owe[^.!?\n]{0,15}(?:advance|kwh)|left|pay back|repay"
            r"|remain\w*|still|outstanding)|paid back|repay\w*|pay back|left of (?:the|my) advance",
            r"(?:شحال|كم|اشحال|قداش)[^.!?؟\n]{0,25}?(?:بقا|باقي|بقي|بقات|تبقي|تبقا|المتبقي|نرد|ارد|نرجع|كتسالو"
            r"|عليا|علي|تسدد|سداد)|رصيد (?:ال)?(?:تسبيق|سلفه|سلف)",
            r"(?:ch+[7h]?al|chehal|sh[7h]al|ch7al|9d+ach)[^.!?\n]{0,25}?(?:b[9q]a|ba[9q]i|b[9q]at|nred|nrj[ae]?3"
            r"|3liya|3lia|katsal\w*|nkhel+[ae]?s f|kts?alo)",
        ),
        "export": (
            rf"(?:copie|copy|copies|export\w*|telecharg\w+|download|extrait|envoy\w+|send|recevoir|recuper\w+|get"
            rf"|receive|obtenir|fichier|file|dump)"
            rf"(?:[- ](?:me|moi|de|of|a|the|toutes?|tout|all|une?))* (?:d')?{_MY_DATA}",
            rf"(?:نسخه|نسخ|تصدير|تحميل|صيفط\w*|سيفط\w*|ارسل\w*|ابعث\w*|عطي\w*|اعطوني|اعطني|كوبي)(?: (?:ليا|لي|من"
            rf"|ديال|كل|جميع|د|علي|الي))* ?{_MY_DATA}",
            rf"(?:nos(?:kh|5)a|nus(?:kh|5)a|copie|kopi|s[iy]f+[ae]?[td]\w*|3ti?\w*|export"
            rf"|telecharg\w*)(?: (?:liya|lia|mn|dyal|men|d|kol|ga3|3la))* ?(?:l|d)?{_MY_DATA}",
        ),
        "rectify": (
            rf"(?:corrig\w+|rectifi\w+|modifi\w+|mettre a jour|met\w* a jour|chang\w+|actualis\w+|correct\w*"
            rf"|rectify|update|fix|amend|change)"
            rf"(?: (?:de|the|toutes|votre))* ?(?:{_MY_DATA}|(?:my|mon) (?:tele)?phone)",
            r"(?:rectification|correction) (?:de |d'|of )|(?:mon|my|le) (?:nom|name|prenom|numero|number|adresse"
            r"|address|telephone|phone|e-?mail)"
            r"(?: \w+){0,3} (?:n'est |est |is |sont )?(?:mal \w+|faux|fausse|errone\w*|incorrect\w*|wrong"
            r"|pas (?:bonn?e?|correcte?|juste)|misspel\w*|ecrit|ancien)",
            r"(?:mal (?:orthographie|ecrit)|misspel\w*|erreur dans mon (?:nom|adresse|numero))|(?:donnees?|infos?"
            r"|informations?|data) (?:sont |est |is |are )?(?:fausses?|erronees?|incorrect\w*|wrong|pas a jour)",
            rf"(?:تصحيح|صحح\w*|نصحح|تعديل|عدل\w*|نعدل|تحديث|بدل\w*|نبدل|اصلاح|تغيير) (?:ليا "
            rf"|لي )?(?:ال)?(?:{_MY_DATA}|عنواني|اسم\w*|سميه|سميتي|نمره|هاتفي|عنوان)",
            r"(?:اسمي|سميتي|عنواني|رقمي|نمرتي|هاتفي|السميه|الاسم)(?: \w+){0,3} (?:غلط|خطا|خاطي|مغلوط|غالط\w*"
            r"|ماشي صحيح|مكتوب\w* غلط|ماشي هو)|(?:غلط|خطا|مغلوط\w*) (?:ف|في)? ?(?:ال)?(?:اسمي|سميتي|سميه|اسم"
            r"|عنوان\w*|معلومات\w*|معطيات\w*)|(?:معلومات\w*|معطيات\w*|بيانات\w*) (?:ماشي صحيح\w*|غلط\w*|خاطيه"
            r"|غير صحيحه|قديمه)",
            rf"(?:s[ae]?7+[ae]?7\w*|n?sa?77?e?7\w*|n?[sc]ahh?e[hc]\w*|correct\w*|n?corrig\w*|n?b[ae]?d+e?l+\w*"
            rf"|b[ae]d+lo)(?: (?:liya|lia))? (?:l|d)?{_MY_DATA}",
            r"(?:smi?y?ti|s+miya|nmrti|nemrti|nimeroty?a?|adressti|l?3onwani?"
            r"|m?a?3loumati?)(?: \w+){0,3} (?:ghal[ae]?t\w*|ghlat|m[ae]?ghlo[tu]\w*|machi (?:hiya|howa|s7i7a?)"
            r"|m[ae]?ktoub\w* ghal\w*)",
        ),
        "erase": (
            rf"(?:supprim\w+|effac\w+|eras\w+|delet\w+|remov\w+|enlev\w+|detrui\w+|wipe|destroy|forget"
            rf"|oubli\w+)(?: (?:de|moi|me|the|all|of|toutes?))* ?{_MY_DATA}",
            r"(?:droit a l'oubli|right to be forgotten|effacement|suppression|erasure|deletion)|(?:effac|supprim"
            r"|oubli)\w+[- ](?:moi|tout)|(?:delete|erase|forget) (?:me|everything|it all)",
            rf"(?:مسح\w*|امسح\w*|نمسح|تمسح\w*|حذف\w*|احذف\w*|حيد\w*|نحيد|تحيد\w*|محو|ازاله|الغا|امح\w*"
            rf"|محي\w*)(?: (?:ليا|لي|كل|كلشي|جميع|ديك|هاد|كاع|گاع|من عندكم))* ?{_MY_DATA}",
            rf"(?:m[ae]?s[7h]o?u?\w*|n?mse[7h]\w*|tm[ae]?s[7h]\w*|7[aiy]+[de]d?o?u?\w*|n7ay+ed|t7ay+do|[7h]ay+do"
            rf"|7y+do|supprim\w*|effac\w*|7edfo|7ad?hf\w*|suppr\w*)"
            rf"(?: (?:liya|lia|ga3|kol|mn 3ndkom|dik|had))* ?(?:l|d)?{_MY_DATA}",
        ),
        "show": (
            rf"(?:quel(?:le)?s?|qu'avez[- ]vous|que savez|montr\w+|voir|consult\w+|acced\w+ a|acces a|savoir|what"
            rf"|which|show|see|view|access|tell me)(?: (?:sont|de|comme|to|is|are|me|moi|us|personal"
            rf"|personnelles?|les?|type de|kind of))* ?{_MY_DATA}",
            r"(?:que|ce que|what do|what) (?:vous )?(?:savez|avez|gardez|conservez|detenez|stockez|you (?:know"
            r"|have|keep|hold|store))(?:[- ](?:vous|de|sur|comme|on|about|\w+)){0,3}? (?:moi|me|mon compte)",
            rf"(?:شنو|اش|شناهي|شنا هي|ما هي|ما|ماهي|ماذا|اي|واش|نشوف|اري|ارى|اطلع|اطلاع|الاطلاع|وريوني|اظهر\w*"
            rf"|عرض)(?: (?:من|هي|علي|شي|كل))* ?{_MY_DATA}",
            r"(?:شنو|اش|ماذا|واش) (?:كتعرفو|عندكم|تعرفون|كتخزنو|مسجلين|تحتفظون|كتحتافظو)(?: به| ب)? (?:عليا|علي"
            r"|عني|عندكم عليا)",
            rf"(?:chn[oua]+|achn[oua]+|ach|nchou?f|warriw?ni|w[ae]?r+i\w*|ina|wach)(?: (?:homa|hia|hiya|mn|f|huma"
            rf"|chi|liya))* ?(?:l|d)?{_MY_DATA}",
            r"(?:chn[oua]+|achn[oua]+|ach) (?:kat3erfo|kat3arfou?|katkh[ae]?b+iw?|3ndkom|kat7tafdo|msjlin"
            r"|m9iydin)(?: 3liya| 3lia"
            r"| 3ndkom 3liya)",
        ),
        "hours": (
            r"horaires?|heures? (?:d')?ouverture\w*|ouvert(?:e|es|s|ure)?|ouvr\w+|ferm(?:e|ee|es|ez|eture|er)"
            r"|quelle heure|jours? d'ouverture|pause",
            r"(?:opening|working|office|business) (?:hours|times?)|hours|open(?:s|ing|ed)?|clos(?:e|es|ed|ing)"
            r"|what time",
            r"(?:ساعات|اوقات|توقيت|مواقيت|دوام) ?(?:ال)?(?:عمل|فتح|دوام|وكاله|افتتاح|اغلاق)?|مفتوح\w*|مغلق\w*"
            r"|تفتح\w*|تغلق\w*|يفتح|يغلق|حالين|محلول\w*|سادين|مسدود\w*|كتحلو|كتسدو|كتحل|كتسد|كيحلو|كيسدو",
            r"(?:wa9t|w[ae]9tach|fo9ach|fou9ach|imta|f?chmen sa3a|ach mn sa3a)[^.!?\n]{0,15}?(?:7al\w*|kat7el\w*"
            r"|kathel\w*|kat?7l\w*|ts+ed\w*|kats+ed\w*|kay7el\w*|kaysed\w*|kaft7\w*)|(?:m)?7a?lin|7allin"
            r"|m7lou?l\w*|ma7loul\w*|sad+in|m?sdo?u?d\w*|kat7el+o?u?|kats+ed+o?u?|l?tou?[9q]it|oqat",
        ),
        "agency": (
            r"agences?|guichets?|bureaux?|accueil|agency|agencies|branch(?:es)?|offices?|counter near",
            r"وكال\w*|مكتب\w*|مكاتب|شباك|شبابيك|لاجونس|لاجانس|اجونس|اجانس|لاجونص|بيرو\w*|مقر\w*|فرع",
            r"(?:agences?|ajenc\w*|ajons|ajans|agons|wikala|wakala|wikal\w*|biro\w*|bureau|maktab|guichet|gichi)",
        ),
        "link": (
            r"liens?|en ligne|(?:par|sur|via) (?:internet|le site|l'appli\w*|carte|cb)|carte bancaire|site web"
            r"|paiement en ligne|online",
            r"links?|(?:by|with) (?:credit )?card|web ?site|internet|on the (?:app|site|web)",
            r"رابط|الرابط|ليان|لينك|(?:عبر|ب|في|ف|علي) ?(?:ال|ل)?(?:انترنت|انترنيت|موقع|تطبيق|كارط|لاكارط|بطاقه"
            r"|نت)|اونلاين|الكترونيا?|اون لاين",
            r"(?:lien|link|lyan|rabit|rabet)|(?:b|f|mn|3la) ?(?:la |l'?)?(?:internet|antirnit|site|tatbi9"
            r"|appli\w*|carte|karta?|net|enternet)",
        ),
        "paid": (
            r"(?:j'?ai|on a|avons|c'est|nous avons|a ete|deja|je l'ai|bien) (?:(?:deja|bien|tout|ete|donc|encore"
            r"|hier|fait|juste) )*(?:paye\w*|regle\w*|verse\w*|solde\w*|effectue le paiement|le paiement)",
            r"(?:i|we|i've|we've|have|has|already|was|is|been) (?:(?:have|already|just|been|now) )*paid"
            r"|payment (?:is )?(?:done|made|sent)|i settled",
            r"(?:قد |لقد |راه |راني |انا )?(?:خلصت\w*|خلصنا\w*|دفعت\w*|دفعنا\w*|اديت\w*|ادينا\w*|سددت\w*"
            r"|سددنا\w*)(?<!ما خلصت)|تم (?:ال)?(?:ادا|دفع|سداد)|مخلص\w*|مدفوعه?",
            r"(?:rani |rah |ana )?(?:kh|5)[ae]?ll?[ae]?s+(?:t|na)(?:ha|o|ou|hom|h)?|m(?:kh|5)[ae]?l+[ae]?s\w*",
        ),
    }.items()
}
"""In the order of preference."""

_WHEN = re.compile(
    r"(?<!\w)(?:quand|quel jour|quelle heure|a quelle date|when|what (?:day|time)|متي|امتي|فوقاش|وقتاش|imta|emta"
    r"|fou?[9q]ach|w[ae]?[9q]tach)(?!\w)"
)
"""Who asks when the team comes does not ask it to come."""
_NOT_PAID = re.compile(r"(?<!\w)(?:ma|ما|لم|ne|not|pas|never|ila|ايلا|اذا|si|if) ?(?:encore |deja |jamais )?\Z")


def find_in(folded: Folded) -> list[Entity]:
    """All topics of a spelled-out message, each once, in the order of preference. Never raises."""
    text = folded.text
    found: list[Entity] = []
    for topic, pattern in TOPICS.items():
        for m in pattern.finditer(text):
            if topic == "paid" and _NOT_PAID.search(text, 0, m.start()):
                continue
            if topic == "come" and _WHEN.search(text):
                break
            start, end = folded.span(*m.span())
            found.append({"entity": NAME, "value": topic, "start": start, "end": end})
            break
    return found
