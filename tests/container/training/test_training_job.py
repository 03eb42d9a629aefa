import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from container.layout import Layout
from container.predictor import MODEL_FILE, load_predictor
from container.schema import SCHEMA_FILE
from container.serving.application import Application
from container.serving.log import Log
from container.training import boosting
from container.training.entry import train
from container.training.evaluation.job_metrics import job_metrics
from container.training.forest import ESTIMATOR_FILE
from container.training.graph import GRAPH_FILE
from contracts.reports import EVALUATION_FILE, PLOTS_FOLDER, read_evaluation
from tests.container.conftest import Client
from tests.contracts.test_hyperparameters import COURSE

LayOut = Callable[..., Layout]
METRIC = re.compile(r"^([a-z0-9_]+)=([-+0-9.eEnaif]+);$", re.MULTILINE)


def pack(folder: Path) -> io.BytesIO:
    """A folder as SageMaker packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder, arcname=".")
    packed.seek(0)
    return packed


def test_leaves_model_report_and_metrics(iris_job: Any) -> None:
    layout = iris_job.layout
    assert {path.name for path in layout.model.iterdir()} == {MODEL_FILE, GRAPH_FILE, SCHEMA_FILE}
    assert {path.name for path in layout.output_data.iterdir()} == {EVALUATION_FILE, ESTIMATOR_FILE, PLOTS_FOLDER}
    assert {path.stem for path in (layout.output_data / PLOTS_FOLDER).iterdir()} == {
        *("scores", "confusion_matrix", "roc", "calibration", "importance")
    }
    assert not layout.failure.exists()
    evaluation = read_evaluation(pack(layout.output_data))
    assert (evaluation.classes, evaluation.train_rows, evaluation.test_rows) == (("0", "1", "2"), 100, 50)
    assert evaluation.candidate.values["accuracy"] > 0.85
    assert evaluation.artefact_bytes == sum(path.stat().st_size for path in layout.model.iterdir())
    assert {example.answer for example in evaluation.examples} == {"0", "1", "2"}
    metrics = {name: float(value) for name, value in METRIC.findall(iris_job.output)}
    assert metrics == {name: float(value) for name, value in job_metrics(evaluation).items()}
    assert (metrics["gate_passed"], metrics["gate_champion"], metrics["test_rows"]) == (1, 1, 50)


def test_uses_the_hyperparameters(iris_job: Any) -> None:
    forest = joblib.load(iris_job.layout.output_data / ESTIMATOR_FILE)
    assert (forest.n_estimators, forest.max_depth, forest.random_state) == (120, 20, 42)


def test_the_same_dataset_and_settings_give_the_same_bytes(iris_job: Any, iris_csv: str, lay_out: LayOut) -> None:
    """In another process, with another number of threads."""
    layout = lay_out(iris_csv, {"max_depth": "20", "n_jobs": "1", "n_estimators": "120"})
    assert train(layout) == 0
    for name in (MODEL_FILE, GRAPH_FILE, SCHEMA_FILE):
        assert (layout.model / name).read_bytes() == (iris_job.layout.model / name).read_bytes()


def test_another_dataset_gives_another_model(iris_job: Any, iris_csv: str, lay_out: LayOut) -> None:
    swapped = iris_csv.replace("\n0.000,", "\n9.000,").replace("\n1.000,", "\n0.000,")
    layout = lay_out(swapped.replace("\n9.000,", "\n1.000,"), {"n_jobs": "1"})
    assert train(layout) == 0
    row = np.array([[4.6, 3.1, 1.5, 0.2]], dtype=np.float32)
    answers = [int(load_predictor(folder).answer(row)[0]) for folder in (iris_job.layout.model, layout.model)]
    assert answers == [0, 1]


def test_trains_xgboost_with_the_courses_hyperparameters(
    iris_csv: str, lay_out: LayOut, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = lay_out(iris_csv, {"algorithm": "xgboost", "n_jobs": "1", **COURSE})
    assert train(layout) == 0
    assert {path.name for path in layout.output_data.iterdir()} == {
        EVALUATION_FILE,
        boosting.ESTIMATOR_FILE,
        PLOTS_FOLDER,
    }
    assert read_evaluation(pack(layout.output_data)).candidate.values["accuracy"] > 0.85
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "warning: silent is deprecated and does nothing: XGBoost's own messages are not shown"
    assert "fitting 30 rounds of multi:softmax on 100 rows" in lines
    assert "30 of 30 rounds" in lines


def few_trees(**hyperparameters: str) -> dict[str, str]:
    return {"n_estimators": "10", "n_jobs": "1"} | hyperparameters


def test_judges_the_champion_on_the_same_rows(
    iris_job: Any, iris_csv: str, lay_out: LayOut, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = lay_out(iris_csv, few_trees(n_estimators="1", max_depth="1", gate='{"champion":"better"}'))
    layout.channel("champion").mkdir()
    (layout.channel("champion") / "model.tar.gz").write_bytes(pack(iris_job.layout.model).read())
    assert train(layout) == 0
    evaluation = read_evaluation(pack(layout.output_data))
    champion = read_evaluation(pack(iris_job.layout.output_data)).candidate
    assert evaluation.champion is not None
    assert (evaluation.champion.values, evaluation.champion.classes) == (champion.values, champion.classes)
    assert evaluation.candidate.values["accuracy"] < champion.values["accuracy"]
    assert [check.rule for check in evaluation.gate if not check.passed] == ["champion"]
    metrics = {name: float(value) for name, value in METRIC.findall(capsys.readouterr().out)}
    assert metrics["champion_accuracy"] == champion.values["accuracy"]
    assert metrics["champion_f1_macro"] == champion.values["f1_macro"]
    assert metrics["gain"] == pytest.approx(metrics["candidate_accuracy"] - metrics["champion_accuracy"])
    assert metrics["gain_lower"] <= metrics["gain"] <= metrics["gain_upper"]
    assert (metrics["gate_champion"], metrics["gate_passed"]) == (0, 0)


def test_a_gate_for_another_task_ends_the_job_before_it_fits(
    iris_csv: str, lay_out: LayOut, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = lay_out(iris_csv, few_trees(gate='{"maximum":{"rmse":1.5}}'))
    assert train(layout) == 1
    assert "[gate] has maximum.rmse, for a regression" in layout.failure.read_text()
    assert "exported" not in capsys.readouterr().out


@pytest.mark.parametrize(("rule", "exit_code"), [("off", 0), ("not-worse", 1)])
def test_a_champion_that_cannot_be_compared_matters_when_the_gate_asks(
    iris_csv: str, lay_out: LayOut, rule: str, exit_code: int
) -> None:
    layout = lay_out(iris_csv, few_trees(gate=json.dumps({"champion": rule})))
    layout.channel("champion").mkdir()
    (layout.channel("champion") / "model.tar.gz").write_bytes(b"damaged")
    assert train(layout) == exit_code
    assert layout.failure.exists() == (exit_code == 1)
    if exit_code:
        assert "the champion's model.tar.gz cannot be read" in layout.failure.read_text()


def test_text_labels_header_missing_values_and_validation_channel(iris_csv: str, lay_out: LayOut) -> None:
    rows = [line.split(",") for line in iris_csv.splitlines()]
    names = {"0.000": "setosa", "1.000": "versicolor", "2.000": "virginica"}
    rows = [[*features, names[label]] for label, *features in rows]
    rows[3][1] = rows[70][2] = ""
    lines = [",".join(row) for row in rows]
    header = "a,b,c,d,species\n"
    layout = lay_out(
        header + "\n".join(lines[::2]),
        few_trees(data='{"header": true, "label": "species"}'),
        validation=header + "\n".join(lines[1::2]),
    )
    assert train(layout) == 0
    predictor = load_predictor(layout.model)
    assert predictor.schema.feature_names == ("a", "b", "c", "d")
    assert predictor.schema.classes == ("setosa", "versicolor", "virginica")
    assert predictor.schema.missing_allowed
    evaluation = read_evaluation(pack(layout.output_data))
    assert (evaluation.train_rows, evaluation.test_rows) == (75, 75)


ROWS = "".join(f"{row % 2},{row},1\n" for row in range(40))


@pytest.mark.parametrize(
    ("csv", "hyperparameters", "reason"),
    [
        ("".join(f"0,{row}\n" for row in range(40)), {}, "one class only: 0; a classifier needs at least two"),
        (ROWS + "nan,1,2\n", {}, "channel train: row 41, column 0: the label is missing [label-missing]"),
        (ROWS + "1,2\n", {}, "channel train: row 41: 2 cells instead of 3 [width]"),
        (ROWS + "1,2,x\n", {}, 'channel train: row 41, column 2: "x" is not a number [type]'),
        ("", {}, "channel train: no rows"),
        (b"0,1\xff", {}, "channel train: row 1: byte 0xFF is not UTF-8; save the file as UTF-8 [encoding]"),
        (
            ROWS,
            {"max_depth": "many"},
            "hyperparameter max_depth is 'many'; allowed is an integer from 1 to 64. random-forest knows n_estimators, max_depth, min_samples_split, min_samples_leaf, max_leaf_nodes, min_impurity_decrease, max_features, criterion, class_weight, bootstrap, max_samples, n_jobs, seed",
        ),
        (ROWS, {"data": '{"minimum_rows": 50}'}, "40 rows, the settings ask for 50"),
    ],
)
def test_a_failure_says_why_in_one_line(
    lay_out: LayOut,
    capsys: pytest.CaptureFixture[str],
    csv: str | bytes,
    hyperparameters: dict[str, str],
    reason: str,
) -> None:
    layout = lay_out(csv, hyperparameters)
    assert train(layout) == 1
    assert layout.failure.read_text() == reason
    assert capsys.readouterr().err == f"training failed: {reason}\n"
    assert not (layout.model / MODEL_FILE).exists()


def test_a_failure_has_the_length_that_sagemaker_keeps(lay_out: LayOut) -> None:
    layout = lay_out(ROWS, {f"unknown_{number}": "" for number in range(100)})
    assert train(layout) == 1
    assert len(layout.failure.read_text()) == 1_024


def test_a_fault_that_nobody_expected_is_reported_too(lay_out: LayOut, capsys: pytest.CaptureFixture[str]) -> None:
    layout = lay_out(ROWS, few_trees())
    layout.model.write_text("a file where the folder should be")
    assert train(layout) == 1
    assert layout.failure.read_text().startswith("FileExistsError: ")
    assert "Traceback" in capsys.readouterr().err


def test_missing_hyperparameters_are_reported(lay_out: LayOut) -> None:
    layout = lay_out(ROWS)
    layout.hyperparameters.unlink()
    assert train(layout) == 1
    assert "hyperparameters.json cannot be read" in layout.failure.read_text()


def test_trains_on_one_instance_only(lay_out: LayOut) -> None:
    layout = lay_out(ROWS)
    layout.resources.write_text('{"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}')
    assert train(layout) == 1
    assert layout.failure.read_text() == "the job has 2 instances, this algorithm trains on one"


def test_a_report_that_nobody_could_read_is_refused(lay_out: LayOut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.training.job.MAXIMUM_REPORT_BYTES", 100)
    layout = lay_out(ROWS, few_trees())
    assert train(layout) == 1
    assert "its readers take 100: 2 classes are too many" in layout.failure.read_text()
    assert not (layout.model / MODEL_FILE).exists()


def mixed_table(rows: int = 200) -> list[tuple[str, str, str]]:
    """A number, a text with commas and quotes, and what the label may hang on; some cells are empty."""
    random = np.random.default_rng(11)
    colours = ('dark "red", old', "green", "grün")
    places, sizes = random.integers(0, 3, rows), random.normal(size=rows).round(4)
    cells = []
    for row, (place, size) in enumerate(zip(places, sizes, strict=True)):
        quoted = '"' + colours[place].replace('"', '""') + '"'
        cells.append(("" if row % 17 == 0 else quoted, "" if row % 13 == 0 else str(size), str(place + size)))
    return cells


def test_examples_of_a_mixed_table_are_answered_by_the_server_as_recorded(lay_out: LayOut) -> None:
    lines = [f"{'high' if float(told) > 1 else 'low, or so'!r},{colour},{size}" for colour, size, told in mixed_table()]
    csv = "label,colour,size\n" + "".join(line.replace("'", '"') + "\n" for line in lines)
    layout = lay_out(csv, few_trees(data='{"header": true, "label": "label"}'))
    assert train(layout) == 0, layout.failure.read_text()
    evaluation = read_evaluation(pack(layout.output_data))
    assert len(evaluation.examples) == 20
    client = Client(Application(load_predictor(layout.model), Log()))
    for example in evaluation.examples:
        answer = client.invoke(example.row)
        assert (answer.status, answer.body.strip('"')) == (200, example.answer), example.row
    assert {each.feature for each in evaluation.importance} == {"colour", "size"}


@pytest.mark.parametrize("algorithm", ["random-forest", "xgboost"])
def test_a_regression_is_judged_with_its_champion(
    lay_out: LayOut, tmp_path: Path, capsys: pytest.CaptureFixture[str], algorithm: str
) -> None:
    csv = "price,colour,size\n" + "".join(f"{told},{colour},{size}\n" for colour, size, told in mixed_table())
    data = '{"header": true, "label": "price", "task": "regression"}'
    gate = json.dumps({"minimum": {"r2": 0.5}, "maximum": {"rmse": 1.0}, "champion": "not-worse", "margin": 0.5})
    rounds = "n_estimators" if algorithm == "random-forest" else "num_round"
    layout = lay_out(csv, {"algorithm": algorithm, rounds: "20", "data": data, "gate": gate})
    champion = layout.channel("champion")
    for round_ in (1, 2):
        assert train(layout) == 0, layout.failure.read_text()
        metrics = {name: float(value) for name, value in METRIC.findall(capsys.readouterr().out)}
        assert {"candidate_rmse", "candidate_mae", "candidate_r2", "gate_minimum_r2", "gate_champion"} <= metrics.keys()
        assert ("champion_rmse" in metrics) == (round_ == 2)
        assert metrics["gate_passed"] == 1
        champion.mkdir(exist_ok=True)
        (champion / "model.tar.gz").write_bytes(pack(layout.model).read())
    assert (metrics["gain"], metrics["gain_lower"], metrics["gain_upper"]) == (0, 0, 0)
    evaluation = read_evaluation(pack(layout.output_data))
    assert evaluation.task == "regression"
    assert {path.stem for path in (layout.output_data / PLOTS_FOLDER).iterdir()} == {
        "scores",
        "residuals",
        "importance",
    }
    assert all(example.tolerance and float(example.answer) for example in evaluation.examples)


def test_a_champion_of_another_algorithm_is_compared(iris_job: Any, iris_csv: str, lay_out: LayOut) -> None:
    layout = lay_out(iris_csv, {"algorithm": "xgboost", "num_round": "5"})
    layout.channel("champion").mkdir()
    (layout.channel("champion") / "model.tar.gz").write_bytes(pack(iris_job.layout.model).read())
    assert train(layout) == 0
    evaluation = read_evaluation(pack(layout.output_data))
    assert evaluation.champion is not None
    assert evaluation.champion.values["accuracy"] > 0.85
