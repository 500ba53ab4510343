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
        self, rows: NDArray[np.intp], fewest: Sequence[int], scales: Sequence[float], unseen: bool = True
    ) -> tuple[Vocabulary, list[NDArray[np.intp]]]:
        """The vocabulary of the examples `rows`: per block, the terms that at least `fewest` of them have.

        Also returns the kept columns of each block, for `matrix`.
        """
        columns: list[dict[str, int]] = []
        kept_columns: list[NDArray[np.intp]] = []
        idf: list[NDArray[np.float64]] = []
        for terms, frequencies, minimum in zip(self.terms, self.frequencies, fewest, strict=True):
            having = np.bincount(frequencies[rows].indices, minlength=len(terms))
            kept = np.flatnonzero(having >= minimum)
            first = sum(len(block) for block in columns)
            columns.append({terms[column]: first + i for i, column in enumerate(kept)})
            kept_columns.append(kept)
            idf.append(np.log((1 + len(rows)) / (1 + having[kept])) + 1)
        unseen_idf = float(np.log(1 + len(rows)) + 1) if unseen else 0.0
        weights = np.concatenate(idf).astype(np.float32)
        return Vocabulary(tuple(columns), weights, unseen_idf, tuple(scales)), kept_columns

    def matrix(
        self, rows: NDArray[np.intp], vocabulary: Vocabulary, kept_columns: Sequence[NDArray[np.intp]]
    ) -> csr_matrix:
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


def fit(
    matrix: csr_matrix, vocabulary: Vocabulary, labels: Sequence[str], sample_weights: NDArray[np.float64] | None = None,
    strictness: float = 1.0, jobs: int = 2,
) -> LinearModel:
    """One linear support vector machine per label, against all the others.

    One against the rest, rather than one joint model, because then a text that belongs nowhere is far from every
    label at once. `strictness` is the C of the machine.
    """
    names = sorted(set(labels))
    truth = np.asarray(labels)

    def machine(name: str) -> tuple[NDArray[np.float64], float]:
        svc = LinearSVC(C=strictness, tol=0.05, class_weight={1: 2.0, 0: 1.0}, random_state=0)
        svc.fit(matrix, (truth == name).astype(int), sample_weight=sample_weights)
        return svc.coef_[0], float(svc.intercept_[0])

    with ThreadPoolExecutor(jobs) as pool:  # liblinear works outside the interpreter's lock
        machines = list(pool.map(machine, names))
    weights = np.stack([coefficients for coefficients, _ in machines], axis=1).astype(np.float32)
    bias = np.asarray([intercept for _, intercept in machines], dtype=np.float32)
    return LinearModel(vocabulary, tuple(names), weights, bias)
