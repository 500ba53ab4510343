"""How well messages were understood: labelled messages and what a model said of them, turned into figures.

Nothing here reads a file, loads a model or prints; any classifier can be measured, ours or another. A share that
there is nothing to take of is `None`, never 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from nlu.calibration import REFUSED_OUT_OF_SCOPE, Certainty
from nlu.classifier import OUT_OF_SCOPE
from nlu.language import LANGUAGES

BANDS = 10
"""Equal bands of confidence, between 0 and 1, whose messages are counted together."""
NORMAL_95 = 1.959964
"""Standard deviations on each side that hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A message, the language it is in and what it is meant for, as a person labelled it."""

    language: str
    intent: str
    text: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What the assistant made of one labelled message."""

    message: Labelled
    language: str | None
    intent: str
    confidence: float
    outside: float
    """Confidence that it is out of scope."""
    certainty: Certainty
    offered: tuple[str, ...]
    """The intents that the customer may choose from when the certainty is `unsure`."""
    seconds: float
    """Time to parse it."""

    @property
    def is_right(self) -> bool:
        return self.intent == self.message.intent

    @property
    def is_foreign(self) -> bool:
        """Whether it really is out of scope."""
        return self.message.intent == OUT_OF_SCOPE

    @property
    def is_refused(self) -> bool:
        """Whether the customer is told that it was not understood, or is none of our business."""
        return self.certainty is Certainty.LOST or (self.certainty is Certainty.SURE and self.intent == OUT_OF_SCOPE)


def labelled(lines: Iterable[str], name: str, intents: Collection[str]) -> Iterator[Labelled]:
    """The messages of a tab-separated file: language, intent, text. Blank lines and `#` comments are skipped.

    Raises `ValueError` ("name:line: what") at the first line that is neither.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) != 3:
            raise ValueError(
                f"{name}:{number}: three columns are wanted (language, intent, text), not {len(columns)}"
            )
        language, intent, text = columns
        if language not in LANGUAGES:
            raise ValueError(f"{name}:{number}: unknown language {language!r}: one of {', '.join(LANGUAGES)}")
        if intent not in intents:
            raise ValueError(f"{name}:{number}: unknown intent {intent!r}: it is not in domain.yml")
        if not text:
            raise ValueError(f"{name}:{number}: a message without text")
        yield Labelled(language, intent, text)


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, and the 95 % interval of the share (Wilson's, which holds for few and for extremes)."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None


def share(flags: Iterable[bool]) -> Share:
    """The share of the flags that are true."""
    found = [bool(flag) for flag in flags]
    hits, of = sum(found), len(found)
    if of == 0:
        return Share(0, 0, None, None, None)
    p, z2 = hits / of, NORMAL_95**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    reach = NORMAL_95 * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # Rounded, so that the interval of "all" ends at 1 and that of "none" begins at 0.
    return Share(hits, of, p, abs(round(middle - reach, 9)), round(middle + reach, 9))


@dataclass(frozen=True, slots=True)
class IntentScore:
    """`precision` is `None` when the intent was never predicted; `recall` and `f1` when no message has it."""

    intent: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A message that was taken for something else."""

    language: str
    text: str
    confidence: float
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Confusion:
    """Messages of one intent taken for one other, the most confident first."""

    intent: str
    taken_for: str
    count: int
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Languages:
    """How often the language was found; a message without evidence ("48213") counts as not found."""

    every: Share
    long: Share
    """Messages of `min_words` words or more, counted between blanks."""
    min_words: int
    long_by_language: dict[str, Share]
    confusions: tuple[tuple[str, str | None, int], ...]
    """Language, what it was taken for, how often: of the long messages."""


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """How well messages that are none of our business are told from the others."""

    auroc: float
    """Chance that such a message has a higher confidence in "out of scope" than another; equal counts half."""
    threshold: float
    """The highest threshold that refuses `nlu.calibration.REFUSED_OUT_OF_SCOPE` of them."""
    refused_at_threshold: Share
    """In-scope messages refused there."""
    refused: Share
    """In-scope messages refused as the assistant is set up."""
    recognised: Share
    """Out-of-scope messages refused as the assistant is set up."""
    acted_upon: Share
    """Out-of-scope messages surely taken for a request."""


@dataclass(frozen=True, slots=True)
class Band:
    """Messages whose confidence lies from `low` up to the next band; right as often as `confidence` says?"""

    low: float
    high: float
    count: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bands with messages in them, and the mean gap between confidence and share right, weighted by their counts."""

    bands: tuple[Band, ...]
    expected_error: float


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the assistant would do: act, ask "do you mean A or B?", or say that it did not understand."""

    sure: Share
    unsure: Share
    lost: Share
    right_when_sure: Share
    offered_when_unsure: Share
    """The right intent is among the choices."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures; dictionaries are by language, in the order of `nlu.language.LANGUAGES`."""

    messages: int
    accuracy: Share
    accuracy_by_language: dict[str, Share]
    macro_f1: float | None
    """Mean F1 of the intents that have messages, each counting the same."""
    intents: tuple[IntentScore, ...]
    confusions: tuple[Confusion, ...]
    languages: Languages
    out_of_scope: OutOfScope | None
    """`None` without messages of both kinds; so are the languages left out that lack either."""
    out_of_scope_by_language: dict[str, OutOfScope]
    reliability: Reliability
    decisions: Decisions
    decisions_by_language: dict[str, Decisions]
    median_ms: float
    p95_ms: float


