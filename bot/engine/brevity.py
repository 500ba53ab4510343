"""What an SMS leaves out of an answer: each part is paid for, and a long SMS is not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.speech import Spare
from bot.channels import gsm
from bot.channels.text import numbered


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing said, in the customer's language; a button is a title and its payload."""

    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    spare: Spare | None = None


def shortened(sentences: Sequence[Sentence]) -> list[Sentence | None]:
    """The sentences as an SMS has them; None where one can be spared and would make it too long."""
    kept: list[Sentence | None] = list(sentences)
    spares = {sentence.spare for sentence in sentences if sentence.spare}
    for spare in sorted(spares, key=lambda spare: spare.order, reverse=True):
        if _parts(kept) <= spare.parts:
            break
        for position in reversed(range(len(kept))):
            sentence = kept[position]
            if sentence is not None and sentence.spare == spare:
                kept[position] = None
                _hand_back(kept, position, sentence.buttons)
    return kept


def _hand_back(kept: list[Sentence | None], position: int, buttons: tuple[tuple[str, str], ...]) -> None:
    """Put the buttons of a sentence that goes to the one before it."""
    for before in reversed(range(position)):
        if (sentence := kept[before]) is not None:
            kept[before] = replace(sentence, buttons=(*sentence.buttons, *buttons))
            return


def _parts(sentences: Sequence[Sentence | None]) -> int:
    """The SMS parts of one message of all these: buttons are numbered lines, those of the last sentence only."""
    said = [sentence for sentence in sentences if sentence is not None]
    lines = [sentence.text for sentence in said]
    if said and said[-1].buttons:
        lines.append(numbered(title for title, _ in said[-1].buttons))
    return gsm.parts(gsm.transliterate("\n".join(lines)))
