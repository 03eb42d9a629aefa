"""One training job: read, split, fit, export, compare, evaluate, write."""

import json
import os
from pathlib import Path

from container.layout import Layout
from container.predictor import MODEL_FILE, Predictor
from container.schema import SCHEMA_FILE
from container.training.agreement import compare
from container.training.champion import load_champion
from container.training.dataset import read_dataset
from container.training.evaluation import evaluate
from container.training.export import export_ensemble
from container.training.faults import InvalidHyperparameters, ReportTooLarge, TrainingFault, UnreadableChampion
from container.training.fitting import Fitted, fit
from container.training.hyperparameters import Hyperparameters, parse_hyperparameters
from container.training.split import Split, split_dataset
from contracts.reports import EVALUATION_FILE, MAXIMUM_REPORT_BYTES, Evaluation
from contracts.settings import GateSettings


def run(layout: Layout) -> None:
    """Train on the channels under `layout` and leave model, report and metrics.

    Raises:
        TrainingFault: with the reason in one line.
        OSError: a file cannot be read or written.
    """
    hyperparameters = _read_hyperparameters(layout)
    for warning in hyperparameters.warnings:
        _say(f"warning: {warning}")
    _check_single_host(layout)
    split = _read_split(layout, hyperparameters)
    estimator = fit(split, hyperparameters, _say)
    model = export_ensemble(estimator.ensemble())
    candidate = Predictor(model, split.schema)
    for part, rows in (("training", split.train_features), ("held-out", split.test_features)):
        agreement = compare(estimator, candidate, rows)
        _say(f"exported model agrees on {agreement.rows} {part} rows, {agreement.ties} of them ties")
    champion = _read_champion(layout, split.schema.feature_count, hyperparameters.gate)
    evaluation = evaluate(split, candidate, champion, hyperparameters.gate)
    _write(layout, evaluation, estimator, split.schema.to_json(), model)
    for line in metric_lines(evaluation):
        _say(line)


def metric_lines(evaluation: Evaluation) -> list[str]:
    """The lines that the job's MetricDefinitions find; those of a champion only when there is one."""
    candidate, champion = evaluation.candidate, evaluation.champion
    metrics: dict[str, float] = {
        "candidate_accuracy": candidate.accuracy,
        "candidate_f1_macro": candidate.f1_macro,
        "candidate_f1_micro": candidate.f1_micro,
    }
    if champion:
        metrics["champion_accuracy"] = champion.accuracy
        metrics["champion_f1_macro"] = champion.f1_macro
        metrics["accuracy_gain"] = candidate.accuracy - champion.accuracy
    metrics["gate_passed"] = int(evaluation.gate_passed)
    metrics["test_rows"] = evaluation.test_rows
    return [f"{name}={value};" for name, value in metrics.items()]


def _read_hyperparameters(layout: Layout) -> Hyperparameters:
    try:
        text = layout.hyperparameters.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidHyperparameters(f"{layout.hyperparameters.name} cannot be read: {fault}") from fault
    return parse_hyperparameters(text, cpus=_cpus())


def _cpus() -> int:
    """The CPUs that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_single_host(layout: Layout) -> None:
    """Every host would train alone and write over the others' model."""
    try:
        hosts = json.loads(layout.resources.read_text(encoding="utf-8"))["hosts"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # nothing says that there are several
    if len(hosts) > 1:
        raise TrainingFault(f"the job has {len(hosts)} instances, this algorithm trains on one")


def _read_split(layout: Layout, hyperparameters: Hyperparameters) -> Split:
    folder = layout.channel("validation")
    dataset = read_dataset(layout.channel("train"), folder if folder.is_dir() else None, hyperparameters.data)
    split = split_dataset(dataset, hyperparameters.data)
    rows = len(split.train_labels) + len(split.test_labels)
    told = f"{len(split.schema.classes)} classes" if split.schema.classes else "a number to predict"
    _say(f"read {rows} rows, {split.schema.feature_count} features, {told}")
    return split


def _read_champion(layout: Layout, feature_count: int, gate: GateSettings) -> Predictor | None:
    try:
        return load_champion(layout.channel("champion"), feature_count)
    except UnreadableChampion as fault:
        if gate.champion != "off":
            raise
        _say(f"no comparison with the champion: {fault}")
        return None


def _write(layout: Layout, evaluation: Evaluation, estimator: Fitted, schema_text: str, model: bytes) -> None:
    report = evaluation.to_json()
    if len(report) > MAXIMUM_REPORT_BYTES:
        raise ReportTooLarge(
            f"{EVALUATION_FILE} would have {len(report)} bytes, its readers take {MAXIMUM_REPORT_BYTES}: "
            f"{len(evaluation.classes)} classes are too many"
        )
    for folder in (layout.output_data, layout.model):
        folder.mkdir(parents=True, exist_ok=True)
    (layout.output_data / EVALUATION_FILE).write_text(report, encoding="utf-8")
    estimator.save(layout.output_data)
    (layout.model / SCHEMA_FILE).write_text(schema_text, encoding="utf-8")
    _write_whole(layout.model / MODEL_FILE, model)


def _write_whole(path: Path, content: bytes) -> None:
    """Last and at once: a job that is stopped leaves no model, never half of one."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _say(line: str) -> None:
    print(line, flush=True)
