import itertools

import numpy as np
import onnx
import pytest

from container.training.agreement import compare, compare_all
from container.training.export import TIE, export_ensemble
from container.training.faults import ExportDiffers, ModelDiverged
from container.training.graph import GraphPredictor
from tests.container.fits import FORMS, classification, fitted, regression, served
from tests.container.schemas import classifier

CLASSIFIERS = [
    {"algorithm": "random-forest", "n_estimators": 20},
    {"algorithm": "xgboost", "num_round": 10},
    {"algorithm": "xgboost", "num_round": 10, "objective": "multi:softmax"},
]
REGRESSIONS = [
    {"algorithm": "random-forest", "n_estimators": 20},
    *(
        {"algorithm": "xgboost", "num_round": 10, "objective": objective}
        for objective in ("reg:squarederror", "reg:absoluteerror", "count:poisson", "reg:gamma")
    ),
]


@pytest.mark.parametrize("given", CLASSIFIERS, ids=lambda given: " ".join(map(str, given.values())))
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("missing", [0, 0.2])
@pytest.mark.parametrize("form", FORMS)
def test_what_is_exported_of_a_classifier_answers_as_it_does(form, given, classes, missing) -> None:
    split = classification(classes=classes, missing=missing)
    estimator, _ = fitted(split, **given)
    predictor = form(estimator.ensemble(), split.schema)
    for rows in (split.train_features, split.test_features):
        agreement = compare(estimator, predictor, rows)
        assert agreement.rows == len(rows)
        assert agreement.worst < 5e-7


@pytest.mark.parametrize("given", REGRESSIONS, ids=lambda given: " ".join(map(str, given.values())))
@pytest.mark.parametrize("missing", [0, 0.2])
@pytest.mark.parametrize("form", FORMS)
def test_what_is_exported_of_a_regression_answers_as_it_does(form, given, missing) -> None:
    split = regression(missing=missing)
    estimator, _ = fitted(split, **given)
    predictor = form(estimator.ensemble(), split.schema)
    agreement = compare(estimator, predictor, split.test_features)
    assert agreement.rows == len(split.test_features)
    assert agreement.worst < 5e-7


@pytest.mark.parametrize(("rounds", "gamma"), [(20, 8), (20, 2), (1, 2)])
@pytest.mark.parametrize("form", FORMS)
def test_nodes_that_pruning_left_behind_are_not_exported(form, rounds, gamma) -> None:
    """Some trees end at their root; of a single one, nodes may have numbers beyond how many are left."""
    split = classification(rows=60, classes=3)
    estimator, _ = fitted(
        split, algorithm="xgboost", num_round=rounds, max_depth=9, tree_method="exact", gamma=gamma, eta=1
    )
    predictor = form(estimator.ensemble(), split.schema)
    assert not all(tree.is_reached.all() for tree in estimator.ensemble().trees)
    assert compare(estimator, predictor, split.test_features).worst < 5e-7


def test_an_estimator_without_answers_is_told_from_an_export_that_differs() -> None:
    for predictor in (Answering((np.nan, 1.0)), Answering(np.inf, task="regression")):
        with pytest.raises(ModelDiverged, match=r"row 1 with no finite number: .* a smaller eta"):
            compare(Fixed(predictor._numbers), predictor, ROWS)


@pytest.mark.parametrize("split", [classification(), classification(classes=2), regression()])
def test_sums_of_boosted_trees_are_the_same_to_the_last_bit(split) -> None:
    import xgboost

    estimator, _ = fitted(split, algorithm="xgboost", num_round=40)
    model = onnx.load_from_string(export_ensemble(estimator.ensemble()))
    model.graph.output.append(onnx.helper.make_tensor_value_info("sums", onnx.TensorProto.FLOAT, [None, None]))
    predictor = GraphPredictor(model.SerializeToString(), split.schema)
    (sums,) = predictor._session.run(["sums"], {"features": split.test_features})
    expected = estimator._booster.predict(xgboost.DMatrix(split.test_features), output_margin=True)
    assert sums.reshape(expected.shape).tobytes() == expected.tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_a_forests_probabilities_are_the_nearest_32_bit_numbers(form) -> None:
    """Both add up in 64 bits, so that it makes no difference how many trees there are."""
    split = classification()
    estimator, _ = fitted(split, n_estimators=1_000, max_depth=3)
    predictor = form(estimator.ensemble(), split.schema)
    expected = estimator.probabilities(split.test_features)
    assert np.abs(predictor.probabilities(split.test_features) - expected).max() <= 2.0**-25


