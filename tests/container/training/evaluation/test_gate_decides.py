"""Worse, equal and better candidates meet the gate as declared, in at least 99 of 100 seeds."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import make_classification

from container.training.evaluation.answers import Answers, ClassAnswers, NumberAnswers, ask
from container.training.evaluation.bootstrap import gain, resample_classes, resample_numbers
from container.training.evaluation.classification import score_classes
from container.training.evaluation.gate import Measured, check_gate
from container.training.evaluation.regression import score_numbers
from container.training.split import Split
from contracts.metrics import COMPARED_BY_DEFAULT
from contracts.reports import Comparison
from contracts.settings import GateSettings
from tests.container.fits import fitted
from tests.container.schemas import classifier
from tests.container.training.evaluation.answered import answers_of, regression_schema

pytestmark = pytest.mark.long(4)

SEEDS = 100
LEAST_AS_DECLARED = 99
CLASS_ROWS = 2_000
NUMBER_ROWS = 500
# Several standard deviations of the difference between equals on so few rows.
MARGINS = {"classification": 0.05, "regression": 0.2}
CANDIDATES = ("worse", "equal", "better")
GATES: dict[str, dict[str, Any]] = {
    "better": {"champion": "better"},
    "not-worse": {"champion": "not-worse"},
    "off": {"champion": "off"},
}
PASSES = {
    "better": {"better"},
    "not-worse": {"equal", "better"},
    "off": {"worse", "equal", "better"},
}

Play = Callable[[int], tuple[Split, dict[str, Answers]]]
"""From a seed: held-out rows, and the answers of the champion and of each candidate."""


def simulated_classes(seed: int) -> tuple[Split, dict[str, Answers]]:
    """Each model errs by itself, so two that are equal differ as much as they can."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 3, CLASS_ROWS)
    shares = {"champion": 0.85, "worse": 0.75, "equal": 0.85, "better": 0.92}
    answers: dict[str, Answers] = {}
    for name, share in shares.items():
        wrong = random.random(CLASS_ROWS) >= share
        answers[name] = answers_of(np.where(wrong, (truth + random.integers(1, 3, CLASS_ROWS)) % 3, truth), 3)
    rows = np.zeros((CLASS_ROWS, 1), dtype=np.float32)
    return Split(classifier(1, (0, 1, 2)), rows, truth, rows, truth), answers


def simulated_numbers(seed: int) -> tuple[Split, dict[str, Answers]]:
    """Errors in a unit of which the labels have a hundred; margins are shares of the champion's."""
    random = np.random.default_rng(seed)
    truth = 100 * random.normal(size=NUMBER_ROWS)
    errors = {"champion": 10.0, "worse": 15.0, "equal": 10.0, "better": 6.0}
    answers: dict[str, Answers] = {
        name: NumberAnswers(truth + error * random.normal(size=NUMBER_ROWS)) for name, error in errors.items()
    }
    rows = np.zeros((NUMBER_ROWS, 1), dtype=np.float32)
    return Split(regression_schema(1), rows, truth, rows, truth), answers


def fitted_forests(seed: int) -> tuple[Split, dict[str, Answers]]:
    """Really fitted and exported: stumps are worse, another draw of the same forest is equal, more data is better."""
    rows, labels = make_classification(
        2_600, 10, n_informative=8, n_redundant=0, n_classes=3, n_clusters_per_class=2, random_state=seed
    )
    features, schema = rows.astype(np.float32), classifier(10, (0, 1, 2))
    few, all_rows, test = slice(0, 300), slice(0, 1_800), slice(1_800, None)

    def answers(part: slice, depth: int, draw: int) -> Answers:
        split = Split(schema, features[part], labels[part], features[test], labels[test])
        _, predictor = fitted(split, n_estimators=60, max_depth=depth, random_state=draw)
        return ask(predictor, features[test])

    models = {
        "champion": answers(few, 8, 1),
        "worse": answers(few, 1, 2),
        "equal": answers(few, 8, 3),
        "better": answers(all_rows, 12, 4),
    }
    return Split(schema, features[few], labels[few], features[test], labels[test]), models


def resampled(split: Split, answers: dict[str, Answers]) -> dict[str, NDArray[np.float64]]:
    """Of each candidate and the champion, the metric that is compared, as a job draws it.

    Rows of numbers are drawn alike whoever answers them, so once for all candidates.
    """
    task, truth = split.schema.task, split.test_labels
    name, models = COMPARED_BY_DEFAULT[task], [answers[each] for each in (*CANDIDATES, "champion")]
    if task == "regression":
        drawn = resample_numbers(truth, models)[name]
        return {candidate: drawn[[number, -1]] for number, candidate in enumerate(CANDIDATES)}
    classes = len(split.schema.classes)
    return {
        candidate: resample_classes([name], truth, [model, models[-1]], classes)[name]
        for candidate, model in zip(CANDIDATES, models, strict=False)
    }


def measure(split: Split, candidate: Answers, champion: Answers, drawn: NDArray[np.float64]) -> Measured:
    """As a job does, but for what these gates do not ask for."""
    task, truth = split.schema.task, split.test_labels
    name = COMPARED_BY_DEFAULT[task]
    if isinstance(candidate, ClassAnswers):
        classes = [str(each) for each in split.schema.classes]
        ours, theirs = (score_classes(truth, each, classes) for each in (candidate, champion))
    else:
        ours, theirs = (score_numbers(truth, each) for each in (candidate, champion))
    found = gain(name, ours.values[name], theirs.values[name], drawn, GateSettings().confidence)
    return Measured(task, ours, theirs, Comparison(name, (found,), 0), latency_milliseconds=1, artefact_bytes=1)


def verdicts(play: Play) -> Iterator[tuple[str, str, bool]]:
    """Candidate, gate, and whether the gate lets it pass."""
    for seed in range(SEEDS):
        split, answers = play(seed)
        drawn = resampled(split, answers)
        for candidate in CANDIDATES:
            measured = measure(split, answers[candidate], answers["champion"], drawn[candidate])
            for gate, fields in GATES.items():
                checks = check_gate(measured, GateSettings(**fields, margin=MARGINS[measured.task]))
                yield candidate, gate, all(check.passed for check in checks)


@pytest.mark.parametrize(
    "play", [simulated_classes, simulated_numbers, pytest.param(fitted_forests, marks=pytest.mark.full)]
)
def test_candidates_meet_the_gate_as_declared(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    passed = dict.fromkeys(product(CANDIDATES, GATES), 0)
    for candidate, gate, let_through in verdicts(play):
        passed[candidate, gate] += let_through
    declared = {
        (candidate, gate): count if candidate in PASSES[gate] else SEEDS - count
        for (candidate, gate), count in passed.items()
    }
    with capsys.disabled():
        print(f"\n{play.__name__}: passed of {SEEDS} seeds")
        for (candidate, gate), count in passed.items():
            print(f"  {candidate:7} against {gate:10} {count:4} passed, {declared[candidate, gate]:4} as declared")
    assert min(declared.values()) >= LEAST_AS_DECLARED
