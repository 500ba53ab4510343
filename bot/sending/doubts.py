"""What a designer should look at in the training examples: overruled, confusable and mistaken ones, scarce intents.

Doubts are warnings. An example is not wrong because a model misses it: often it is the one that teaches most.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from bot.datacheck import Problem
from nlu.classifier import HeldOut, Prediction, by_rule
from nlu.examples import Example
from nlu.features import masked, words
from nlu.normalise import skeleton

OVERRULED = "overruled"
CONFUSABLE = "confusable"
MISTAKEN = "mistaken"
SCARCE = "scarce"

FEWEST = 25
"""Examples of an intent wanted in each language."""
FEWEST_BUSINESS = 60
"""The same for the intents that carry the business."""
SMALL = frozenset(
    {"affirm", "cancel", "change_language", "deny", "goodbye", "greet", "help", "opt_out", "privacy", "thank"}
)
"""Intents that do not carry the business: said in few words, or seldom."""
FAR_BELOW = 0.5
"""Share of the other languages' median under which an intent is far below its siblings."""
HIGH_CONFIDENCE = 0.8
"""Confidence of a held-out prediction from which a mistake says more of the examples than of the model."""
DARIJA = frozenset({"ary", "ary-Latn"})
"""One language in two scripts, whose spellings only skeletons bring together."""


def doubts(examples: Sequence[Example], held_out: Iterable[HeldOut] = ()) -> list[Problem]:
    """All doubts about the examples, the worst first; rows of `held_out` are places in `examples`."""
    tokens = [words(masked(example.text)) for example in examples]
    ruled = [by_rule(example.text, its_words) for example, its_words in zip(examples, tokens, strict=True)]
    found = [*_overruled(examples, ruled), *_scarce(examples)]
    left = [i for i, prediction in enumerate(ruled) if prediction is None]  # to the model
    found += _confusable([examples[i] for i in left], [tokens[i] for i in left])
    found += _mistaken(examples, [each for each in held_out if ruled[each.row] is None])
    return sorted(found, key=lambda each: -each.weight)


def _doubt(kind: str, weight: float, example: Example, message: str) -> Problem:
    return Problem(str(example.file), example.line, message, is_error=False, kind=kind, weight=weight)


def _overruled(examples: Sequence[Example], ruled: Sequence[Prediction | None]) -> Iterator[Problem]:
    """Examples that are decided by their shape, and otherwise: they teach what will never be."""
    for example, prediction in zip(examples, ruled, strict=True):
        if prediction is not None and prediction.intent != example.intent:
            message = f"{example.intent}: {example.text!r} is {prediction.intent} by rule (nlu/classifier.py)"
            yield _doubt(OVERRULED, 0.95, example, message)


def _confusable(examples: Sequence[Example], tokens: Sequence[list[str]]) -> Iterator[Problem]:
    """Examples of two intents that the model can hardly tell apart: the same words in any order.

    Numbers and dates count by their kind, as for the model. In whatever language, since the model is not told it; in
    Darija, also the same skeletons, in either script.
    """
    by_words: dict[tuple[str, ...], Example] = {}
    by_skeletons: dict[tuple[str, ...], Example] = {}
    for example, its_words in zip(examples, tokens, strict=True):
        same = by_words.setdefault(tuple(sorted(its_words)), example)
        if same.intent != example.intent:
            yield _doubt(CONFUSABLE, 1.0, example, _beside(example, same, "the same words to the model"))
        # A single skeleton is too little: "suivi" and "safi" share theirs.
        elif example.language in DARIJA and len(its_words) > 1:
            bones = sorted(word if word.isupper() else skeleton(word) for word in its_words)
            like = by_skeletons.setdefault(tuple(bones), example)
            if like.intent != example.intent:
                yield _doubt(CONFUSABLE, 0.9, example, _beside(example, like, "the same skeletons"))


def _beside(example: Example, other: Example, likeness: str) -> str:
    return (
        f"{example.intent}: {example.text!r} has {likeness} as {other.text!r}, "
        f"{other.intent} at {other.file}:{other.line}"
    )


def _mistaken(examples: Sequence[Example], held_out: Iterable[HeldOut]) -> Iterator[Problem]:
    """Examples that a model trained without them surely takes for something else."""
    for prediction in held_out:
        example = examples[prediction.row]
        if prediction.intent == example.intent or prediction.confidence < HIGH_CONFIDENCE:
            continue
        message = (
            f"{example.intent}: {example.text!r}, when held out, is taken for {prediction.intent} "
            f"({prediction.confidence:.2f})"
        )
        yield _doubt(MISTAKEN, prediction.confidence, example, message)


def _scarce(examples: Sequence[Example]) -> Iterator[Problem]:
    """Intents with few examples in a language, by themselves or beside the other languages.

    A language with examples of one intent only is recognised, not understood: it is left out.
    """
    counts: Counter[tuple[str, str]] = Counter()
    intents: dict[str, set[str]] = defaultdict(set)
    first_of_intent: dict[str, Example] = {}
    first: dict[tuple[str, str], Example] = {}
    for each in examples:
        counts[each.intent, each.language] += 1
        intents[each.language].add(each.intent)
        first_of_intent.setdefault(each.intent, each)
        first.setdefault((each.intent, each.language), each)
    languages = [language for language, understood in intents.items() if len(understood) > 1]
    for intent in sorted(first_of_intent):
        wanted = FEWEST if intent in SMALL else FEWEST_BUSINESS
        for language in languages:
            count = counts[intent, language]
            usual = median([counts[intent, other] for other in languages if other != language] or [0])
            example = first.get((intent, language), first_of_intent[intent])
            message = f"{intent}: {count} examples in {language}"
            if count < wanted:
                yield _doubt(SCARCE, 1 - count / wanted, example, f"{message}, at least {wanted} are wanted")
            elif count < FAR_BELOW * usual:
                weight = (1 - count / usual) / 2
                yield _doubt(SCARCE, weight, example, f"{message}, {usual:.0f} in other languages (median)")
