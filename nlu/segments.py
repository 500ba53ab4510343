"""The requests in one message, so that a second one is not lost.

"salam, ha lcompteur 48213 w bghit n3ref ch7al khasni nkhles" gives a reading and asks for the balance. Cutting is
careful rather than eager: a piece without a request of its own stays with its neighbour, and what comes out is
the whole text whenever there is a doubt. Numbers are never cut: `48.213`, `48,5`.
"""

from __future__ import annotations

import re

from nlu.normalise import fold

# The end of a sentence: not a point between digits, nor after "n" or "no".
_SENTENCE_END = re.compile(r"\n+|[!?;]+(?:\s|$)|(?<!\d)\.+\s|(?<=\d)\.\s+(?!\d)|(?<!\d),\s|(?<=\d),\s+(?!\d)")

# A connector between two requests; whether it is one depends on what follows, see `_OPENING`. "ou" is "and" in
# Darija, but "où" is "where".
_CONNECTOR = re.compile(
    r"(?<!\w)(?:et aussi|et puis|et en plus|ainsi que|et|puis|aussi|mais|and also|and then|and|also|but|then"
    r"|w 7ta|w zid|w tani|w|ou|o|ثم|وكذلك|كذلك|وايضا|ايضا|و)\s+"
)
# Arabic writes "and" as the first letter of the next word.
_ATTACHED = re.compile(r"(?<!\w)و(?=\w)")

# How a request begins. After a connector only this makes a new one: "le contrat et le compteur" is one.
_OPENING = re.compile(
    "(?:"
    + "|".join(
        (
            r"je (?:veux|voudrais|souhaite|demande|paie|paye|dois|peux|vous|n'ai|suis|viens)|j'aimerais|j'ai besoin",
            r"combien|comment|quand|pourquoi|est[- ]ce|c'est quoi|qu'est|quel(?:le)?s?",
            r"ou (?:est|sont|puis|se|je|on|peut|payer)",
            r"dites|donnez|envoyez|passez|expliquez|pouvez|peut[- ]on|puis[- ]je|svp|voici|appelez|il (?:y a|me)",
            r"(?:(?:mon|l'|le )?(?:index|compteur|releve)|l?9raya|my reading|(?:ال)?قراه|(?:ال)?عداد)\D{0,20}\d{3}",
            r"i (?:want|need|would|have|can|also)|i'd like|how|what|when|where|why|can (?:i|you)|could|please",
            r"tell me|give me|is there|here is|do i",
            r"b(?:gh|r)[iy]+t?|3tini|3tiwni|goli?ya?|gouli|ch7al|chhal|chno|chnou|achno|kifach|kifash|fin|imta",
            r"wa9tach|fo9ach|wach|wash|3lach|3lah|khas+ni|n9der|nqder|momkin|ha|hak|sift|ma ?3ndi|3afak|ghadi|kayn",
            r"بغيت|عطيني|قول|شحال|شنو|كيفاش|فين|امتي|فوقاش|واش|علاش|خاصني|نقدر|ممكن|ها|عافاك|ما ?عندي|كاين",
            r"اريد|اود|ارغب|احتاج|كم|كيف|متي|هل|لماذا|اين|ما هو|ما هي|ارجو|من فضلكم|المرجو|هذا|هذه|اعطوني",
        )
    )
    + r")(?!\w)"
)

_FEWEST_WORDS = 2
_POLITE = re.compile(
    "(?:"
    + "|".join(
        (
            r"\d|bonjour|bsr|bjr|bonsoir|slt|salut|cc|coucou|svp|stp|merci|mrc|monsieur|madame|mr|mme",
            r"hello|hi|hey|good|morning|evening|please|thanks?|thank|you",
            r"salam\w*|slm|3afak\w*|[3a]*likou?m|lah|allah|y\w+k|khoya|khti|a|lalla|sidi|chokran|sba7|msa|lkhir",
            r"السلام|عليكم|ورحمه|الله|وبركاته|مرحبا|سلام|صباح|مسا|الخير|النور|عافاك\w*|من|فضلكم|فضلك|شكرا",
            r"اخي|اختي|سيدي|لالا|خويا",
        )
    )
    + r")+"
)


def _carries_request(piece: str) -> bool:
    """Whether a folded piece says more than a greeting; a number of a meter's length is enough."""
    if re.search(r"\d{3}", piece):
        return True
    words = re.findall(r"\w+", piece)
    return len(words) >= _FEWEST_WORDS and any(not _POLITE.fullmatch(word) for word in words)


MOST_SEGMENTS = 6
"""Pieces that are looked at; a story of twenty sentences is read as one text after these."""


def segments(text: str) -> list[str]:
    """The pieces of a message that may each be a request, in order; the text itself when it is only one.

    Never raises; joining the pieces loses nothing but connectors and white space.
    """
    folded = fold(text)

    def original(a: int, b: int) -> str:
        # Up to where the next character begins: folding may have dropped letters at the end of the piece.
        first = folded.starts[a] if a else 0
        return text[first : folded.starts[b] if b < len(folded.starts) else len(text)].strip()

    cuts = sorted(
        {(m.start(), m.end()) for m in _SENTENCE_END.finditer(folded.text) if _opens(folded.text, m)}
        | {
            (m.start(), m.end())
            for pattern in (_CONNECTOR, _ATTACHED)
            for m in pattern.finditer(folded.text)
            if _OPENING.match(folded.text, m.end()) and "ù" not in original(m.start(), m.end()).lower()
        }
    )
    pieces: list[str] = []
    start = 0

    for cut, after in cuts:
        left, rest = folded.text[start:cut], folded.text[after:]
        if cut >= start and len(pieces) < MOST_SEGMENTS - 1 and _carries_request(left) and _carries_request(rest):
            pieces.append(original(start, cut))
            start = after
    return [*pieces, original(start, len(folded.text))] if pieces else [text]


def _opens(text: str, boundary: re.Match[str]) -> bool:
    """A comma cuts only before a request that begins like one; the end of a sentence always does."""
    return "," not in boundary[0] or _OPENING.match(text, boundary.end()) is not None
