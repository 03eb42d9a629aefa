"""From answers to the report."""

from typing import cast

import numpy as np

from container.predictor import Predictor
from container.training.champion import Champion
from container.training.evaluation import bootstrap
from container.training.evaluation.answers import Answers, ClassAnswers, NumberAnswers, ask_champion
from container.training.evaluation.classification import confusion_matrix, score_classes
from container.training.evaluation.examples import record_examples
from container.training.evaluation.gate import Measured, check_gate
from container.training.evaluation.importance import feature_importance
from container.training.evaluation.latency import measure_latency
from container.training.evaluation.regression import score_numbers
from container.training.split import Split
from contracts.metrics import metrics_of
from contracts.reports import Bootstrap, Comparison, Evaluation, Interval, Scores
from contracts.settings import GateSettings


def evaluate(
    split: Split,
    candidate: Predictor,
    answers: Answers,
    champion: Champion | None,
    settings: GateSettings,
    artefact_bytes: int,
) -> Evaluation:
    """Candidate, with its `answers` for the held-out rows, and champion on the same rows; what the gate says of it."""
    schema, truth = split.schema, split.test_labels
    models = [answers, *([ask_champion(champion, split)] if champion else [])]
    scores, comparison = score_models(split, models, settings)
    if champion and comparison:
        refused = int(np.count_nonzero(champion.refuses(split.test_features)))
        comparison = Comparison(comparison.metric, comparison.gains, refused)
    measured = Measured(
        schema.task,
        candidate=scores[0],
        champion=scores[1] if champion else None,
        comparison=comparison,
        latency_milliseconds=measure_latency(candidate, split.test_features),
        artefact_bytes=artefact_bytes,
    )
    confusions: tuple[tuple[int, ...], ...] = ()
    if isinstance(answers, ClassAnswers):
        confusions = tuple(map(tuple, confusion_matrix(truth, answers, len(schema.classes)).tolist()))
    return Evaluation(
        task=schema.task,
        classes=tuple(str(name) for name in schema.classes),
        train_rows=len(split.train_labels),
        test_rows=len(truth),
        candidate=measured.candidate,
        champion=measured.champion,
        comparison=comparison,
        bootstrap=Bootstrap(bootstrap.RESAMPLES, settings.confidence, bootstrap.SEED),
        confusion_matrix=confusions,
        importance=feature_importance(candidate, split.test_features, truth),
        latency_milliseconds=measured.latency_milliseconds,
        artefact_bytes=artefact_bytes,
        gate=check_gate(measured, settings),
        examples=record_examples(schema, split.test_features, truth, answers),
    )


def score_models(split: Split, models: list[Answers], settings: GateSettings) -> tuple[list[Scores], Comparison | None]:
    """The candidate's scores, the champion's where `models` has a second, and then how they compare."""
    truth, classes = split.test_labels, [str(name) for name in split.schema.classes]
    if split.schema.task == "regression":
        numbers, labels = cast("list[NumberAnswers]", models), np.asarray(truth, dtype=np.float64)
        plain = [score_numbers(labels, model) for model in numbers]
        squared = all("rmse" in each.values for each in plain)
        resampled = bootstrap.resample_numbers(labels, numbers) if squared else {}
    else:
        answered = cast("list[ClassAnswers]", models)
        plain = [score_classes(truth, model, classes) for model in answered]
        defined = {name for each in plain for name in each.values}
        resampled = bootstrap.resample_classes(defined, truth, answered, len(classes))
    scores = [_with_intervals(each, resampled, place, settings) for place, each in enumerate(plain)]
    return scores, _compare(scores, resampled, settings, split) if len(models) > 1 else None


def _with_intervals(scores: Scores, resampled: bootstrap.Resampled, place: int, settings: GateSettings) -> Scores:
    found = {
        name: bootstrap.interval(drawn[place], settings.confidence)
        for name, drawn in resampled.items()
        if name in scores.values
    }
    intervals: dict[str, Interval] = {name: ends for name, ends in found.items() if ends}
    return Scores(scores.values, scores.undefined, intervals, scores.classes, scores.calibration)


def _compare(scores: list[Scores], resampled: bootstrap.Resampled, settings: GateSettings, split: Split) -> Comparison:
    candidate, champion = scores
    names = [metric.name for metric in metrics_of(split.schema.task) if metric.comparable]
    gains = [
        bootstrap.gain(name, candidate.values[name], champion.values[name], resampled[name], settings.confidence)
        for name in names
        if name in resampled and name in candidate.values and name in champion.values
    ]
    return Comparison(settings.compared_by(split.schema.task).name, tuple(gain for gain in gains if gain), 0)
