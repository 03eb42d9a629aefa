import importlib.util
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from container.training import accelerated, forest
from container.training.agreement import compare
from container.training.export import export_ensemble
from container.training.faults import InvalidHyperparameters
from tests.container.fits import classification, fitted, hyperparameters, regression, split_of, table


def same_trees(one: Any, other: Any) -> bool:
    return len(one.estimators_) == len(other.estimators_) and all(
        np.array_equal(a.tree_.threshold, b.tree_.threshold) and np.array_equal(a.tree_.value, b.tree_.value)
        for a, b in zip(one.estimators_, other.estimators_, strict=True)
    )


def grown(split: Any, **given: object) -> Any:
    return forest.fit(split, hyperparameters(**given), lambda _line: None)._forest


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"class_weight": "balanced"}, {"class_weight": "balanced"}),
        ({"class_weight": "balanced_subsample"}, {"class_weight": "balanced_subsample"}),
        ({"max_features": "all", "min_samples_leaf": 3}, {"max_features": None, "min_samples_leaf": 3}),
        ({"max_features": 0.5, "criterion": "entropy"}, {"max_features": 0.5, "criterion": "entropy"}),
        ({"max_leaf_nodes": 8, "min_samples_split": 9}, {"max_leaf_nodes": 8, "min_samples_split": 9}),
        ({"bootstrap": "false"}, {"bootstrap": False}),
        ({"max_samples": 0.4, "min_impurity_decrease": 0.001}, {"max_samples": 0.4, "min_impurity_decrease": 0.001}),
    ],
)
def test_grown_step_by_step_it_is_scikit_learns_forest(given: dict[str, object], expected: dict[str, object]) -> None:
    split = classification()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = grown(split, n_estimators=25, seed=3, n_jobs=2, **given)
    theirs = RandomForestClassifier(25, max_depth=10, random_state=3, **expected)
    assert same_trees(ours, theirs.fit(split.train_features, split.train_labels))


def test_a_regression_is_scikit_learns_too() -> None:
    split = regression(missing=0.1)
    ours = grown(split, n_estimators=12, criterion="poisson", seed=3)
    theirs = RandomForestRegressor(12, max_depth=10, random_state=3, criterion="poisson")
    assert same_trees(ours, theirs.fit(split.train_features, split.train_labels))


def test_the_seed_is_the_datas_unless_it_is_given() -> None:
    split = classification()
    assert grown(split, n_estimators=1).random_state == 42
    assert grown(split, n_estimators=1, data='{"seed": 7}').random_state == 7
    assert grown(split, n_estimators=1, data='{"seed": 7}', random_state=5).random_state == 5


