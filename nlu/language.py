"""The language of a message, among the closed list, and of a conversation.

General identifiers call Darija Arabic or French; this one is trained on the examples of the intents, whose
language is known. Modern Standard Arabic and Darija share most words, so a doubtful answer between them is left to
what the customer used before: `stable_language`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nlu.calibration import Calibration
from nlu.features import LANGUAGE_SCALES, language_blocks
from nlu.linear import LinearModel

LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "en", "zgh")
DEFAULT = "fr"
"""What a customer is answered in who has shown no language yet."""

_ARABIC = frozenset({"ar", "ary"})
_TIFINAGH = re.compile("[\u2d30-\u2d7f]")
_ARABIC_LETTER = re.compile("[\u0620-\u064a\u066e-\u06d3]")
_LATIN_LETTER = re.compile("[a-zà-öø-ÿœ]", re.IGNORECASE)

# Words that every customer uses whatever the language, and that therefore say nothing.
_SHARED = frozenset({"ok", "okay", "oki", "stop", "salam", "slm", "slt", "cc", "hi", "no", "index", "contrat"}) | {
    *("kwh", "dh", "dhs", "mad", "sms", "whatsapp")
}
_SHARED_ARABIC = frozenset(["سلام", "السلام", "عليكم", "شكرا"])


@dataclass(frozen=True, slots=True)
class Identified:
    """`language` is `None` when the text has no evidence; `confidence` is then 0."""

    language: str | None
    confidence: float
    words: int
    """Words that bear on the language; numbers and words common to all do not."""


_NO_EVIDENCE = Identified(None, 0.0, 0)


class LanguageModel:
    """Usable without Rasa; `nlu.components.LanguageIdentifier` is its shell."""

    def __init__(self, model: LinearModel, calibration: Calibration) -> None:
        self.model = model
        self.calibration = calibration

    @classmethod
    def fit(cls, texts: Sequence[str], languages: Sequence[str], folds: int = 2) -> LanguageModel:
        """Train on examples; raises `ValueError` when there are fewer than two languages."""
        from nlu import training  # scikit-learn, for training only
        from nlu.calibration import calibrate

        labels = sorted(set(languages))
        if len(labels) < 2:
            raise ValueError("training needs examples of at least two languages")
        corpus = training.Corpus([language_blocks(text) for text in texts])
        truth = np.asarray(languages)
        rows = np.arange(len(texts))
        scores = np.full((len(texts), len(labels)), -1.0)
        for k in range(folds):
            seen, held_out = rows[rows % folds != k], rows[rows % folds == k]
            if len(set(truth[seen])) < 2 or len(held_out) == 0:
                continue
            vocabulary, columns = corpus.vocabulary(seen, LANGUAGE_SCALES)
            matrix = corpus.matrix(seen, vocabulary, columns)
            model = training.fit(matrix, vocabulary, truth[seen].tolist())
            held_out_matrix = corpus.matrix(held_out, vocabulary, columns)
            at = np.asarray([labels.index(label) for label in model.labels])
            scores[held_out[:, np.newaxis], at] = held_out_matrix @ model.weights + model.bias
        calibration = calibrate(scores, languages, labels, ["any"] * len(texts), out_of_scope="")
        vocabulary, columns = corpus.vocabulary(rows, LANGUAGE_SCALES)
        return cls(training.fit(corpus.matrix(rows, vocabulary, columns), vocabulary, languages), calibration)

    def identify(self, text: str) -> Identified:
        """The language of one message. Never raises.

        The script decides first: Tifinagh is Tamazight, and Arabic letters are never French. Between the languages
        of a script the model decides.
        """
        tifinagh = len(_TIFINAGH.findall(text))
        arabic = len(_ARABIC_LETTER.findall(text))
        latin = len(_LATIN_LETTER.findall(text))
        if tifinagh > max(arabic, latin):
            return Identified("zgh", 1.0, len(text.split()))
        blocks = language_blocks(text)
        telling = [w for w in blocks[0] if w not in _SHARED and w not in _SHARED_ARABIC and len(w) > 1]
        if not telling or not arabic + latin:
            return _NO_EVIDENCE
        # A French noun or two in an Arabic sentence do not make it French.
        in_arabic = 2 * arabic > latin
        possible = [i for i, name in enumerate(self.model.labels) if (name in _ARABIC) == in_arabic]
        if not possible:
            return _NO_EVIDENCE
        scores = self.model.scores(blocks)[possible]
        confidences = self.calibration.confidences(scores)
        best = int(np.argmax(confidences))
        return Identified(self.model.labels[possible[best]], float(confidences[best]), len(telling))

    def save(self, folder: Path) -> None:
        self.model.save(folder, "languages")
        calibration = json.dumps(self.calibration.as_json())
        (folder / "language_calibration.json").write_text(calibration, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """Read what `save` wrote. Raises `OSError` when it is not there."""
        calibration = json.loads((folder / "language_calibration.json").read_text(encoding="utf-8"))
        return cls(LinearModel.load(folder, "languages"), Calibration.from_json(calibration))


_CLEAR = 0.8
"""Confidence from which one short message changes the language of a conversation."""
_FAIR = 0.6
"""The same for a message of `_SEVERAL` words or more."""
_SEVERAL = 4
_CLEAR_ARABIC = 0.9
"""The same between Modern Standard Arabic and Darija, which customers mix."""


def stable_language(previous: str | None, detected: str | None, confidence: float, words: int) -> str:
    """The language to answer in, given the conversation's so far and what the new message looks like.

    A bare number or an "ok" changes nothing; one word changes it only when plain; between Modern Standard Arabic
    and Darija in Arabic letters a doubtful message is in what the customer used before.
    """
    if detected is None:
        return previous or DEFAULT
    if previous is None or previous == detected:
        return detected
    if {previous, detected} == _ARABIC:
        needed = _CLEAR_ARABIC
    elif (previous in _ARABIC) != (detected in _ARABIC) and words > 1:
        return detected  # another script is another language, however unsure which
    else:
        needed = _FAIR if words >= _SEVERAL else _CLEAR
    if words < 2 and detected not in _ARABIC and previous not in _ARABIC:
        needed = max(needed, 0.95)
    return detected if confidence >= needed else previous
