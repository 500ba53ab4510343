"""TF-IDF over blocks of features and a linear score per label, served with numpy alone.

A text is analysed into blocks (words, characters, skeletons…), each a list of terms. Within a block the weights are
scikit-learn's (`TfidfVectorizer(sublinear_tf=True)`), with one difference: terms never seen in training count in
the length of the vector, so that a text made of strangers scores low everywhere instead of leaning on the one
fragment that it shares with some example. Training lives in `nlu.training`; nothing here imports scikit-learn.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Blocks = Sequence[Sequence[str]]
"""One analysed text: the terms of each block, repetitions included."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The columns of each block's terms, and their inverse document frequencies."""

    columns: tuple[dict[str, int], ...]
    idf: NDArray[np.float32]
    unseen_idf: float
    """What a term that no example has would weigh; 0 leaves unseen terms out, as scikit-learn does."""
    scales: tuple[float, ...]
    """The length given to each block's vector."""

    def vector(self, blocks: Blocks) -> tuple[list[int], NDArray[np.float32]]:
        """The columns of a text that are not zero, and their weights."""
        columns: list[int] = []
        weights: list[NDArray[np.float32]] = []
        for known, scale, terms in zip(self.columns, self.scales, blocks, strict=True):
            at: list[int] = []
            counts: list[float] = []
            unseen = 0.0
            for term, count in Counter(terms).items():
                frequency = 1.0 + math.log(count)
                column = known.get(term)
                if column is None:
                    unseen += frequency * frequency
                else:
                    at.append(column)
                    counts.append(frequency)
            if at:
                weight = np.asarray(counts, dtype=np.float32) * self.idf[at]
                length = math.sqrt(float(weight @ weight) + unseen * self.unseen_idf**2)
                columns += at
                weights.append(weight * np.float32(scale / length))
        return columns, np.concatenate(weights) if weights else np.empty(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One weight vector and one bias per label."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    """Columns of the vocabulary by labels."""
    bias: NDArray[np.float32]

    def scores(self, blocks: Blocks) -> NDArray[np.float64]:
        """The score of each label, in the order of `labels`."""
        columns, values = self.vocabulary.vector(blocks)
        return (values @ self.weights[columns] + self.bias).astype(np.float64)

    def save(self, folder: Path, name: str) -> None:
        """Write `name.json` and `name.npz` into `folder`."""
        vocabulary = self.vocabulary
        terms = [sorted(block, key=block.__getitem__) for block in vocabulary.columns]
        described = {
            "labels": self.labels,
            "scales": vocabulary.scales,
            "unseen_idf": vocabulary.unseen_idf,
            "terms": terms,
        }
        (folder / f"{name}.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / f"{name}.npz", idf=vocabulary.idf, weights=self.weights, bias=self.bias)

    @classmethod
    def load(cls, folder: Path, name: str) -> LinearModel:
        """Read what `save` wrote. Raises `OSError` when it is not there."""
        described = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        columns: list[dict[str, int]] = []
        first = 0
        for terms in described["terms"]:
            columns.append({term: first + i for i, term in enumerate(terms)})
            first += len(terms)
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            vocabulary = Vocabulary(
                tuple(columns), arrays["idf"], described["unseen_idf"], tuple(described["scales"])
            )
            return cls(vocabulary, tuple(described["labels"]), arrays["weights"], arrays["bias"])
