"""Anger in a message, in the words of all varieties: who is beside themselves needs a person, not one more answer.

A rule and not learned, as danger is: it must be explicable. It is meant for those who insult us or say that they
have had enough. Who only complains, swears at themselves, speaks of thieves who took a cable, or asks whether a
message is a scam is served as anybody else.
"""

from __future__ import annotations

import re

from nlu.danger_words import near, word
from nlu.entities import Entity
from nlu.normalise import Folded, fold

NAME = "anger"
"""The entity; only the dialogue uses it. Values: "insult", "fed_up", "shouted"."""


def _arabic(*lines: str) -> str:
    """Whole words as they are written; folded like the messages are."""
    return fold(word(*lines)).text


_YOU = (
    r"(?:vous (?:etes|n'etes)|v(?:s|ou) etes|etes|tu es|t'es|t es|bande d[e']s?|espece d[e']|quels?|quelle"
    r"|ce robot est)"
)
_INSULTS = (
    word(
        r"conn?ards?|connasses?|encul\w+|fils de pute|fdp|ntm|nique (?:ta|vos|tes)\w*|salauds?|salopards?|enfoires?"
        r"|batards?|foutage de gueule|va te faire|allez vous faire|aller vous faire|allez au diable|va chier",
        r"(?:me|nous) (?:fais|fait|faites|font) (?:vraiment )?(?:chier|ch\*+)|(?:service|societe|boite|robot|compteur"
        r"|application|site|chatbot) (?:de|a la) (?:merde|con)|c'est (?:de la|d'la) merde|nuls? a chier|gros nuls?",
        rf"{_YOU} ?(?:\w+ ){{0,2}}?(?:voleurs?|escrocs?|arnaqueurs?|menteurs?|incompetents?|incapables|bons a rien"
        r"|nuls?|nulle|cons?|abrutis?|cretins?|debiles?|imbeciles?|idiots?|stupides?|minables?|lamentables?|ordures"
        r"|mafieux|bandits)",
        r"(?:sale|stupide|foutu|putain de) (?:robot|bot|machine|service)|robot (?:stupide|idiot|debile|nul)",
    ),
    r"^\W*(?:voleurs|escrocs|arnaqueurs|menteurs|incapables|incompetents|thieves|crooks|scammers|liars)\W*$",
    word(
        r"fuck\w*|bullshit|(?:piece|load) of (?:shit|crap)|shitty|bastards?|ass?holes?|screw you|go to hell|wtf"
        r"|what the (?:hell|fuck|heck)|damn (?:you|bot|company)|(?:stupid|dumb|fucking|bloody|useless) (?:bot|robot"
        r"|machine|company|service|people|idiots?)",
        r"(?:you(?:'re| are|r)?|u are|ur|bunch of|pack of|this bot is|your service is) (?:all |a |an |just "
        r"|such |the "
        r"|so |really |bunch of |absolutely |completely ){0,4}(?:thieves|thief|crooks?|scammers?|liars?"
        r"|idiots?|stupid"
        r"|morons?|incompetent\w*|useless|pathetic|clowns?|criminals|robbers)",
    ),
    _arabic(
        r"(?:أنتم|انتوما|نتوما|راكم|يا|كلكم|عصابة|عصابة ديال|شركة) (?:ال)?(?:لصوص|حرامية|سراق|شفارة|شفارا"
        r"|نصابة|نصابين"
        r"|نصابون|كذابين|كذابون|كذابة|مجرمين|حمير|كلاب|أغبياء|حمقى|فاشلين|فاشلة|خونة|مكلخين|بهايم)",
        r"تبا (?:لكم|لك)|لعنة الله عليكم|الله (?:ينعل|يلعن|يلعنكم|ينعلكم)\w*|تفو(?: عليكم| عليك)?|سير تقود"
        r"|تقودو|القوادة"
        r"|ولاد الحرام|ولاد القحبة|الزامل",
        r"(?:روبو|بوت|خدمة) (?:مكلخ|حمار|غبي|فاشلة?|زبل|ديال الزبل)",
    ),
    r"^\W*(?:ال)?(?:شفاره|لصوص|سراق|نصابه|كذابين|حراميه)\W*$",
    word(
        r"(?:n?ntouma|ntoma|nto?uma|intouma|rakom|rakoum|ya|koulkom|3issabat?|3isaba) (?:d(?:yal)? )?(?:l|ch)?"
        r"(?:ch[ea]?f+ara|chf+ara|sr?raqa|srra9a|nes+aba|ness?abin|keddabin|kdabin|kdadba|7mir|hmir|klab|bhayem"
        r"|mkel+khin|moklakhin|mklkhin)",
        r"tf+ou?(?: 3li\w+)?|(?:l+ah|allah) (?:yn3[ae]l|in3al|yla3n|yel3en)\w*|sir t9[ae]w+[ae]?d|t9aw?do?|l?9w+ada"
        r"|wlad l?[7h]ram|wlad l?9[ae]7ba|z+aml|nta [7h]mar|(?:robot|bot) (?:7mar|hmar|mkel+e?kh|zbel)",
    ),
)
_FED_UP = (
    word(
        r"en (?:ai|a|avons|est) (?:vraiment |plus que |franchement )?(?:marre|ras le bol|plein le (?:dos|cul)|assez)"
        r"(?! (?:recu|pris|paye))|marre (?:de|d'|des|du)|ras[- ]le[- ]bol|trop c'est trop|la coupe est pleine",
        r"(?<!pas )(?:honteux|scandaleu(?:x|se)|inadmissible|inacceptable|intolerable|revoltant|ecoeurant"
        r"|degueulasse)|c'?e?st? (?:vraiment )?(?:une? |la )?(?:vraie )?(?:honte|scandale|foutage)|quelle honte"
        r"|quel scandale|honte a vous|pas honte|du n'importe quoi",
        r"(?:vous vous|tu te|on se|ils se|vs vs) (?:foutez|fichez|moquez|moques|fous|fout|moque|moquent|foutent) d\w+"
        r"|foutez de (?:moi|nous|ma|notre)|moquez de (?:moi|nous)|pren(?:ez|ds) (?:nous |moi )?pour (?:des? |un )"
        r"?(?:cons?|imbeciles?|idiots?|pigeons?)|pour (?:des|un) (?:cons?|imbeciles?|idiots?|pigeons?)",
        r"je suis (?:vraiment |tres |tellement |trop |completement )?(?:furieu(?:x|se)|furax|en colere"
        r"|enervee?|excedee?"
        r"|revoltee?|scandalisee?|outree?|hors de moi|degoutee?|a bout)|m'enervez|me rend(?:ez)? (?:fou|folle"
        r"|dingue)",
        r"ca suffit (?:maintenant|vos|votre|ces|les mensonges)|(?:n'en|en) peux plus de (?:vous|vos|votre|ce robot)",
    ),
    r"(?<!\w)ca suffit ?!",
    word(
        r"fed up|sick (?:and tired )?of (?:this|you|your|waiting|it|these|onee|being|calling|paying for)|tired of "
        r"(?:you|your|this (?:shit|nonsense|company))|had (?:it|enough)(?: with| of)?(?= (?:with|of) |\W*$)"
        r"|enough is enough|(?:shame on|ashamed of) you(?:rselves)?|should be ashamed|daylight robbery|robbing us"
        r"|ripping (?:us|me|people) off|(?:total |complete )?rip-?off|worst (?:service|company|utility)\w*",
        r"(?:this|it|that)(?:'s| is)? (?:is )?(?:just |so |really |absolutely |completely |totally |a |an "
        r"|simply ){0,3}"
        r"(?:disgrac\w+|outrag\w+|unacceptable|ridiculous|shameful|scandal(?:ous)?|a joke|disgusting|a mockery)",
        r"(?:i(?:'m| am)|im|we(?:'re| are)) (?:so |very |really |extremely |absolutely |beyond "
        r"|getting ){0,2}(?:angry"
        r"|furious|pissed|livid|outraged|disgusted|mad at)|are you (?:kidding|joking|mocking|making fun)",
    ),
    _arabic(
        r"طفح الكيل|سئمت|سئمنا|ضقت ذرعا|ضقنا ذرعا|مللت منكم|مللنا منكم|لم أعد أحتمل|لم نعد نحتمل|(?:هذا|هذه"
        r"|أمر|الوضع|خدمتكم) لا [يت]طاق|بلغ السيل",
        r"(?:هذا|هذه|هادا|هادي|إنها|إنه|فعلا|والله|هادشي) (?:(?:خدمة|معاملة|الخدمة|المعاملة) )?(?:عار|مخجل"
        r"|مخجلة|غير مقبول|غير مقبولة|فضيحة|مهزلة"
        r"|ظلم|استهتار|نصب|سرقة|شفرة|حشومة|حكرة|الحكرة|قهر)|(?:عيب|عار|حشومة) عليكم?|ألا تخجلون|ما تخجلون|أتسخرون"
        r"|تسخرون منا|تستهزئون|تضحكون علينا|كفى (?:كذبا|استهتارا|استهزاء|سرقة|من)|أين ضميركم",
        r"(?:أنا|نحن|راني|راه) (?:جد |فعلا )?(?:غاضب|غاضبة|غاضبون|مستاء جدا|مستاءة جدا|غضبان|غضبانة|معصب|معصبة"
        r"|مقلق بزاف)",
        r"حسبي الله|حسبنا الله|الله (?:ياخد|ياخذ|ياخود) فيكم الحق|منكم لله|خاف[وي] الله|تقاو الله فينا",
        r"عيقتو|عيقتوا|عيقتيو|عيقتي|عيينا (?:منكم|معاكم|من هاد|من هادشي|ما)|عييت (?:منكم|معاكم|من هادشي|من هاد الروبو"
        r"|نتسنى|ما نعيط|ما نتسنى|ما نهضر)|كرهتونا|كرهت منكم|قهرتونا|قهرتوني|حكرتونا|حكرتوني|عذبتونا|بهدلتونا|شوهتونا"
        r"|قتلتونا|خنقتونا|هلكتونا|فقصتوني|فقصتونا",
        r"ما ?(?:ك)?تحشموش?|ما ?(?:كا)?تحشموش|ما تحشمو|كتضحكو (?:علي\w+|فينا)|تضحكو علينا|ضحكتو علينا"
        r"|كتسرقو(?:نا| فينا)"
        r"|سرقتونا|سرقتوني|كتشفرو(?:نا| فينا)|شفرتونا|كتنصبو علينا|كتستهزاو|كتفلاو علينا|طلع(?:تو)? ليا الدم"
        r"|طلعتو ليا|طالع ليا الدم|فاض الكاس|وصلات للعظم|بلا حيا|قلة الحيا",
    ),
    word(
        r"3[aei]?y+[ae]?[9q]to[uw]?|3iy?[ae]?[9q]tou?|3ayye?[9q]to|3[iy]{1,2}na (?:mn|men|m3a)\w*"
        r"|3[iy]{1,2}t (?:mn|men"
        r"|m3a)kou?m|3[iy]{1,2}t (?:ma )?(?:n?tsn+a\w*|n3ayet|n3yt|nhder)|krehtouna|kr[ae]ht[ou]{1,2}na"
        r"|[9q][ae]?hertou?n[ai]"
        r"|[7h][ae]?gertou?n[ai]|3[ae]?d+[ae]?btou?na|b[ae]?hdeltou?na|chouwehtouna|[9q][ae]?teltou?na"
        r"|khn[ae]?[9q]tou?na"
        r"|f[9q][ae]?stou?n[ai]",
        r"(?:[7h]chou?ma|3ib|3ayb|3ar) 3lik(?:om|oum|um)?|(?:hadchi|hadi|wlah|wallah) (?:rah )?(?:[7h]chou?ma"
        r"|fdi[7h]a"
        r"|[7h]ogra|l?[7h]ogra|sri9a|chefra|nsb)|ma ?(?:ka)?t[ae]?[7h][ae]?ch?[ae]?mo+u?ch"
        r"|ma ?kat[7h]a?chmo+u?ch",
        r"kat?(?:de?[7h]ko|d[ae]?[7h]kou?|dahko) (?:3li\w+|fina)|kat?(?:sr|ser)[9q]o?u?(?:na| fina)|sr[9q]tou?n[ai]"
        r"|kat?chef+ro\w*(?: fina)?|chf+artou?na|tla3(?:to)? l(?:iya|ia|i) (?:d+em|d+am)|tal3 l(?:iya|ia) d+em"
        r"|[7h]asbi ?(?:a?l+ah|llah)|[7h]asbouna l+ah|(?:a?l+ah) y?akho?u?d fikom l?[7h]a[9q]+|[9q]el+t l?[7h]ya",
        r"(?:ana|rani) (?:m3as+[ae]?b|gh[ae]?db?an|m9el+e?9 bz+af|tal3 liya)\w*|w[as]+let l?l?3dem",
    ),
)
_COMPLAINT = (
    word(
        r"toujours (?:pas|rien|le meme|la meme)|encore (?:une fois|et encore)|combien de fois|(?:ca fait"
        r"|c'est) (?:la )?"
        r"\w+ (?:fois|eme fois)|jamais|personne (?:ne |n')?\w+|n'importe quoi|menteurs?|mensonges?|injust\w+"
        r"|pas (?:normal|serieux)|aucune reponse|meme (?:probleme|erreur)|repondez|voleurs?|un? vol",
        r"never|nobody|no ?one|how many times|again and again|every (?:single )?time|still (?:no|not|nothing)"
        r"|lies|liars?"
        r"|unfair|not normal|nonsense|answer me|same (?:problem|mistake)|thieves|robbery",
        r"dima|kol+ mer+a|koul mar+a|ch[7h]al mn mer+a|ta ?wa?[7h]ed|mazal walo|walo|[7h]ta wa[7h]ed|l?kdoub"
        r"|jawbo\w*",
    ),
    _arabic(
        r"كل مرة|كم مرة|شحال من مرة|دائما|ديما|لا أحد|حتى واحد|تا واحد|والو|مازال والو|كذب|كدوب|الكدوب|أجيبوا"
        r"|جاوبو\w*"
        r"|ظلم|سرقة|أبدا|غير معقول|ماشي معقول",
    ),
)
_PATTERNS = (
    ("insult", re.compile("|".join(_INSULTS))),
    ("fed_up", re.compile("|".join(_FED_UP))),
)
_COMPLAINING = re.compile("|".join(_COMPLAINT))
_NOT_US = re.compile(
    "|".join(
        (
            # What somebody is not, or feels towards themselves.
            r"(?:pas|not|ni|plus|never) (?:du tout |really |at all )?(?:en colere|furieux|enervee?|angry|fed up)",
            near(
                word(r"ma faute|mon erreur|trompee?|my (?:mistake|fault|bad)|oubliee?|forgot"),
                word(r"fuck|wtf|idiot\w*"),
            ),
        )
    )
)
_EXCLAIMED = re.compile(r"[!¡❗‼]{2,}|(?:! ){2,}")
SHOUTED_LETTERS, SHOUTED_SHARE = 12, 0.8
"""Letters from which capitals are looked at, and the share of them that makes shouting. L."""


def find_in(folded: Folded, text: str) -> list[Entity]:
    """The anger that a spelled-out message tells of, if any; `text` is the same message as typed. Never raises."""
    said = _NOT_US.sub(lambda m: " " * len(m[0]), folded.text)
    for kind, pattern in _PATTERNS:
        if m := pattern.search(said):
            return [_entity(kind, folded, m)]
    if _is_shouted(text) and (m := _COMPLAINING.search(said)):
        return [_entity("shouted", folded, m)]
    return []


def _entity(kind: str, folded: Folded, found: re.Match[str]) -> Entity:
    start, end = folded.span(*found.span())
    return {"entity": NAME, "value": kind, "start": start, "end": end}


def _is_shouted(text: str) -> bool:
    """Whether a message is all in capitals, or has exclamation marks in a row. Arabic letters have no capitals."""
    if _EXCLAIMED.search(text):
        return True
    cased = [letter for letter in text if letter.lower() != letter.upper()]
    capitals = sum(letter.isupper() for letter in cased)
    return len(cased) >= SHOUTED_LETTERS and capitals >= SHOUTED_SHARE * len(cased)
