"""One training job: read, split, fit, export, compare, evaluate, write."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from container.layout import Layout
from container.predictor import MODEL_FILE, Predictor
from container.schema import SCHEMA_FILE, Schema
from container.training.agreement import Exported, compare_all
from container.training.champion import Champion, load_champion
from container.training.dataset import read_dataset
from container.training.evaluation.answers import ask
from container.training.evaluation.gate import check_applies
from container.training.evaluation.job_metrics import metric_lines
from container.training.evaluation.judging import evaluate
from container.training.evaluation.plots import draw_plots
from container.training.export import export_ensemble
from container.training.faults import InvalidHyperparameters, ReportTooLarge, TrainingFault, UnreadableChampion
from container.training.fitting import Fitted, fit
from container.training.graph import GRAPH_FILE, GraphPredictor
from container.training.hyperparameters import Hyperparameters, parse_hyperparameters
from container.training.memory import return_freed_memory, set_aside
from container.training.packing import pack_trees
from container.training.split import Split, split_dataset
from contracts.drop import SETTINGS_CHANNEL, SETTINGS_FILE
from contracts.reports import EVALUATION_FILE, MAXIMUM_REPORT_BYTES, PLOTS_FOLDER, Evaluation
from contracts.settings import GateSettings


def run(layout: Layout) -> None:
    """Train on the channels under `layout` and leave model, report and metrics.

    Raises:
        TrainingFault: with the reason in one line.
        OSError: a file cannot be read or written.
    """
    return_freed_memory()
    hyperparameters = _read_hyperparameters(layout)
    for warning in hyperparameters.warnings:
        _say(f"warning: {warning}")
    _check_single_host(layout)
    split = _read_split(layout, hyperparameters)
    check_applies(hyperparameters.gate, split.schema)
    champion = _read_champion(layout, split.schema, hyperparameters.gate)
    estimator = fit(split, hyperparameters, _say)
    files = _export(estimator, split.schema)
    candidate = Predictor(files[MODEL_FILE], split.schema)
    _prove(estimator, candidate, files[GRAPH_FILE], split)
    answers = ask(candidate, split.test_features)
    artefact_bytes = sum(map(len, files.values()))
    evaluation = evaluate(split, candidate, answers, champion, hyperparameters.gate, artefact_bytes)
    draw_plots(layout.output_data / PLOTS_FOLDER, evaluation, split.test_labels, answers)
    _write(layout, evaluation, estimator, files)
    for line in metric_lines(evaluation):
        _say(line)


def _read_hyperparameters(layout: Layout) -> Hyperparameters:
    try:
        text = layout.hyperparameters.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidHyperparameters(f"{layout.hyperparameters.name} cannot be read: {fault}") from fault
    file = layout.channel(SETTINGS_CHANNEL) / SETTINGS_FILE
    settings = file.read_text(encoding="utf-8") if file.is_file() else "{}"
    return parse_hyperparameters(text, _cpus(), settings)


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
    split = replace(split, test_features=set_aside(split.test_features))
    rows = len(split.train_labels) + len(split.test_labels)
    told = f"{len(split.schema.classes)} classes" if split.schema.classes else "a number to predict"
    _say(f"read {rows} rows, {split.schema.feature_count} features, {told}")
    return split


def _read_champion(layout: Layout, schema: Schema, gate: GateSettings) -> Champion | None:
    try:
        return load_champion(layout.channel("champion"), schema)
    except UnreadableChampion as fault:
        if gate.champion != "off":
            raise
        _say(f"no comparison with the champion: {fault}")
        return None


def _export(estimator: Fitted, schema: Schema) -> dict[str, bytes]:
    """The artefact: name → content. The model that is served is the last."""
    ensemble = estimator.ensemble()
    return {
        SCHEMA_FILE: schema.to_json().encode(),
        GRAPH_FILE: export_ensemble(ensemble),
        MODEL_FILE: pack_trees(ensemble).to_bytes(),
    }


def _prove(estimator: Fitted, candidate: Predictor, graph: bytes, split: Split) -> None:
    exported: dict[str, Exported] = {MODEL_FILE: candidate, GRAPH_FILE: GraphPredictor(graph, split.schema)}
    for part, rows in (("training", split.train_features), ("held-out", split.test_features)):
        agreement = compare_all(estimator, exported, rows)[MODEL_FILE]
        _say(f"exported model agrees on {agreement.rows} {part} rows, {agreement.ties} of them ties")


def _write(layout: Layout, evaluation: Evaluation, estimator: Fitted, files: Mapping[str, bytes]) -> None:
    report = evaluation.to_json()
    if len(report) > MAXIMUM_REPORT_BYTES:
        raise ReportTooLarge(
            f"{EVALUATION_FILE} would have {len(report)} bytes, its readers take {MAXIMUM_REPORT_BYTES}: "
            f"{len(evaluation.classes)} classes are too many; group the rare ones"
        )
    for folder in (layout.output_data, layout.model):
        folder.mkdir(parents=True, exist_ok=True)
    (layout.output_data / EVALUATION_FILE).write_text(report, encoding="utf-8")
    estimator.save(layout.output_data)
    for name, content in files.items():
        _write_whole(layout.model / name, content)


def _write_whole(path: Path, content: bytes) -> None:
    """At once: a job that is stopped leaves no model, never half of one."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _say(line: str) -> None:
    print(line, flush=True)
