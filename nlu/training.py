"""Fitting linear models with scikit-learn; imported when training, never when serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.svm import LinearSVC

from nlu.linear import Blocks, LinearModel, Vocabulary

Rows = NDArray[np.intp]
"""Which examples of a corpus."""
Columns = list[NDArray[np.intp]]
"""Which terms of each block."""

FEWEST = 2
"""Examples that must have a term for the model to learn it; one is a chance, and half of all terms have one."""


class Corpus:
    """Analysed examples as one sparse matrix of term frequencies per block, over all their terms.

    Weights depend on which examples a model may see; `vocabulary` computes them for any subset without analysing
    anything twice, which is what makes cross-validation cheap.
    """

    def __init__(self, texts: Sequence[Blocks]) -> None:
        self.size = len(texts)
        self.terms: list[list[str]] = []
        self.frequencies: list[csr_matrix] = []
        for block in range(len(texts[0])):
            columns: dict[str, int] = {}
            indices: list[int] = []
            counts: list[int] = []
            starts = [0]
            for blocks in texts:
                for term, count in Counter(blocks[block]).items():
                    indices.append(columns.setdefault(term, len(columns)))
                    counts.append(count)
                starts.append(len(indices))
            frequencies = 1.0 + np.log(np.asarray(counts, dtype=np.float64))
            self.terms.append(list(columns))
            self.frequencies.append(csr_matrix((frequencies, indices, starts), shape=(len(texts), len(columns))))

    def vocabulary(
        self, rows: Rows, scales: Sequence[float], fewest: int = FEWEST, unseen: bool = True
    ) -> tuple[Vocabulary, Columns]:
        """The vocabulary of the examples `rows`, and the kept columns of each block, for `matrix`.

        `unseen` says whether terms outside the vocabulary count in a vector's length.
        """
        columns: list[dict[str, int]] = []
        kept_columns: Columns = []
        idf: list[NDArray[np.float64]] = []
        for terms, frequencies in zip(self.terms, self.frequencies, strict=True):
            having = np.bincount(frequencies[rows].indices, minlength=len(terms))
            kept = np.flatnonzero(having >= fewest)
            first = sum(len(block) for block in columns)
            columns.append({terms[column]: first + i for i, column in enumerate(kept)})
            kept_columns.append(kept)
            idf.append(np.log((1 + len(rows)) / (1 + having[kept])) + 1)
        unseen_idf = float(np.log(1 + len(rows)) + 1) if unseen else 0.0
        weights = np.concatenate(idf).astype(np.float32)
        return Vocabulary(tuple(columns), weights, unseen_idf, tuple(scales)), kept_columns

    def matrix(self, rows: Rows, vocabulary: Vocabulary, kept_columns: Columns) -> csr_matrix:
        """The vectors of the examples `rows`; the same numbers as `Vocabulary.vector` gives."""
        blocks: list[csr_matrix] = []
        first = 0
        for frequencies, kept, scale in zip(self.frequencies, kept_columns, vocabulary.scales, strict=True):
            chosen = frequencies[rows]
            seen = chosen[:, kept]
            unseen = np.asarray(chosen.power(2).sum(axis=1) - seen.power(2).sum(axis=1)).ravel()
            weighted = seen.multiply(vocabulary.idf[first : first + len(kept)]).tocsr()
            squares = np.asarray(weighted.power(2).sum(axis=1)).ravel() + unseen * vocabulary.unseen_idf**2
            lengths = np.sqrt(np.maximum(squares, 1e-12))
            weighted.data *= np.repeat(scale / lengths, np.diff(weighted.indptr))
            blocks.append(weighted)
            first += len(kept)
        return hstack(blocks, format="csr")


_STRICTNESS = 1.0
"""The C of the support vector machines; a tenth to three times as much gives the same accuracy."""
_TOLERANCE = 0.05


def fit(matrix: csr_matrix, vocabulary: Vocabulary, labels: Sequence[str], jobs: int = 2) -> LinearModel:
    """One linear support vector machine per label, against all the others.

    One against the rest, rather than one joint model, because then a text that belongs nowhere is far from every
    label at once.
    """
    names = sorted(set(labels))
    truth = np.asarray(labels)

    def machine(name: str) -> tuple[NDArray[np.float64], float]:
        svc = LinearSVC(C=_STRICTNESS, tol=_TOLERANCE, class_weight={1: 2.0, 0: 1.0}, random_state=0)
        svc.fit(matrix, (truth == name).astype(int))
        return svc.coef_[0], float(svc.intercept_[0])

    with ThreadPoolExecutor(jobs) as pool:  # liblinear works outside the interpreter's lock
        machines = list(pool.map(machine, names))
    weights = np.stack([coefficients for coefficients, _ in machines], axis=1).astype(np.float32)
    bias = np.asarray([intercept for _, intercept in machines], dtype=np.float32)
    return LinearModel(vocabulary, tuple(names), weights, bias)
