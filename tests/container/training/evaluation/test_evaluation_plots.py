import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container.training.evaluation.answers import NumberAnswers, ask
from container.training.evaluation.plots import draw_plots, label
from tests.container.training.evaluation.answered import LinearPredictor, answers_of, regression_split
from tests.container.training.evaluation.test_evaluation_judging import iris_split, judged

# What matplotlib reads as formulae, fonts do not have, and legends leave out.
HOSTILE = ("$\\frac{", "日本語", "_hidden", "a\tb\n\0", "%s {0}", "x" * 500, "\ud800", "")


def size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return struct.unpack(">II", header[16:24])


def test_a_classification_is_drawn(tmp_path: Path, complete: Any) -> None:
    split = iris_split(complete)
    evaluation = judged(split, complete.predictor, complete.predictor)
    answers = ask(complete.predictor, split.test_features)
    paths = draw_plots(tmp_path / "plots", evaluation, split.test_labels, answers)
    classes = {"confusion_matrix.png", "roc.png", "calibration.png"}
    assert {path.name for path in paths} == {"scores.png", "importance.png", *classes}
    again = draw_plots(tmp_path / "again", evaluation, split.test_labels, answers)
    for path, other in zip(paths, again, strict=True):
        assert min(size(path)) > 250
        assert path.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("rows", [300, 6_000])
def test_a_regression_is_drawn(tmp_path: Path, rows: int) -> None:
    split, model = regression_split(rows), LinearPredictor([2.0, 0.0])
    answers = ask(model, split.test_features)
    paths = draw_plots(tmp_path, judged(split, model), split.test_labels, answers)
    assert {path.name for path in paths} == {"scores.png", "importance.png", "residuals.png"}
    broken = NumberAnswers(np.full(rows, np.nan))
    assert draw_plots(tmp_path, judged(split, model), split.test_labels, broken)


@pytest.mark.parametrize("count", [2, 8, 100])
def test_any_names_and_any_number_of_classes_are_drawn(tmp_path: Path, complete: Any, count: int) -> None:
    truth = np.repeat(np.arange(count), 3)
    answers = answers_of(np.roll(truth, 1), count)
    names = tuple(
        HOSTILE[place % len(HOSTILE)] + (str(place) if place >= len(HOSTILE) else "") for place in range(count)
    )
    evaluation = judged(iris_split(complete), complete.predictor)
    many = replace(
        evaluation,
        classes=names,
        confusion_matrix=tuple(map(tuple, np.eye(count, dtype=int).tolist())),
        importance=tuple(
            replace(each, feature=name) for each, name in zip(evaluation.importance * 2, HOSTILE, strict=True)
        ),
    )
    for path in draw_plots(tmp_path, many, truth, answers):
        assert max(size(path)) < 1_600


def test_a_class_without_rows_has_no_curve(tmp_path: Path, complete: Any) -> None:
    truth = np.zeros(10, dtype=int)
    evaluation = replace(
        judged(iris_split(complete), complete.predictor), classes=("a", "b"), confusion_matrix=((10, 0), (0, 0))
    )
    assert draw_plots(tmp_path, evaluation, truth, answers_of(truth, 2))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("setosa", "setosa"),
        ("Überlänge mit sehr vielen Buchstaben", "Überlänge mit sehr viel…"),
        ("a\tb\n", "a\\tb\\n"),
        ("日本語", "#3"),
        ("$x_1$", "$x_1$"),
    ],
)
def test_names_are_one_short_line(name: str, shown: str) -> None:
    assert label(name, 2) == shown
