import json

import boto3
import pytest

from contracts.errors import DatasetRejected, DropIncomplete

BUCKET = "mlops-us-east-1-123456789012"
FOLDER = "datasets/iris-model/2026-11"


@pytest.fixture
def store(aws):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return lambda key, content: s3.put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]


@pytest.fixture
def freeze(handler_of, event, lambda_context, store):
    def run(key, version, size, **changed):
        dataset = {"bucket": BUCKET, "key": key, "version": version, "bytes": size}
        return handler_of("freeze_dataset").handle(event("freeze_dataset", dataset=dataset, **changed), lambda_context)

    def drop(key, content):
        return run(key, store(key, content), len(content))

    drop.version = run
    return drop


def run_file(files, **said):
    return json.dumps({"files": files, **said}).encode()


def stored(key):
    return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_one_file_is_copied_in_the_version_that_was_dropped(freeze, store):
    key = "datasets/iris-model/iris 2026+11.csv"
    version = store(key, b"dropped")
    store(key, b"overwritten")
    answer = freeze.version(key, version, 7)
    assert answer == {
        "files": [{"channel": "train", "key": "runs/r1/train/iris 2026+11.csv"}],
        "settings": {},
        "request": {"reason": "", "requester": ""},
    }
    assert stored("runs/r1/train/iris 2026+11.csv") == b"dropped"
    settings = json.loads(stored("runs/r1/settings/settings.json"))
    assert settings == {"data": {"label": 0, "maximum_bytes": 1048576}, "gate": {"champion": "not-worse"}}


def test_a_folder_is_copied_by_channel(freeze, store):
    store(f"{FOLDER}/train/a.csv", b"aa")
    store(f"{FOLDER}/train/b.csv.gz", b"bbb")
    store(f"{FOLDER}/train/leftover.csv", b"nobody names it")
    store(f"{FOLDER}/validation/c.parquet", b"c")
    files = {"train/a.csv": 2, "train/b.csv.gz": 3, "validation/c.parquet": 1}
    answer = freeze(f"{FOLDER}/run.json", run_file(files, reason="more rows", requester="somebody"))
    assert answer["files"] == [
        {"channel": "train", "key": "runs/r1/train/a.csv"},
        {"channel": "train", "key": "runs/r1/train/b.csv.gz"},
        {"channel": "validation", "key": "runs/r1/validation/c.parquet"},
    ]
    assert answer["request"] == {"reason": "more rows", "requester": "somebody"}
    assert [stored(file["key"]) for file in answer["files"]] == [b"aa", b"bbb", b"c"]


def test_a_run_may_differ_from_the_settings(freeze, store):
    store(f"{FOLDER}/train/a.csv", b"aa")
    said = run_file({"train/a.csv": 2}, hyperparameters={"max_depth": 3}, overrides={"data": {"seed": 7}})
    settings = freeze(f"{FOLDER}/run.json", said)["settings"]
    assert settings["data"]["seed"] == 7
    assert json.loads(stored("runs/r1/settings/settings.json"))["data"]["seed"] == 7
    assert settings["training"]["hyperparameters"] == {"n_estimators": "20", "max_depth": "3"}


def test_a_folder_waits_until_all_of_its_files_are_there(freeze, store):
    files = {"train/a.csv": 2, "train/b.csv": 3, "validation/c.csv": 1}
    store(f"{FOLDER}/train/a.csv", b"of an earlier drop")
    store(f"{FOLDER}/validation/c.csv", b"c")
    with pytest.raises(DropIncomplete) as waits:
        freeze(f"{FOLDER}/run.json", run_file(files))
    assert str(waits.value) == (
        "Not all files that run.json names are there: train/a.csv has 18 bytes and not 2; train/b.csv is missing."
    )
    store(f"{FOLDER}/train/b.csv", b"bbb")
    store(f"{FOLDER}/train/a.csv", b"aa")
    assert len(freeze(f"{FOLDER}/run.json", run_file(files))["files"]) == 3


def test_nothing_is_copied_of_a_folder_that_is_not_whole(freeze, store):
    store(f"{FOLDER}/train/a.csv", b"aa")
    with pytest.raises(DropIncomplete):
        freeze(f"{FOLDER}/run.json", run_file({"train/a.csv": 2, "train/b.csv": 3}))
    assert boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="runs/")["KeyCount"] == 0


def test_a_file_of_another_folder_is_none_of_this_one(freeze, store):
    store(f"{FOLDER}-more/train/a.csv", b"aa")
    with pytest.raises(DropIncomplete, match=r"train/a.csv is missing"):
        freeze(f"{FOLDER}/run.json", run_file({"train/a.csv": 2}))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "run.json: file: Invalid JSON"),
        (run_file({"train/a.csv": 1}, overrides={"gate": {}}), "not `gate`"),
        (run_file({"train/a.csv": 2 * 1024**3}), "Not all files"),
        (b" " * 65_537, "has more than 65,536 bytes"),
    ],
)
def test_a_run_file_that_breaks_a_rule_is_refused(freeze, content, told):
    with pytest.raises((DatasetRejected, DropIncomplete), match=told):
        freeze(f"{FOLDER}/run.json", content)


def test_the_limit_holds_for_all_files_together(freeze, store):
    key = "datasets/iris-model/large.csv"
    with pytest.raises(DatasetRejected, match=r"The dataset has 1,048,577 bytes; the limit is 1,048,576"):
        freeze.version(key, store(key, b"x"), 1024**2 + 1)
    half = b"x" * (1024**2 // 2 + 1)
    store(f"{FOLDER}/train/a.csv", half)
    store(f"{FOLDER}/train/b.csv", half)
    with pytest.raises(DatasetRejected, match="the limit is"):
        freeze(f"{FOLDER}/run.json", run_file({"train/a.csv": len(half), "train/b.csv": len(half)}))


@pytest.mark.parametrize(
    ("requester", "required", "said"),
    [
        (None, 1, "drop the dataset as a folder"),
        ("", 1, "drop the dataset as a folder"),
        ("Anna", 1, '"requester": "<your mail address>"'),
        ("ANNA@example.com", 2, "names 1 others"),
        ("ANNA@example.com", 1, None),
        ("somebody@example.com", 2, None),
    ],
)
def test_where_the_requester_may_not_approve_it_has_to_be_known_who_that_is(
    handler_of, event, lambda_context, store, requester, required, said
):
    settings = event("freeze_dataset")["settings"]
    settings["approval"] |= {"required": required, "requester_may_approve": False}
    if requester is None:
        key, content = "datasets/iris-model/iris.csv", b"aaaa"
    else:
        store(f"{FOLDER}/train/a.csv", b"aa")
        key, content = f"{FOLDER}/run.json", run_file({"train/a.csv": 2}, requester=requester)
    dataset = {"bucket": BUCKET, "key": key, "version": store(key, content), "bytes": len(content)}
    call = event("freeze_dataset", dataset=dataset, settings=settings)
    if said is None:
        assert handler_of("freeze_dataset").handle(call, lambda_context)["request"]["requester"] == requester
    else:
        with pytest.raises(DatasetRejected, match=said):
            handler_of("freeze_dataset").handle(call, lambda_context)
