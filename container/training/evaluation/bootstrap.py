"""Paired bootstrap: what the metrics would be, had other rows of the same kind been held out.

Candidate and champion are scored on the same resample of rows, so what makes a row hard for both does not blur their
difference. Nothing here grows with resamples times rows: metrics that only count answers are drawn from the counts,
which is the same as drawing rows; the others work through a few resamples at a time.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.training.evaluation.answers import UNKNOWN, ClassAnswers, NumberAnswers
from container.training.evaluation.classification import ranked
from container.training.split import Positions
from contracts.metrics import METRICS
from contracts.reports import Gain, Interval

# Ten of so many lie beyond the highest confidence that the settings allow.
RESAMPLES: Final = 10_000
SEED: Final = 42
# Of more held-out rows some are drawn, once: their interval is wider than all of them would have, never narrower.
_SUMMED_ROWS: Final = 20_000
_RANKED_ROWS: Final = 5_000
# Each class ranks all rows anew: many classes have fewer rows.
_RANKINGS: Final = 100_000
_LEAST_RANKED_ROWS: Final = 500
_CHUNK_NUMBERS: Final = 2**21
# The finest step of the 32-bit numbers that a model answers: what scikit-learn's log_loss takes for 0.
LEAST_PROBABILITY: Final = np.finfo(np.float32).eps

Floats = NDArray[np.float64]
Resampled = Mapping[str, Floats]
"""By metric: shape (models, resamples), NaN where a resample leaves it undefined."""


def resample_classes(
    names: Collection[str], truth: Positions, models: Sequence[ClassAnswers], class_count: int
) -> Resampled:
    """Those of `names` that are accuracy, F1, log loss or ROC AUC, of each of `models`."""
    resampled: dict[str, Floats] = {}
    if "accuracy" in names:
        resampled["accuracy"] = _accuracy(truth, models)
    if "f1_macro" in names or "f1_micro" in names:
        resampled["f1_macro"], resampled["f1_micro"] = _f1(truth, models, class_count)
    if "log_loss" in names:
        resampled["log_loss"] = _log_loss(truth, models)
    if "roc_auc" in names:
        resampled["roc_auc"] = _roc_auc(truth, models, class_count)
    return resampled


def resample_numbers(truth: Floats, models: Sequence[NumberAnswers]) -> Resampled:
    """RMSE, MAE and R² of each of `models`."""
    random = _random("numbers")
    rows = _some(len(truth), _SUMMED_ROWS, random)
    # R² is the same for shifted labels, and squares of small numbers lose nothing.
    labels = truth[rows] - truth[rows].mean()
    residuals = [model.values[rows] - truth[rows] for model in models]
    terms = np.column_stack([labels, labels**2, *(each**2 for each in residuals), *map(np.abs, residuals)])
    means = np.concatenate([weights @ terms for weights in _weights(len(labels), random)]).T / len(labels)
    squares, absolutes = np.split(means[2:], 2)
    variance = means[1] - means[0] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(variance > 0, 1 - squares / variance, np.nan)
    return {"rmse": np.sqrt(squares), "mae": absolutes, "r2": explained}


def interval(resampled: Floats, confidence: float) -> Interval | None:
    """The percentiles, one-sided `confidence` at each end; None when every resample leaves it undefined.

    Ends are values that were drawn, the outer ones, so that few rows do not make an interval too narrow.
    """
    if np.isnan(resampled).all():
        return None
    lower = np.nanquantile(resampled, 1 - confidence, method="lower")
    upper = np.nanquantile(resampled, confidence, method="higher")
    return Interval(float(lower), float(upper))


def gain(name: str, candidate: float, champion: float, resampled: Floats, confidence: float) -> Gain | None:
    """Candidate against champion by the metric `name`; `resampled` has shape (2, resamples)."""
    metric = METRICS[name]
    drawn = resampled[0] - resampled[1] if metric.higher_is_better else resampled[1] - resampled[0]
    ends = interval(drawn, confidence)
    return Gain(name, metric.gain(candidate, champion), ends) if ends else None


def _random(what: str) -> np.random.Generator:
    """One generator for each metric, so that none depends on which others are asked for."""
    return np.random.default_rng([SEED, *what.encode()])


def _some(count: int, limit: int, random: np.random.Generator) -> NDArray[np.int64]:
    return np.arange(count) if count <= limit else np.sort(random.choice(count, limit, replace=False))


def _weights(rows: int, random: np.random.Generator) -> Iterator[Floats]:
    """How often each resample holds each row: chunks of shape (resamples, rows)."""
    chunk = max(1, _CHUNK_NUMBERS // rows)
    for start in range(0, RESAMPLES, chunk):
        size = min(chunk, RESAMPLES - start)
        drawn = random.integers(0, rows, size=(size, rows)) + np.arange(size)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


def _counts(rows: NDArray[np.int64], random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """How many rows of each kind each resample holds, where there are `rows` of them: chunks (resamples, kinds)."""
    chunk = max(1, _CHUNK_NUMBERS // len(rows))
    for start in range(0, RESAMPLES, chunk):
        yield random.multinomial(rows.sum(), rows / rows.sum(), size=min(chunk, RESAMPLES - start))


def _accuracy(truth: Positions, models: Sequence[ClassAnswers]) -> Floats:
    right = np.column_stack([model.positions == truth for model in models])
    kinds, rows = np.unique(right, axis=0, return_counts=True)
    return np.concatenate([counts @ kinds for counts in _counts(rows, _random("accuracy"))]).T / len(truth)


def _f1(truth: Positions, models: Sequence[ClassAnswers], class_count: int) -> tuple[Floats, Floats]:
    """Macro and micro. What happened to a row is its class and each model's answer."""
    happened = np.column_stack([truth, *(model.positions for model in models)])
    kinds, rows = np.unique(happened, axis=0, return_counts=True)
    held, *answered = (_Grouping(each, class_count) for each in kinds.T)
    right = [_Grouping(np.where(each == kinds[:, 0], each, UNKNOWN), class_count) for each in kinds.T[1:]]
    macro, micro = [], []
    for counts in _counts(rows, _random("f1")):
        present = held.add_up(counts)
        hits = np.stack([each.add_up(counts) for each in right])
        both = np.stack([present + each.add_up(counts) for each in answered])
        each_class = 2 * hits / np.maximum(both, 1)
        macro.append((each_class * (present > 0)).sum(axis=2) / np.count_nonzero(present, axis=1))
        micro.append(2 * hits.sum(axis=2) / both.sum(axis=2))
    return np.concatenate(macro, axis=1), np.concatenate(micro, axis=1)


