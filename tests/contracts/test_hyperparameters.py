import pytest

from contracts.algorithms import ALGORITHMS
from contracts.hyperparameters import InvalidHyperparameter, as_text

FOREST, XGBOOST = ALGORITHMS["random-forest"], ALGORITHMS["xgboost"]
EVERY = [(name, one) for name, table in ALGORITHMS.items() for one in table.hyperparameters]
COURSE = {
    "alpha": "0.42495142279951414",
    "eta": "0.4307531922567607",
    "gamma": "1.8028358018081714",
    "max_depth": "10",
    "min_child_weight": "5.925133573560345",
    "num_class": "3",
    "num_round": "30",
    "objective": "multi:softmax",
    "reg_lambda": "10",
    "silent": "0",
}


def test_the_courses_hyperparameters_are_read_as_they_are() -> None:
    reading = XGBOOST.read(COURSE)
    expected = {"alpha": 0.42495142279951414, "eta": 0.4307531922567607, "gamma": 1.8028358018081714, "max_depth": 10}
    expected |= {"min_child_weight": 5.925133573560345, "num_class": 3, "num_round": 30, "lambda": 10.0}
    assert {name: reading.values[name] for name in expected} == expected
    assert reading.values["objective"] == "multi:softmax"
    assert reading.warnings == ("silent is deprecated and does nothing: XGBoost's own messages are not shown",)


def test_a_deprecated_value_is_replaced_with_a_warning() -> None:
    reading = XGBOOST.read({"objective": "reg:linear"})
    assert reading.values["objective"] == "reg:squarederror"
    assert "reg:linear is deprecated" in reading.warnings[0]
    assert XGBOOST.read({"objective": "reg:squarederror"}).warnings == ()


@pytest.mark.parametrize("alias", [(one.name, alias) for _, one in EVERY for alias in one.aliases])
def test_aliases_mean_the_same(alias) -> None:
    name, other = alias
    table = XGBOOST if name in XGBOOST.names else FOREST
    assert table.read({other: "1"}).values[name] == table.read({name: "1"}).values[name] == 1


def test_a_name_and_its_alias_are_one_too_many() -> None:
    with pytest.raises(InvalidHyperparameter, match="eta and learning_rate are the same; give one of them"):
        XGBOOST.read({"eta": "0.1", "learning_rate": "0.1"})


@pytest.mark.parametrize(("algorithm", "one"), EVERY, ids=lambda part: getattr(part, "name", part))
def test_every_default_is_allowed_and_every_limit_is_kept(algorithm, one) -> None:
    assert (one.default is None) == bool(one.otherwise)
    if one.default is not None:
        assert one.read(as_text(one.default)) == one.default
    step = 1 if one.kind == "integer" else 1e-9
    for limit, outwards in ((one.minimum, -step), (one.maximum, step)):
        if limit is not None:
            assert one.read(str(limit)) == limit
            with pytest.raises(InvalidHyperparameter, match=f"{one.name} is .*; allowed is"):
                one.read(str(limit + outwards))
    if one.above is not None:
        with pytest.raises(InvalidHyperparameter, match=f" above {one.above:g}"):
            one.read(str(one.above))
    for word in one.words:
        assert one.read(word) == word


@pytest.mark.parametrize(
    ("table", "given", "reason"),
    [
        (FOREST, {"max-depth": "3"}, "'max-depth' is unknown; did you mean max_depth?"),
        (FOREST, {"n_estimator": "3"}, "'n_estimator' is unknown; did you mean n_estimators?"),
        (XGBOOST, {"num_rounds": "3"}, "'num_rounds' is unknown; did you mean num_round?"),
        (XGBOOST, {"reg_lamda": "3"}, "'reg_lamda' is unknown; did you mean reg_lambda?"),
        (FOREST, {"max_depth": "1.5"}, "max_depth is '1.5'; allowed is an integer from 1 to 64"),
        (FOREST, {"max_depth": "1_0"}, "max_depth is '1_0'"),
        (FOREST, {"min_samples_leaf": str(2**31)}, "min_samples_leaf is '2147483648'; allowed is an integer from 1"),
        (FOREST, {"max_samples": "0"}, "max_samples is '0'; allowed is a number above 0 up to 1"),
        (FOREST, {"max_features": "some"}, "allowed is sqrt, log2 or all or a number above 0 up to 1"),
        (FOREST, {"bootstrap": "maybe"}, "bootstrap is 'maybe'; allowed is true or false"),
        (FOREST, {"criterion": "ginny"}, "criterion is 'ginny'; allowed is gini, entropy,"),
        (XGBOOST, {"eta": "nan"}, "eta is 'nan'; allowed is a number from 0 to 1"),
        (XGBOOST, {"gamma": "inf"}, "gamma is 'inf'; allowed is a number from 0"),
        (XGBOOST, {"booster": "dart"}, "booster is 'dart'; allowed is gbtree"),
        (XGBOOST, {"objective": "rank:pairwise"}, "objective is 'rank:pairwise'; allowed is binary:logistic,"),
        (FOREST, {"x" * 100: "1"}, f"'{'x' * 40}...' is unknown"),
    ],
)
def test_a_refusal_says_what_is_allowed(table, given, reason) -> None:
    with pytest.raises(InvalidHyperparameter) as fault:
        table.read(given)
    assert reason in str(fault.value)


def test_all_faults_come_together() -> None:
    with pytest.raises(InvalidHyperparameter) as fault:
        FOREST.read({"max_depth": "0", "trees": "3", "n_jobs": "many"})
    assert [line.split(" is ")[0] for line in str(fault.value).split(". ")] == ["'trees'", "max_depth", "n_jobs"]
