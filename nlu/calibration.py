"""From scores to confidences one can believe, and from confidences to what the assistant may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Certainty(StrEnum):
    """What a message's confidence allows: act, ask "do you mean A or B?", or say that it was not understood."""

    SURE = "sure"
    UNSURE = "unsure"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the confidence in a prediction stops being enough."""

    sure: float = 0.6
    """Confidence from which the assistant acts."""
    outside: float = 0.3
    """Confidence in "out of scope" from which a message that is not sure is taken for none of our business."""
    lost: float = 0.2
    """Confidence under which not even a question "do you mean A or B?" makes sense."""

    def certainty(self, confidence: float, outside: float) -> Certainty:
        """From the confidence in the best intent, and that in "out of scope"."""
        if confidence >= self.sure:
            return Certainty.SURE
        return Certainty.LOST if outside >= self.outside or confidence < self.lost else Certainty.UNSURE


@dataclass(frozen=True, slots=True)
class Calibration:
    """Learned from predictions on examples that the model had not seen."""

    sharpness: float = 4.0
    """Confidence is the softmax of the scores times this."""
    thresholds: dict[str, Thresholds] | None = None
    """By script, `arabic` and `latin`: one spells vowels and the other does not, and confidences differ."""

    def confidences(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Along the last axis."""
        exponents = self.sharpness * (scores - scores.max(axis=-1, keepdims=True))
        weights = np.exp(exponents)
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))

    def of(self, script: str) -> Thresholds:
        return (self.thresholds or {}).get(script, Thresholds())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Calibration:
        thresholds = {script: Thresholds(**t) for script, t in (stored["thresholds"] or {}).items()}
        return cls(stored["sharpness"], thresholds)


WRONG_WHEN_SURE = 0.08
"""Share of the sure predictions that may be wrong; half as much would have us ask back one message in four."""
REFUSED_IN_SCOPE = 0.03
"""Share of the customers with a real request whose message may be taken for none of our business."""
REFUSED_OUT_OF_SCOPE = 0.90
"""Share of the other messages that should be; more is not aimed at when the line above allows it."""
LOST_IN_SCOPE = 0.01
"""Share of the customers with a real request whom not even a question helps."""
FEWEST_EXAMPLES = 100


def calibrate(
    scores: NDArray[np.float64],
    truth: Sequence[str],
    labels: Sequence[str],
    scripts: Sequence[str],
    out_of_scope: str,
) -> Calibration:
    """Fit a calibration on scores of examples that the scoring models were not trained on.

    With fewer than `FEWEST_EXAMPLES` of them the defaults are better than what they would say.
    """
    if len(truth) < FEWEST_EXAMPLES:
        return Calibration()
    column = {label: i for i, label in enumerate(labels)}
    right = np.asarray([column[t] for t in truth])
    rows = np.arange(len(right))

    def loss(sharpness: float) -> float:
        confidences = Calibration(sharpness).confidences(scores)
        return float(-np.log(np.maximum(confidences[rows, right], 1e-12)).mean())

    sharpness = min(np.linspace(1.0, 12.0, 111), key=loss)
    confidences = Calibration(float(sharpness)).confidences(scores)
    correct = scores.argmax(axis=1) == right
    top = confidences.max(axis=1)
    foreign = right == column.get(out_of_scope, -1)
    outside = confidences[:, column[out_of_scope]] if out_of_scope in column else np.zeros(len(right))

    thresholds: dict[str, Thresholds] = {}
    for script in sorted(set(scripts)):
        here = np.asarray([s == script for s in scripts])
        sure = _sure_from(top[here], correct[here])
        refused = max(
            _quantile(outside[here & ~foreign], 1 - REFUSED_IN_SCOPE),
            _quantile(outside[here & foreign], 1 - REFUSED_OUT_OF_SCOPE),
        )
        lost = min(sure, _quantile(top[here & ~foreign], LOST_IN_SCOPE))
        thresholds[script] = Thresholds(round(sure, 4), round(refused, 4), round(lost, 4))
    return Calibration(round(float(sharpness), 2), thresholds)


def _quantile(values: NDArray[np.float64], share: float) -> float:
    return float(np.quantile(values, share)) if len(values) else 0.0


def _sure_from(confidences: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """The lowest confidence from which at most `WRONG_WHEN_SURE` of the predictions are wrong."""
    order = np.argsort(-confidences)
    wrong = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= WRONG_WHEN_SURE)
    return float(confidences[order[allowed[-1]]]) if len(allowed) else 1.0