class _Grouping:
    """Kinds of rows by a class that they have; those of `UNKNOWN` belong to none."""

    def __init__(self, classes: NDArray[np.int64], class_count: int) -> None:
        order = np.argsort(classes, kind="stable")
        self._kinds = order[classes[order] != UNKNOWN]
        self._classes, self._starts = np.unique(classes[self._kinds], return_index=True)
        self._class_count = class_count

    def add_up(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """From shape (resamples, kinds) to (resamples, classes)."""
        sums = np.zeros((len(counts), self._class_count), dtype=np.int64)
        if len(self._starts):
            sums[:, self._classes] = np.add.reduceat(counts[:, self._kinds], self._starts, axis=1)
        return sums


def _log_loss(truth: Positions, models: Sequence[ClassAnswers]) -> Floats:
    random = _random("log_loss")
    rows = _some(len(truth), _SUMMED_ROWS, random)
    given = np.column_stack([model.probabilities[rows, truth[rows]] for model in models]).astype(np.float64)
    losses = -np.log(np.clip(given, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    return np.concatenate([weights @ losses for weights in _weights(len(rows), random)]).T / len(rows)


def _roc_auc(truth: Positions, models: Sequence[ClassAnswers], class_count: int) -> Floats:
    """A resample that lacks a class counts those that it has."""
    random = _random("roc_auc")
    classes = ranked(class_count)
    limit = min(_RANKED_ROWS, max(_LEAST_RANKED_ROWS, _RANKINGS // len(classes)))
    rows = _some(len(truth), limit, random)
    rankings = [
        [_Ranking.of(model.probabilities[rows, each], truth[rows] == each) for each in classes] for model in models
    ]
    drawn = []
    for weights in _weights(len(rows), random):
        exact = weights.astype(np.float32)  # whole numbers, below 2**24 also when they are added up
        areas = np.array([[ranking.area(exact) for ranking in each] for each in rankings])
        defined = ~np.isnan(areas)
        with np.errstate(invalid="ignore"):
            drawn.append(np.where(defined, areas, 0).sum(axis=1) / defined.sum(axis=1))
    return np.concatenate(drawn, axis=1)


@dataclass(frozen=True)
class _Ranking:
    """Rows in the order of one class's probability: `positives` are those of the class, in any order.

    `below` counts for each of them the rows that rank below it, `up_to` those that rank below it or tie with it.
    """

    order: NDArray[np.int64]
    positives: NDArray[np.int64]
    below: NDArray[np.int64]
    up_to: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.float32], label: NDArray[np.bool_]) -> "_Ranking":
        order = np.argsort(scores)
        ordered, (positives,) = scores[order], np.nonzero(label)
        return cls(
            order,
            positives,
            below=np.searchsorted(ordered, scores[positives], side="left"),
            up_to=np.searchsorted(ordered, scores[positives], side="right"),
        )

    def area(self, weights: NDArray[np.float32]) -> Floats:
        """ROC AUC in each resample: the share of pairs in which the row of the class ranks above; half where they tie.

        Against all rows each row of the class has its mean rank. Against those of its own class alone these add up to
        half of their number squared, whatever the order.
        """
        ranks = np.zeros((len(weights), len(self.order) + 1), dtype=np.float32)
        np.cumsum(weights[:, self.order], axis=1, out=ranks[:, 1:])
        own = weights[:, self.positives].astype(np.float64)
        middle = (ranks[:, self.below].astype(np.float64) + ranks[:, self.up_to]) / 2
        count = own.sum(axis=1)
        pairs = count * (weights.shape[1] - count)
        with np.errstate(invalid="ignore"):
            area: Floats = ((own * middle).sum(axis=1) - count**2 / 2) / pairs
        return area
