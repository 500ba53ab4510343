"""Which of the closed list of intents a message is, how sure that is, and what is too plain to be guessed.

A few shapes of message are decided by rule before the model is asked: a bare number, an emoji, STOP, nothing at
all. For the rest: linear scores over words, characters, consonant skeletons and concepts (`nlu.features`), turned
into calibrated confidences (`nlu.calibration`). Serving needs numpy only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from nlu.calibration import Calibration, Certainty
from nlu.concepts import Lexicon
from nlu.entities import DEFAULT_PATTERNS, Patterns
from nlu.features import INTENT_SCALES, PLACEHOLDERS, intent_blocks, masked, words
from nlu.linear import LinearModel
from nlu.normalise import AFFIRM, DENY, GREET, THANK, normalise

OUT_OF_SCOPE = "out_of_scope"
RANKING_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a message was understood as. `ranking` begins with the intent itself."""

    intent: str
    confidence: float
    certainty: Certainty
    ranking: tuple[tuple[str, float], ...]
    outside: float = 0.0
    """Confidence that it is none of our business, whatever its place in the ranking."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a model that had not seen a training example took it for; `row` is its place among the examples."""

    row: int
    intent: str
    confidence: float


def _certain(intent: str) -> Prediction:
    return Prediction(intent, 1.0, Certainty.SURE, ((intent, 1.0),))


_NOTHING = Prediction(OUT_OF_SCOPE, 0.0, Certainty.LOST, ((OUT_OF_SCOPE, 0.0),), outside=1.0)

# Twilio stops the English keywords itself; these reach us, on every channel.
_STOP = re.compile(
    r"\W*(?:(?:svp|stp|please|3afak|من فضلكم) )?(?:stop|stopall|arret|arreter|arretez|unsubscribe|desabonner"
    r"|توقف|اوقف|اوقفوا|[7h]be?s+(?:ou)?|حبس|حبسو|سطوب|ستوب)(?: (?:svp|stp|please|sms|3afak|عافاك))?\W*"
)

# A message made of one thing only, and what it is then. A bare number is a reading until the dialogue knows better.
_ALONE = {
    "reading": "submit_reading",
    "small": "submit_reading",
    "year": "submit_reading",
    "contract": "identify",
    "meter": "identify",
    "amount": "identify",  # the second factor: the total of the last bill
    "reference": "check_request",
    "count": "request_instalments",
}
_INTENT_OF_TOKEN = {PLACEHOLDERS[kind]: intent for kind, intent in _ALONE.items()} | {
    AFFIRM: "affirm",
    DENY: "deny",
    THANK: "thank",
    GREET: "greet",
}
_ARITHMETIC = re.compile(r"\d\s*[+*×÷]\s*\d")
_PUZZLED = re.compile(r"\s*[?؟][\s?؟!]*")


def by_rule(text: str, tokens: Sequence[str]) -> Prediction | None:
    """The prediction for a message whose shape leaves nothing to guess, or `None`.

    `tokens` are the text's words, numbers and dates masked.
    """
    if not tokens:  # "???" asks for help; a sticker, an emoji without a meaning say nothing
        return _certain("help") if _PUZZLED.fullmatch(text) else _NOTHING
    kinds = set(tokens)
    if len(kinds) == 1 and (intent := _INTENT_OF_TOKEN.get(tokens[0])):
        return _NOTHING if _ARITHMETIC.search(text) else _certain(intent)
    if kinds == {AFFIRM, DENY}:
        return _NOTHING
    if _STOP.fullmatch(normalise(text)):
        return _certain("opt_out")
    return None


def script(text: str) -> str:
    """`arabic` or `latin`, by the greater part of the letters."""
    arabic = sum("\u0600" <= c <= "\u06ff" for c in text)
    return "arabic" if 2 * arabic > sum(c.isalpha() for c in text) else "latin"