def evaluate(results: Sequence[Understood], min_words: int = 3) -> Evaluation:
    """All figures of at least one message; raises `ValueError` when there is none."""
    if not results:
        raise ValueError("no message to evaluate")
    groups = _grouped(results, lambda each: each.message.language)
    by_language = {language: groups[language] for language in LANGUAGES if language in groups}
    intents = _intents(results)
    f1 = [each.f1 for each in intents if each.f1 is not None]
    outside = {language: _out_of_scope(group) for language, group in by_language.items()}
    milliseconds = [1000 * each.seconds for each in results]
    return Evaluation(
        messages=len(results),
        accuracy=share(each.is_right for each in results),
        accuracy_by_language={name: share(each.is_right for each in group) for name, group in by_language.items()},
        macro_f1=sum(f1) / len(f1) if f1 else None,
        intents=intents,
        confusions=_confusions(results),
        languages=_languages(results, min_words),
        out_of_scope=_out_of_scope(results),
        out_of_scope_by_language={name: found for name, found in outside.items() if found is not None},
        reliability=_reliability(results),
        decisions=_decisions(results),
        decisions_by_language={name: _decisions(group) for name, group in by_language.items()},
        median_ms=float(np.median(milliseconds)),
        p95_ms=float(np.percentile(milliseconds, 95)),
    )


Key = TypeVar("Key")


def _grouped(results: Iterable[Understood], key: Callable[[Understood], Key]) -> dict[Key, list[Understood]]:
    groups: dict[Key, list[Understood]] = defaultdict(list)
    for each in results:
        groups[key(each)].append(each)
    return dict(groups)


def _intents(results: Sequence[Understood]) -> tuple[IntentScore, ...]:
    meant = _grouped(results, lambda each: each.message.intent)
    predicted = _grouped(results, lambda each: each.intent)
    scores: list[IntentScore] = []
    for intent in sorted(meant.keys() | predicted.keys()):
        right = sum(each.is_right for each in predicted.get(intent, ()))
        support, given = len(meant.get(intent, ())), len(predicted.get(intent, ()))
        scores.append(
            IntentScore(
                intent,
                precision=right / given if given else None,
                recall=right / support if support else None,
                f1=2 * right / (support + given) if support else None,
                support=support,
            )
        )
    return tuple(scores)


def _confusions(results: Sequence[Understood]) -> tuple[Confusion, ...]:
    wrong = _grouped((each for each in results if not each.is_right), lambda each: (each.message.intent, each.intent))
    confusions: list[Confusion] = []
    for (intent, taken_for), group in wrong.items():
        group.sort(key=lambda each: -each.confidence)
        mistakes = [Mistake(e.message.language, e.message.text, e.confidence, e.certainty) for e in group]
        confusions.append(Confusion(intent, taken_for, len(group), tuple(mistakes)))
    return tuple(sorted(confusions, key=lambda each: (-each.count, each.intent, each.taken_for)))


def _languages(results: Sequence[Understood], min_words: int) -> Languages:
    def is_found(each: Understood) -> bool:
        return each.language == each.message.language

    long = [each for each in results if len(each.message.text.split()) >= min_words]
    groups = _grouped(long, lambda each: each.message.language)
    wrong = _grouped((e for e in long if not is_found(e)), lambda each: (each.message.language, each.language))
    confusions = [(language, found, len(group)) for (language, found), group in wrong.items()]
    return Languages(
        every=share(map(is_found, results)),
        long=share(map(is_found, long)),
        min_words=min_words,
        long_by_language={name: share(map(is_found, groups[name])) for name in LANGUAGES if name in groups},
        confusions=tuple(sorted(confusions, key=lambda each: (-each[2], each[0], each[1] or ""))),
    )


def _out_of_scope(results: Sequence[Understood]) -> OutOfScope | None:
    inside = [each for each in results if not each.is_foreign]
    foreign = [each for each in results if each.is_foreign]
    if not inside or not foreign:
        return None
    ours = np.sort([each.outside for each in inside])
    theirs = np.sort([each.outside for each in foreign])[::-1]
    lower, not_higher = np.searchsorted(ours, theirs, "left"), np.searchsorted(ours, theirs, "right")
    threshold = float(theirs[math.ceil(round(REFUSED_OUT_OF_SCOPE * len(theirs), 6)) - 1])
    return OutOfScope(
        auroc=float((lower + not_higher).mean() / 2 / len(ours)),
        threshold=threshold,
        refused_at_threshold=share(each.outside >= threshold for each in inside),
        refused=share(each.is_refused for each in inside),
        recognised=share(each.is_refused for each in foreign),
        acted_upon=share(each.certainty is Certainty.SURE and not each.is_right for each in foreign),
    )


def _reliability(results: Sequence[Understood]) -> Reliability:
    groups = _grouped(results, lambda each: min(int(each.confidence * BANDS), BANDS - 1))
    bands = tuple(
        Band(
            low=band / BANDS,
            high=(band + 1) / BANDS,
            count=len(group),
            confidence=sum(each.confidence for each in group) / len(group),
            right=sum(each.is_right for each in group) / len(group),
        )
        for band, group in sorted(groups.items())
    )
    gaps = sum(band.count * abs(band.confidence - band.right) for band in bands)
    return Reliability(bands, gaps / len(results))


def _decisions(results: Sequence[Understood]) -> Decisions:
    return Decisions(
        sure=share(each.certainty is Certainty.SURE for each in results),
        unsure=share(each.certainty is Certainty.UNSURE for each in results),
        lost=share(each.certainty is Certainty.LOST for each in results),
        right_when_sure=share(each.is_right for each in results if each.certainty is Certainty.SURE),
        offered_when_unsure=share(
            each.message.intent in each.offered for each in results if each.certainty is Certainty.UNSURE
        ),
    )
