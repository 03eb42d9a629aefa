"""Proposes a model's settings from a dataset that people trust, as a file to look through and commit."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Table

from commands.faults import CommandFailed
from contracts.settings import DataSettings, InvalidSettings, load_all_settings, load_settings
from infra.project import Project
from tables.files import TableFile, format_of, formats_told, table_files
from tables.findings import UnusableTable
from tables.infer import propose
from tables.judge import judge
from tables.profiles import Profile

_NAME = re.compile(r"[a-z0-9](-?[a-z0-9]){0,39}")


def infer(project: Project, model: str, dataset: Path, label: str = "") -> str:
    """Write build/proposed/<model>.toml, and say how it differs from what is there. `label` is a name or a position.

    Raises:
        CommandFailed: a name that no model can have, a file that is no table, or one that nothing can be learnt from.
    """
    if not _NAME.fullmatch(model):
        raise CommandFailed("Which model? MODEL is a name of small letters, digits and single hyphens, e.g. iris-model")
    settings = project.models / f"{model}.toml"
    former = settings.read_text(encoding="utf-8") if settings.is_file() else ""
    profile = _profile(_files(dataset), _reading(settings, label))
    document = tomlkit.parse(former or _fresh(project, model))
    _take_over(document, propose(profile))
    proposed = project.built / "proposed" / settings.name
    proposed.parent.mkdir(parents=True, exist_ok=True)
    proposed.write_text(tomlkit.dumps(document), encoding="utf-8")
    try:
        load_settings(proposed)
    except InvalidSettings as fault:
        raise CommandFailed(f"The proposal breaks a rule, mend it by hand: {fault}") from fault
    return _told(project, profile, former, settings, proposed)


def _files(dataset: Path) -> list[TableFile]:
    if dataset.is_dir():
        files = table_files(dataset / "train" if (dataset / "train").is_dir() else dataset)
    else:
        form = format_of(dataset.name) if dataset.is_file() else None
        files = [TableFile(dataset, dataset.name, form)] if form else []
    if not files:
        raise CommandFailed(
            f"There is no table at {str(dataset)!r}; DATASET names a file that ends in {formats_told()}"
        )
    return files


def _reading(settings: Path, label: str) -> DataSettings:
    """How the model's datasets are read, without the rules that are to be proposed anew."""
    asked: dict[str, Any] = {"columns": {}, "minimum_rows": 2, "minimum_rows_per_class": 2}
    if label:
        asked["label"] = int(label) if label.isdecimal() else label
    try:
        data = load_settings(settings).data if settings.is_file() else DataSettings()
    except InvalidSettings as fault:
        raise CommandFailed(f"The model's settings are invalid:\n{fault}") from fault
    return data.model_copy(update=asked)


def _profile(files: list[TableFile], settings: DataSettings) -> Profile:
    try:
        return judge(files, [], settings).profile
    except UnusableTable as fault:
        told = "\n".join(f"- {finding}" for finding in fault.findings)
        raise CommandFailed(f"Nothing can be learnt from this dataset as it is:\n{told}") from fault


def _fresh(project: Project, model: str) -> str:
    """The beginning of a new model's file; people are those of a model that is there."""
    known = next(iter(load_all_settings(project.models).values()))
    people = ", ".join(f'"{address}"' for address in known.owners)
    approvers = ", ".join(f'"{address}"' for address in known.approval.approvers)
    head = f"# {model}: proposed from a dataset; look it through.\n"
    return f"{head}owners = [{people}]\n\n[data]\n\n[approval]\napprovers = [{approvers}]\n"


def _take_over(document: tomlkit.TOMLDocument, proposal: Mapping[str, Any]) -> None:
    data = document.setdefault("data", tomlkit.table())
    for key, value in proposal.items():
        if key != "columns":
            data[key] = value
    columns = tomlkit.table(is_super_table=True)
    for name, rules in proposal["columns"].items():
        columns[name] = _rules(rules)
    data["columns"] = columns
    data.add(tomlkit.nl())


def _rules(rules: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in rules.items():
        table[key] = value
    return table


def _told(project: Project, profile: Profile, former: str, settings: Path, proposed: Path) -> str:
    there, here = project.told(settings), project.told(proposed)
    now = proposed.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        former.splitlines(keepends=True), now.splitlines(keepends=True), there if former else "(nothing yet)", here
    )
    task = f"{len(profile.classes)} classes" if profile.classes else "a number to predict"
    return (
        f"{''.join(difference)}\n"
        f"{profile.rows} rows, {len(profile.columns)} features, {task}.\n"
        f"Proposed in {here}. Look it through, then take it over: cp {here} {there}"
    )
