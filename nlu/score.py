"""A mark from 1 to 5 as the answer to "how was it?": a message that says little else."""

from __future__ import annotations

import re

from nlu.normalise import fold

BEST = 5
_OF_FIVE = r"(?:\s*(?:/|sur|out of|of|mn|men|3la|من|علي|على)\s*(?:5|cinq|five|خمسه))?"
_UNIT = r"(?:\s*(?:etoiles?|stars?|points?|pts?|نجوم|نجمات|نقط(?:ه|ات)?|no?9at|njoum))?"
_POLITE = (
    r"(?:\s*[,.!]*\s*(?:merci|mrc|thanks?|thank you|thx|chokran|choukran|chukran|شكرا|بزاف|bzaf|beaucoup|bcp"
    r"|a vous|جزيلا|bien|bravo))*"
)
_BEFORE = r"(?:(?:note|je (?:vous )?(?:donne|mets)|i give(?: you)?|score|النقطه|نقطه|كنعطيكم|kan3tikom)\s*:?\s*)?"
_SCORE = re.compile(rf"\W*{_BEFORE}([1-{BEST}]){_OF_FIVE}{_UNIT}{_POLITE}\W*")


def score_in(text: str) -> int | None:
    """The mark that a message consists of ("5", "٤/5", "4 merci"); None when it says anything else."""
    found = _SCORE.fullmatch(fold(text).text)
    return int(found[1]) if found else None