@pytest.mark.parametrize(
    ("split", "given", "reason"),
    [
        (regression(), {"criterion": "gini"}, "criterion is gini, but the dataset asks for a regression: give squared"),
        (classification(), {"criterion": "poisson"}, "asks for a classification: give gini, entropy, log_loss or"),
        (regression(), {"class_weight": "balanced"}, "class_weight is given, but the dataset asks for a regression"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(split: Any, given: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidHyperparameters, match=reason):
        forest.fit(split, hyperparameters(**given), lambda _line: None)


@pytest.mark.parametrize(("trees", "threads"), [(120, 1), (120, 16), (3, 1), (10, 4), (1_000, 1)])
def test_the_log_says_how_far_it_is_and_no_more_than_ten_times(trees: int, threads: int) -> None:
    lines: list[str] = []
    split = classification(rows=60)
    forest.fit(split, hyperparameters(n_estimators=trees, max_depth=1, n_jobs=threads), lines.append)
    assert lines[0] == f"fitting {trees} trees on 45 rows"
    assert lines[-1] == f"{trees} of {trees} trees"
    assert 2 <= len(lines) <= 11


LARGE = 40_000
intelex = pytest.mark.skipif(
    importlib.util.find_spec("sklearnex") is None, reason="scikit-learn-intelex is not installed"
)


def large(task: str, seed: int = 0) -> Any:
    if task == "regression":
        return regression(LARGE, seed=seed)
    return split_of(*table(LARGE, 3 if task == "three classes" else 2, seed=seed))


@intelex
@pytest.mark.parametrize("task", ["two classes", "three classes", "regression"])
@pytest.mark.parametrize(
    "seed",
    [
        0,
        *(
            pytest.param(seed, marks=[pytest.mark.full, pytest.mark.portioned("forests of intelex", turn=seed)])
            for seed in range(1, 5)
        ),
    ],
)
def test_intelex_grows_forests_that_are_as_good_and_export_as_well(
    task: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parity: it scores within .01 of scikit-learn on 10,000 rows, and the exported graph agrees on every one."""
    split = large(task, seed)
    lines: list[str] = []
    estimator, predictor = fitted(split, lines.append, n_estimators=20, n_jobs=2, seed=seed)
    assert lines[1:] == ["growing the trees with scikit-learn-intelex, which says nothing until it is done"]
    assert compare(estimator, predictor, split.test_features).rows == LARGE // 4
    monkeypatch.setattr(accelerated, "MINIMUM_ROWS", LARGE)
    plain, _ = fitted(split, n_estimators=20, n_jobs=2, seed=seed)
    assert not same_trees(estimator._forest, plain._forest)
    scores = [one._forest.score(split.test_features, split.test_labels) for one in (estimator, plain)]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)


@intelex
@pytest.mark.parametrize("task", ["three classes", "regression"])
def test_intelex_gives_the_same_bytes_for_a_seed_whatever_the_number_of_threads(task: str) -> None:
    split = large(task)
    models = [
        export_ensemble(fitted(split, n_estimators=10, n_jobs=threads, seed=seed)[0].ensemble())
        for threads, seed in ((1, 5), (2, 5), (4, 5), (2, 6))
    ]
    assert models[0] == models[1] == models[2] != models[3]


@intelex
def test_a_forest_that_intelex_grew_needs_no_intelex(tmp_path: Any) -> None:
    import subprocess

    estimator, _ = fitted(large("two classes"), n_estimators=5, n_jobs=2)
    estimator.save(tmp_path)
    program = (
        "import sys, joblib, numpy as np; sys.modules.update(sklearnex=None, onedal=None, daal4py=None); "
        f"print(joblib.load({str(tmp_path / forest.ESTIMATOR_FILE)!r}).predict_proba(np.zeros((1, 10))).shape)"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "(1, 2)\n"


@intelex
def test_shares_in_the_leaves_are_those_of_the_training_rows() -> None:
    split = large("three classes")
    tree = grown(split, n_estimators=3, n_jobs=2).estimators_[1].tree_
    leaves = tree.apply(split.train_features)
    for leaf in np.unique(leaves)[:50]:
        shares = np.bincount(split.train_labels[leaves == leaf], minlength=3) / np.count_nonzero(leaves == leaf)
        np.testing.assert_allclose(tree.value[leaf, 0], shares)


@intelex
@pytest.mark.parametrize(
    ("split", "given"),
    [
        (classification(), {}),
        (classification(30_000, missing=0.01), {}),
        (classification(30_000), {"criterion": "entropy"}),
        (classification(30_000), {"class_weight": "balanced"}),
        (classification(30_000), {"max_samples": 0.5}),
    ],
)
def test_what_does_not_suit_intelex_is_left_to_scikit_learn(split: Any, given: dict[str, object]) -> None:
    lines: list[str] = []
    forest.fit(split, hyperparameters(n_estimators=2, max_depth=2, **given), lines.append)
    assert not [line for line in lines if "intelex" in line]


@intelex
@pytest.mark.parametrize(
    ("name", "replacement", "reason"),
    [
        ("_check_votes", lambda *_: (_ for _ in ()).throw(accelerated.Unfit("votes")), "Unfit: votes"),
        ("WORSE", -2.0, "Unfit: in a trial it scores 0."),
        ("_mend", lambda *_: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_scikit_learn_does_it_when_intelex_fails(
    monkeypatch: pytest.MonkeyPatch, name: str, replacement: object, reason: str
) -> None:
    monkeypatch.setattr(accelerated, name, replacement)
    lines: list[str] = []
    forest.fit(classification(30_000), hyperparameters(n_estimators=2, max_depth=2), lines.append)
    assert f"growing them with scikit-learn instead: {reason}" in lines[2]
    assert lines[-1] == "2 of 2 trees"


@intelex
def test_trees_that_vote_otherwise_than_onedal_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearnex.ensemble import RandomForestClassifier as Theirs

    split = large("two classes")
    theirs = Theirs(3, max_depth=4, random_state=1).fit(split.train_features, split.train_labels)
    accelerated._check_votes(theirs, theirs_as_ours(theirs), split.train_features[:1_000])
    theirs.estimators_[0].tree_.threshold[0] += 0.1
    with pytest.raises(accelerated.Unfit, match="do not answer as it does"):
        accelerated._check_votes(theirs, theirs_as_ours(theirs), split.train_features[:1_000])


def theirs_as_ours(theirs: Any) -> RandomForestClassifier:
    ours = RandomForestClassifier(3)
    ours.estimators_ = theirs.estimators_
    return ours
