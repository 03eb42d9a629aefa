"""The whole workflow on other tables than the course's: texts, gaps and text labels; and a number to predict."""

import pytest

from tests.flow.product import Product, Run
from tests.tables.real import Table, csv_of, tables

pytestmark = pytest.mark.long(2)

# Small forests are as good as large ones for what is tested here.
SETTINGS = '[training]\nalgorithm = "{algorithm}"\n[training.hyperparameters]\n{size}\nmax_depth = 5\n[gate]\n{gate}\n'
SIZES = {"random-forest": "n_estimators = 20", "xgboost": "num_round = 20"}


def deploy(product: Product, table: Table, algorithm: str, gate: str = "") -> str:
    """A model with the contract that `make infer` proposes."""
    text = SETTINGS.format(algorithm=algorithm, size=SIZES[algorithm], gate=gate)
    return product.model(f"{table.name}-{algorithm}", text, data=table.contract).name


def dropped(product: Product, model: str, table: Table) -> Run:
    return product.drop(model, csv_of(table.copy(), table.names))


def metrics(product: Product, model: str) -> dict[str, float]:
    return {metric["MetricName"]: metric["Value"] for metric in product.training_jobs(model)[0]["FinalMetricDataList"]}


@pytest.mark.parametrize("algorithm", SIZES)
def test_texts_gaps_and_text_labels(product: Product, algorithm: str) -> None:
    table = tables()["penguins"]
    model = deploy(product, table, algorithm, "minimum.accuracy = 0.9\nclasses.Chinstrap.recall = 0.7\n")
    run = dropped(product, model, table).reaches("Request Approval")
    assert "has no value in" in run.mail().text  # what a contract allows, people are still told
    run.approve()
    assert metrics(product, model)["candidate_accuracy"] > 0.9

    # Every row as it was dropped, without its label, and by name in another order.
    endpoint = f"{model}-production"
    features = [list(row[1:]) for row in table.copy()]
    names = list(table.names or ())[1:]
    answers = product.predict(endpoint, csv_of(features).decode())
    right = sum(answer == row[0] for answer, row in zip(answers, table.rows, strict=True))
    assert right / len(table.rows) > 0.9
    turned = csv_of([row[::-1] for row in features], names[::-1]).decode()
    assert product.predict(endpoint, turned) == answers
    (unknown,) = product.predict(endpoint, csv_of([["an island nobody knew", *features[0][1:]]]).decode())
    assert unknown in ("Adelie", "Chinstrap", "Gentoo")


def test_people_are_told_what_has_moved_since_the_last_release(product: Product) -> None:
    table = tables()["penguins"]
    model = deploy(product, table, "random-forest")
    first = dropped(product, model, table)
    assert "since the last release" not in first.mail().text
    first.approve()

    # All of this season's birds have eaten well, within what the contract allows.
    mass = (table.names or ()).index("body_mass_g")
    rows = table.copy()
    for row in rows:
        row[mass] = row[mass] if row[mass] == "NA" else str(int(row[mass]) + 1_000)
    second = product.drop(model, csv_of(rows, table.names)).reaches("Request Approval")
    moved = [line for line in second.mail().text.splitlines() if "has moved since the last release" in line]
    assert len(moved) == 1
    assert "body_mass_g" in moved[0]
    second.approve()


@pytest.mark.parametrize("algorithm", SIZES)
def test_a_number_is_predicted(product: Product, algorithm: str) -> None:
    table = tables()["diabetes"]
    model = deploy(product, table, algorithm, "minimum.r2 = 0.1\nmaximum.rmse = 80\n")
    first = dropped(product, model, table)
    first.approve()
    told = metrics(product, model)
    assert {"candidate_rmse", "candidate_mae", "candidate_r2"} <= told.keys()
    assert "candidate_accuracy" not in told
    assert told["candidate_rmse"] < 80

    answers = product.predict(f"{model}-production", csv_of([list(row[:-1]) for row in table.copy()]).decode())
    errors = [abs(float(answer) - float(row[-1])) for answer, row in zip(answers, table.rows, strict=True)]
    assert sum(errors) / len(errors) < 60

    # The next release is compared with it, in the unit of the labels.
    second = dropped(product, model, table).reaches("Request Approval")
    again = metrics(product, model)
    assert again["champion_rmse"] == pytest.approx(told["candidate_rmse"])
    second.decide("reject")
    second.ends_in("Release Rejected")
