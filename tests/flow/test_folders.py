"""A folder is one dataset: it starts once, whole, whatever the order in which its files arrive."""

import itertools
import json

import pytest

from commands.drop import check, drop
from commands.history import read_events
from commands.runs import list_runs
from tests.flow.product import ROOT, Product, Run, until


def files(iris: str) -> dict[str, str]:
    rows = iris.splitlines(keepends=True)
    return {
        "train/a.csv": "".join(rows[0::3]),
        "train/b.csv": "".join(rows[1::3]),
        "validation/c.csv": "".join(rows[2::3]),
    }


def run_file(parts: dict[str, str], **said: object) -> str:
    return json.dumps({"files": {name: len(text) for name, text in parts.items()}, **said})


def put(product: Product, model: str, name: str, text: str) -> str:
    stored = product.s3.put_object(
        Bucket=product.deployment.bucket, Key=f"datasets/{model}/2026-11/{name}", Body=text.encode()
    )
    return str(stored["VersionId"])


def executions_of(product: Product, model: str) -> dict[str, Run]:
    """Every execution that an object of this model's has started, by the object's version."""
    pages = product.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=product.deployment.promote_model_arn
    )
    runs = [Run(product, execution["executionArn"]) for page in pages for execution in page["executions"]]
    objects = [(run, json.loads(run.describe()["input"])["detail"]["object"]) for run in runs]
    return {found["version-id"]: run for run, found in objects if found["key"].startswith(f"datasets/{model}/")}


@pytest.mark.parametrize("position", range(4))
def test_a_folder_starts_one_run_with_all_of_its_files(product, iris, position):
    model = product.model(f"folder-{position}").name
    parts = files(iris)
    order = list(parts.items())
    order.insert(position, ("run.json", run_file(parts, hyperparameters={"n_estimators": 7}, reason="more rows")))
    versions = {name: put(product, model, name, text) for name, text in order}
    run = until("the run's start", lambda: product.run_of(versions["run.json"])).reaches("Request Approval")

    found = executions_of(product, model)
    assert found.keys() == set(versions.values())
    for name in parts:
        found[versions[name]].ends_in("Part Of A Drop")
    (job,) = product.training_jobs(model)
    assert job["HyperParameters"]["n_estimators"] == "7"
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["train", "validation", "settings"]
    stored = product.s3.list_objects_v2(Bucket=product.deployment.bucket, Prefix=f"runs/{run.id}/")["Contents"]
    frozen = {entry["Key"].partition(f"{run.id}/")[2] for entry in stored}
    assert {name for name in frozen if name.startswith(("train/", "validation/"))} == parts.keys()
    run.approve()
    assert product.release(model)["request"] == {"reason": "more rows", "requester": ""}


def test_a_folder_whose_run_file_is_told_twice_starts_one_run(product, iris):
    model = product.model("folder-twice").name
    parts = files(iris)
    for name, text in parts.items():
        put(product, model, name, text)
    version = put(product, model, "run.json", run_file(parts))
    first = until("the run's start", lambda: product.run_of(version)).reaches("Request Approval")
    again = product.start_from(json.loads(first.describe()["input"]))
    again.ends_in("Duplicate Ignored")


def test_files_that_never_come_are_told(product, iris):
    model = product.model("folder-missing").name
    parts = files(iris)
    put(product, model, "train/a.csv", parts["train/a.csv"])
    version = put(product, model, "run.json", run_file(parts))
    run = until("the run's start", lambda: product.run_of(version)).reaches("Freeze Dataset")
    put(product, model, "train/b.csv", "not as large as it shall be")
    waits = "Not all files that run.json names are there: train/b.csv has 27 bytes"
    until(
        "the wait for files",
        lambda: waits in json.dumps(list(read_events(product.stepfunctions, run.arn)), default=str),
    )
    assert run.describe()["status"] == "RUNNING"
    product.stepfunctions.stop_execution(executionArn=run.arn)


def test_a_run_file_that_asks_for_too_much_is_refused(product, iris):
    model = product.model("folder-refused").name
    parts = files(iris)
    for name, text in parts.items():
        put(product, model, name, text)
    version = put(product, model, "run.json", run_file(parts, overrides={"gate": {"champion": "off"}}))
    run = until("the run's start", lambda: product.run_of(version))
    ended = run.ends_in("Dataset Rejected")
    assert "`overrides` may hold `data` and `training`, not `gate`" in ended["cause"]
    assert "not `gate`" in run.outcome_mail().text


def test_make_drop_takes_a_folder(product, iris, tmp_path):
    model = product.model("folder-dropped").name
    folder = tmp_path / "2026-11"
    for name, text in files(iris).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run.json").write_text('{"hyperparameters": {"n_estimators": 9}}')
    check(ROOT / "models", "iris-model", folder)
    dropped = drop(product.deployment, model, folder)
    run = until("the run's start", lambda: product.run_of(dropped.version)).reaches("Request Approval")
    (job,) = product.training_jobs(model)
    assert job["HyperParameters"]["n_estimators"] == "9"
    listed = [each for each in itertools.islice(list_runs(product.deployment), 20) if each.model == model]
    assert [(each.id, each.subject) for each in listed] == [(run.id, "2026-11")]