def test_missing_values_that_fitting_did_not_see_are_answered_alike() -> None:
    split = classification()
    rows = split.test_features.copy()
    rows[np.random.default_rng(3).random(rows.shape) < 0.3] = np.nan
    for given in CLASSIFIERS:
        estimator, _ = fitted(split, **given)
        for form in FORMS:
            assert compare(estimator, form(estimator.ensemble(), split.schema), rows).rows == len(rows)


def test_an_export_that_differs_is_refused(complete) -> None:
    from container.training.forest import FittedForest

    model = onnx.load_from_string(export_ensemble(FittedForest(complete.forest).ensemble()))
    (trees,) = [node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor"]
    (values,) = [item for item in trees.attribute if item.name == "nodes_values_as_tensor"]
    thresholds = onnx.numpy_helper.to_array(values.t).copy()
    thresholds[0] += 1
    values.t.CopyFrom(onnx.numpy_helper.from_array(thresholds))
    damaged = GraphPredictor(model.SerializeToString(), complete.predictor.schema)
    with pytest.raises(ExportDiffers, match=r"gives \d+ of 150 rows another probabilit.*, first row \d+"):
        compare(FittedForest(complete.forest), damaged, complete.rows)
    whole = served(FittedForest(complete.forest).ensemble(), complete.predictor.schema)
    with pytest.raises(ExportDiffers, match="^the graph gives"):
        compare_all(FittedForest(complete.forest), {"the trees": whole, "the graph": damaged}, complete.rows)


class Fixed:
    """An estimator with these probabilities, or values, for every row."""

    def __init__(self, numbers) -> None:
        self._numbers = np.asarray(numbers, dtype=np.float64)

    def probabilities(self, rows):
        return np.tile(self._numbers, (len(rows), 1))

    def values(self, rows):
        return np.tile(self._numbers, len(rows))


class Answering(Fixed):
    """A predictor with these probabilities and this answer for every row."""

    def __init__(self, numbers, answer=0, task="classification") -> None:
        super().__init__(numbers)
        self._answer = answer
        self.schema = classifier(1) if task == "classification" else regression().schema

    def answer_with_probabilities(self, rows):
        return np.full(len(rows), self._answer), self.probabilities(rows)


ROWS = np.zeros((3, 1), np.float32)


@pytest.mark.parametrize(
    ("expected", "answer", "ties", "close"),
    [
        ((0.5, 0.5), 0, 3, 0),
        ((0.2, 0.4, 0.4), 1, 3, 0),
        ((0.5 - 2e-7, 0.5 + 2e-7), 0, 0, 3),
        ((0.5 - 2e-7, 0.5 + 2e-7), 1, 0, 3),
        ((0.5 - 6e-7, 0.5 + 6e-7), 1, 0, 0),
        ((0.1, 0.9), 1, 0, 0),
    ],
)
def test_ties_and_close_rows_are_counted(expected, answer, ties, close) -> None:
    agreement = compare(Fixed(expected), Answering(expected, answer), ROWS)
    assert (agreement.rows, agreement.ties, agreement.close) == (3, ties, close)


@pytest.mark.parametrize(
    ("expected", "given", "answer", "what"),
    [
        ((0.5, 0.5), (0.5, 0.5), 1, "class"),
        ((0.5 - 6e-7, 0.5 + 6e-7), (0.5 - 6e-7, 0.5 + 6e-7), 0, "class"),
        ((0.1, 0.9), (0.1, 0.9), 0, "class"),
        ((0.1, 0.9), (0.1 + 2e-6, 0.9), 1, "probabilities"),
        ((0.1, 0.9), (0.1, np.nan), 1, "probabilities"),
    ],
)
def test_another_class_or_probability_is_refused(expected, given, answer, what) -> None:
    with pytest.raises(ExportDiffers, match=f"gives 3 of 3 rows another {what}.*first row 1"):
        compare(Fixed(expected), Answering(given, answer), ROWS)


@pytest.mark.parametrize(
    ("expected", "given", "agrees"),
    [
        (100.0, 100.00005, True),
        (100.0, 100.0002, False),
        (-1e-30, -1.0000005e-30, True),
        (0.0, 0.0, True),
        (1.0, np.nan, False),
        (1.0, np.inf, False),
    ],
)
def test_a_value_may_be_off_by_a_millionth(expected, given, agrees) -> None:
    predictor = Answering(given, task="regression")
    if agrees:
        assert compare(Fixed(expected), predictor, ROWS).rows == 3
    else:
        with pytest.raises(ExportDiffers, match="another value"):
            compare(Fixed(expected), predictor, ROWS)


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("form", FORMS)
def test_of_equally_probable_classes_the_first_is_answered(form, classes) -> None:
    """One tree for each class and order: every row is a tie, whatever the order of the sums rounds to."""
    from sklearn.ensemble import RandomForestClassifier

    from container.training.forest import FittedForest

    rows = np.repeat(np.arange(4, dtype=np.float32), classes * 3).reshape(-1, 1)
    labels = np.tile(np.arange(classes), 12)
    for trees in (1, 3, 7):
        forest = RandomForestClassifier(trees, bootstrap=False, random_state=0).fit(rows, labels)
        predictor = form(FittedForest(forest).ensemble(), classifier(1, tuple(range(classes))))
        assert predictor.answer(rows).tolist() == [0] * len(rows)


@pytest.mark.parametrize("form", FORMS)
def test_ties_between_trees_that_round_differently(form) -> None:
    """A third and two thirds against one: equal in truth, not in sums of floating-point numbers."""
    from container.training.ensemble import Ensemble, Tree

    def stump(*shares: float) -> Tree:
        none = np.array([-1])
        zero = np.zeros(1)
        return Tree(none, none, none, zero, zero > 0, np.arange(len(shares)), np.array([shares]) / 3)

    trees = [stump(0, 1 / 3, 2 / 3), stump(0, 1 / 3, 2 / 3), stump(0, 5 / 6, 1 / 6)]
    row = np.zeros((1, 1), np.float32)
    for order in itertools.permutations(trees):
        ensemble = Ensemble(tuple(order), 1, 3, comparison="<=", link="shares", wide=True)
        predictor = form(ensemble, classifier(1, (0, 1, 2)))
        assert predictor.answer(row).tolist() == [1]


@pytest.mark.parametrize("form", FORMS)
def test_classes_that_differ_by_more_than_a_millionth_are_told_apart(form) -> None:
    from container.training.ensemble import Ensemble, Tree

    none, zero = np.array([-1]), np.zeros(1)
    shares = np.array([[0.5 - 0.51 * TIE, 0.5 + 0.51 * TIE]])
    tree = Tree(none, none, none, zero, zero > 0, np.arange(2), shares)
    ensemble = Ensemble((tree,), 1, 2, comparison="<=", link="shares", wide=True)
    predictor = form(ensemble, classifier(1))
    assert predictor.answer(np.zeros((1, 1), np.float32)).tolist() == [1]


@pytest.mark.parametrize("split", [classification(), classification(classes=2), regression()])
@pytest.mark.parametrize("algorithm", ["random-forest", "xgboost"])
def test_graphs_are_valid_and_the_same_bytes_every_time(split, algorithm) -> None:
    estimator, _ = fitted(split, algorithm=algorithm, n_estimators=5)
    model = export_ensemble(estimator.ensemble())
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    again, _ = fitted(split, algorithm=algorithm, n_estimators=5)
    assert export_ensemble(again.ensemble()) == model
