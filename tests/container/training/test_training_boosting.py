from typing import Any

import numpy as np
import pytest
import xgboost

from container.training import boosting
from container.training.export import export_ensemble
from container.training.faults import InvalidHyperparameters, TrainingFault
from tests.container.fits import classification, fitted, hyperparameters, regression, split_of
from tests.contracts.test_hyperparameters import COURSE


def fit(split: Any, **given: object) -> boosting.Boosted:
    return boosting.fit(split, hyperparameters(algorithm="xgboost", **given), lambda _line: None)


def test_the_courses_hyperparameters_train_what_xgboost_makes_of_them() -> None:
    split = classification()
    ours = fit(split, **COURSE)
    parameters = {name: value for name, value in COURSE.items() if name not in ("silent", "num_round")}
    theirs = xgboost.train(
        {**parameters, "seed": 42, "tree_method": "hist"},
        xgboost.DMatrix(split.train_features, label=split.train_labels),
        30,
    )
    answers = theirs.predict(xgboost.DMatrix(split.test_features))
    assert ours.probabilities(split.test_features).argmax(axis=1).tolist() == answers.tolist()


@pytest.mark.parametrize(
    ("split", "objective"),
    [
        (classification(), "multi:softprob"),
        (classification(classes=2), "binary:logistic"),
        (regression(), "reg:squarederror"),
    ],
)
def test_the_objective_follows_from_the_dataset(split: Any, objective: str) -> None:
    assert fit(split, num_round=1)._objective == objective


@pytest.mark.parametrize(
    ("split", "given", "reason"),
    [
        (classification(), {"num_class": 4}, "num_class is 4, but the dataset has 3 classes"),
        (regression(), {"num_class": 4}, "num_class is 4, but the dataset asks for a regression"),
        (classification(), {"objective": "binary:logistic"}, "asks for a classification with 3 classes: give multi:so"),
        (classification(), {"objective": "reg:squarederror"}, "objective is reg:squarederror, but the dataset asks"),
        (regression(), {"objective": "multi:softmax"}, "but the dataset asks for a regression: give reg:squarederror"),
    ],
)
def test_what_does_not_fit_the_dataset_is_refused(split: Any, given: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidHyperparameters, match=reason):
        fit(split, **given)


def test_xgboosts_own_refusal_is_a_reason_in_one_line() -> None:
    split = regression()
    negative = split_of(split.train_features, -split.train_labels)
    with pytest.raises(TrainingFault, match="^XGBoost cannot fit this: .*greater than 0 for gamma") as fault:
        fit(negative, objective="reg:gamma")
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("split", [classification(), classification(classes=2), regression()])
@pytest.mark.parametrize("given", [{}, {"subsample": 0.5, "colsample_bynode": 0.5}, {"tree_method": "exact"}])
def test_the_same_bytes_for_a_seed_whatever_the_number_of_threads(split: Any, given: dict[str, object]) -> None:
    models = [
        export_ensemble(fit(split, num_round=5, nthread=threads, seed=seed, **given).ensemble())
        for threads, seed in ((1, 5), (2, 5), (2, 6))
    ]
    assert models[0] == models[1]
    assert (models[1] != models[2]) == ("subsample" in given)


def test_the_log_says_how_far_it_is() -> None:
    lines: list[str] = []
    fitted(classification(), lines.append, algorithm="xgboost", num_round=30)
    assert lines[0] == "fitting 30 rounds of multi:softprob on 450 rows"
    assert lines[1:] == [f"{rounds} of 30 rounds" for rounds in range(3, 31, 3)]


def test_the_library_reads_what_is_kept_of_it(tmp_path: Any) -> None:
    split = classification()
    estimator = fit(split, num_round=3)
    estimator.save(tmp_path)
    kept = xgboost.Booster(model_file=tmp_path / boosting.ESTIMATOR_FILE)
    np.testing.assert_array_equal(
        kept.inplace_predict(split.test_features), estimator.probabilities(split.test_features)
    )