class IntentModel:
    """Usable without Rasa; `nlu.components.IntentClassifier` is its shell."""

    def __init__(
        self,
        model: LinearModel,
        calibration: Calibration,
        patterns: Patterns = DEFAULT_PATTERNS,
        lexicon: Lexicon | None = None,
        held_out: Sequence[HeldOut] = (),
    ) -> None:
        self.model = model
        self.calibration = calibration
        self.patterns = patterns
        self.lexicon = lexicon or Lexicon()
        self.held_out = held_out
        """Of each example that the calibration was learned from; empty once stored and loaded."""

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        intents: Sequence[str],
        languages: Sequence[str | None],
        patterns: Patterns = DEFAULT_PATTERNS,
        folds: int = 4,
        rounds: int = 2,
        respellings: int = 1,
    ) -> IntentModel:
        """Train on examples; `languages` says which are Darija in Latin letters and get `respellings` each.

        Confidences and thresholds come from predictions on `rounds` of the `folds`, each made by a model trained
        on the others; respellings of an example stay in its fold. Raises `ValueError` when there are fewer than
        two intents.
        """
        from nlu import training  # scikit-learn, for training only
        from nlu.calibration import calibrate
        from nlu.variants import respell

        if len(set(intents)) < 2:
            raise ValueError("training needs examples of at least two intents")
        random = Random(1)
        lexicon = Lexicon()
        source = list(range(len(texts)))
        spelled = list(texts)
        for i, language in enumerate(languages):
            if language == "ary-Latn":
                spelled += [respell(texts[i], random) for _ in range(respellings)]
                source += [i] * respellings
        corpus = training.Corpus([intent_blocks(words(masked(text, patterns)), lexicon) for text in spelled])
        origin = np.asarray(source)
        truth = np.asarray(intents)
        fold = np.asarray([random.randrange(folds) for _ in texts])

        def train(rows: training.Rows) -> tuple[LinearModel, training.Columns]:
            vocabulary, columns = corpus.vocabulary(rows, INTENT_SCALES)
            matrix = corpus.matrix(rows, vocabulary, columns)
            return training.fit(matrix, vocabulary, truth[origin[rows]].tolist()), columns

        labels = sorted(set(intents))
        scores = np.full((len(texts), len(labels)), -1.0)
        tested = np.flatnonzero(fold < rounds)
        for k in range(rounds):
            held_out = np.flatnonzero(fold == k)
            rows = np.flatnonzero(fold[origin] != k)
            if len(held_out) == 0 or len(set(truth[origin[rows]])) < 2:
                continue
            model, columns = train(rows)
            matrix = corpus.matrix(held_out, model.vocabulary, columns)
            at = np.asarray([labels.index(label) for label in model.labels])
            scores[held_out[:, np.newaxis], at] = matrix @ model.weights + model.bias
        scripts = [script(texts[i]) for i in tested.tolist()]
        calibration = calibrate(scores[tested], truth[tested].tolist(), labels, scripts, OUT_OF_SCOPE)
        confidences = calibration.confidences(scores[tested])
        unseen = [
            HeldOut(int(row), labels[best], float(found[best]))
            for row, found, best in zip(tested, confidences, confidences.argmax(axis=1), strict=True)
        ]
        model, _ = train(np.arange(len(spelled)))
        return cls(model, calibration, patterns, lexicon, unseen)

    def predict(self, text: str) -> Prediction:
        """The intent of one message. Never raises."""
        tokens = words(masked(text, self.patterns))
        plain = by_rule(text, tokens)
        if plain is not None:
            return plain
        confidences = self.calibration.confidences(self.model.scores(intent_blocks(tokens, self.lexicon)))
        labels = self.model.labels
        outside = float(confidences[labels.index(OUT_OF_SCOPE)]) if OUT_OF_SCOPE in labels else 0.0
        order = np.argsort(-confidences)[:RANKING_LENGTH]
        ranking = tuple((labels[i], float(confidences[i])) for i in order)
        intent, confidence = ranking[0]
        certainty = self.calibration.of(script(text)).certainty(confidence, outside)
        return Prediction(intent, confidence, certainty, ranking, outside)

    def save(self, folder: Path) -> None:
        self.model.save(folder, "intents")
        calibration = json.dumps(self.calibration.as_json())
        (folder / "calibration.json").write_text(calibration, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, patterns: Patterns = DEFAULT_PATTERNS) -> IntentModel:
        """Read what `save` wrote. Raises `OSError` when it is not there."""
        calibration = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
        return cls(LinearModel.load(folder, "intents"), Calibration.from_json(calibration), patterns)
