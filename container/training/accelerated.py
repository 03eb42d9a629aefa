"""Grows a random forest with scikit-learn-intelex: a tenth of the processor time on many rows.

What comes out is a forest of scikit-learn's own, which needs nothing of intelex any more. Two things are mended on the
way. oneDAL, the library below, hands out its trees with only the most frequent class in each leaf; the shares of the
classes are counted again over the training rows. And it knows no missing values; they go where most rows went, as in
scikit-learn.
"""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from container.predictor import Rows
from container.training.progress import Say
from container.training.split import Split

Forest: TypeAlias = RandomForestClassifier | RandomForestRegressor
MINIMUM_ROWS: Final = 20_000
"""Below it there is nothing to be gained, and a model of a small dataset is the same on every kind of machine."""
_CRITERIA: Final = ("gini", "squared_error")
_MAXIMUM_TREES: Final = 6_024
_CHUNK_ROWS: Final = 100_000
# The trial: both libraries grow some trees over a sample, and are asked about other rows of it.
_TRIAL_ROWS: Final = 15_000
_JUDGED_ROWS: Final = 5_000
_TRIAL_TREES: Final = 20
WORSE: Final = 0.02
"""How much less accuracy, or R², oneDAL's trees may have in the trial: twice what chance makes of so few."""
_SAME_VOTES: Final = 1e-5


class Unfit(Exception):
    """Why oneDAL's forest is not taken."""


def accelerate(forest: Forest, split: Split, say: Say) -> Forest | None:
    """`forest`, grown over the split's training rows; None when scikit-learn has to grow it.

    The same forest for the same seed, whatever the number of threads is. Never raises because of intelex.
    """
    if not _is_suited(forest, split):
        return None
    say("growing the trees with scikit-learn-intelex, which says nothing until it is done")
    try:
        _try_out(forest, split)
        return _grow(forest, split.train_features, split.train_labels)
    except Exception as fault:  # noqa: BLE001 - whatever it is: scikit-learn can do the same, only slower
        say(f"growing them with scikit-learn instead: {type(fault).__name__}: {' '.join(str(fault).split())}")
        return None


def _is_suited(forest: Forest, split: Split) -> bool:
    return (
        importlib.util.find_spec("sklearnex") is not None
        and len(split.train_labels) >= MINIMUM_ROWS
        and forest.criterion in _CRITERIA
        and getattr(forest, "class_weight", None) is None
        and forest.max_samples is None
        and forest.n_estimators <= _MAXIMUM_TREES
        and not np.isnan(split.train_features).any()
    )


def _grow(forest: Forest, rows: Rows, labels: NDArray[Any]) -> Forest:
    from sklearnex import ensemble  # noqa: PLC0415 - not there on every machine

    kind = "RandomForestClassifier" if isinstance(forest, RandomForestClassifier) else "RandomForestRegressor"
    # In bins, of which a feature has 256: what makes it fast.
    theirs = getattr(ensemble, kind)(**forest.get_params()).fit(rows, labels)
    if not hasattr(theirs, "_onedal_estimator"):
        raise Unfit("intelex has left the fitting to scikit-learn")
    grown = clone(forest)
    names = ["estimators_", "n_features_in_", "n_outputs_"]
    for name in [*names, "classes_", "n_classes_"] if kind == "RandomForestClassifier" else names:
        setattr(grown, name, getattr(theirs, name))
    sample = rows[:_JUDGED_ROWS]
    _check_votes(theirs, grown, sample)
    with ThreadPoolExecutor(forest.n_jobs) as threads:
        list(threads.map(partial(_mend, rows, labels), grown.estimators_))
    return grown


def _check_votes(theirs: Any, grown: Forest, rows: Rows) -> None:  # noqa: ANN401 - intelex has no types
    """The trees that were handed out lead every row to the leaf that oneDAL finds.

    Raises:
        Unfit: they do not.
    """
    votes = np.mean([tree.tree_.predict(rows) for tree in grown.estimators_], axis=0)
    if isinstance(grown, RandomForestClassifier):
        theirs._onedal_estimator.voting_mode = "unweighted"  # noqa: SLF001 - one vote a tree: no other way to ask
        expected = np.asarray(theirs._onedal_estimator.predict_proba(rows))  # noqa: SLF001
    else:
        expected = np.asarray(theirs.predict(rows)).reshape(-1, 1)
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(votes - expected).max())
    if not difference <= _SAME_VOTES * scale:
        raise Unfit(f"its trees do not answer as it does: they differ by {difference:g}")


def _mend(rows: Rows, labels: NDArray[Any], estimator: Any) -> None:  # noqa: ANN401 - a tree of scikit-learn
    tree = estimator.tree_
    tree.missing_go_to_left[:] = tree.n_node_samples[tree.children_left] > tree.n_node_samples[tree.children_right]
    classes = tree.value.shape[2]
    if classes == 1:
        return  # a regression's leaves have their means
    counts = np.zeros((tree.node_count, classes))
    for start in range(0, len(rows), _CHUNK_ROWS):
        part = slice(start, start + _CHUNK_ROWS)
        places = tree.apply(rows[part]) * classes + labels[part]
        counts += np.bincount(places, minlength=counts.size).reshape(counts.shape)
    reached = counts.sum(axis=1) > 0
    tree.value[reached, 0, :] = counts[reached] / counts[reached].sum(axis=1, keepdims=True)


def _try_out(forest: Forest, split: Split) -> None:
    """Both libraries, on the same few rows.

    Raises:
        Unfit: oneDAL's trees are clearly worse.
    """
    count = len(split.train_labels)
    chosen = np.random.default_rng(forest.random_state).permutation(count)[: _TRIAL_ROWS + _JUDGED_ROWS]
    rows, labels = split.train_features[chosen], split.train_labels[chosen]
    small = clone(forest).set_params(n_estimators=min(forest.n_estimators, _TRIAL_TREES))
    ours = clone(small).fit(rows[_JUDGED_ROWS:], labels[_JUDGED_ROWS:])
    theirs = _grow(small, rows[_JUDGED_ROWS:], labels[_JUDGED_ROWS:])
    scores = [one.score(rows[:_JUDGED_ROWS], labels[:_JUDGED_ROWS]) for one in (ours, theirs)]
    if not scores[1] >= scores[0] - WORSE:
        raise Unfit(f"in a trial it scores {scores[1]:.3f}, scikit-learn {scores[0]:.3f}")
