"""What only the dialogue listens for: topics, communes, danger, anger, particulars of a cut or a complaint.

The closed list of entities, which others rely on (`releve parse`), has none of them.
"""

from __future__ import annotations

import re

from nlu import anger, communes, danger, particulars, request_topics, topics
from nlu.entities import Entity
from nlu.normalise import Folded

NAMES = (*topics.NAMES, request_topics.NAME, communes.NAME, danger.NAME, anger.NAME, *particulars.NAMES)

NUMBERS_ALONE = re.compile(r"[\d .,:/-]*")
"""A reading as most customers send it: no words to listen to."""


def find_in(folded: Folded, text: str) -> list[Entity]:
    """All of them in a message that is spelled out, and the same message as typed.

    Raises only when the file of the communes cannot be read: `communes.known`.
    """
    if NUMBERS_ALONE.fullmatch(folded.text):
        return []
    return [
        *topics.find_in(folded),
        *request_topics.find_in(folded),
        *communes.known().find_in(folded, text),
        *danger.find_in(folded),
        *anger.find_in(folded, text),
        *particulars.find_in(folded, text),
    ]
