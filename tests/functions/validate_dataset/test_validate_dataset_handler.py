import gzip
import hashlib
import json

import boto3
import pytest

from contracts.errors import DatasetRejected
from tables.profiles import Profile

BUCKET = "mlops-us-east-1-123456789012"


@pytest.fixture
def store(aws, event):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)

    def put(content, key=None):
        s3.put_object(Bucket=BUCKET, Key=key or event("validate_dataset")["files"][0]["key"], Body=content)

    return put


def stored_profile(key=None):
    key = key or "runs/6a7e8feb-b491/profile.json"
    return Profile.from_json(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def iris(rows=60):
    return "".join(f"{n % 3}.000,{n / 7:.3f},{n / 5:.3f},{n / 3:.3f},{n:.3f}\n" for n in range(rows)).encode()


def test_a_good_dataset_is_described(handler_of, event, lambda_context, store):
    content = b"\xef\xbb\xbf" + iris().replace(b"\n", b"\r\n")
    store(content)
    answer = handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    assert answer == {
        "rows": 60,
        "task": "classification",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "warnings": [],
    }
    profile = stored_profile()
    assert profile.classes == {"0": 20, "1": 20, "2": 20}
    assert [column.kind for column in profile.columns] == ["number"] * 4


@pytest.mark.parametrize("order", [1, -1])
def test_several_files_have_one_hash_whatever_their_order(handler_of, event, lambda_context, store, order):
    files = {
        "train/a.csv": iris(),
        "train/b.csv.gz": gzip.compress(iris(90), mtime=0),
        "validation/c.csv": iris(30)[::-1][1:][::-1],
    }
    for key, content in files.items():
        store(content, f"runs/r/{key}")
    named = [{"channel": key.partition("/")[0], "key": f"runs/r/{key}"} for key in files][::order]
    data = event("validate_dataset")["data"] | {"maximum_leakage": 1}
    answer = handler_of("validate_dataset").handle(event("validate_dataset", files=named, data=data), lambda_context)
    told = "".join(f"{hashlib.sha256(content).hexdigest()}  {key}\n" for key, content in files.items())
    assert answer["sha256"] == hashlib.sha256(told.encode()).hexdigest()
    assert (answer["rows"], stored_profile().validation_rows) == (150, 30)


def test_a_dataset_is_compared_with_that_of_the_last_release(handler_of, event, lambda_context, store):
    handler = handler_of("validate_dataset")
    store(iris())
    handler.handle(event("validate_dataset", profile="runs/former/profile.json"), lambda_context)
    store(iris().replace(b"\n", b"7\n"))
    answer = handler.handle(event("validate_dataset", former_profile="runs/former/profile.json"), lambda_context)
    assert answer["warnings"] == []
    store(b"".join(b"%d,%d,%d,%d,%d\n" % (n % 3, 1000 + n, n / 5, n / 3, n) for n in range(60)))
    answer = handler.handle(event("validate_dataset", former_profile="runs/former/profile.json"), lambda_context)
    assert any(warning.startswith("column 1 has moved since the last release: PSI ") for warning in answer["warnings"])


@pytest.mark.parametrize("former", [None, b"{}", json.dumps({"version": 0}).encode()])
def test_a_former_profile_that_cannot_be_read_is_none(handler_of, event, lambda_context, store, former):
    store(iris())
    if former is not None:
        store(former, "runs/former/profile.json")
    answer = handler_of("validate_dataset").handle(
        event("validate_dataset", former_profile="runs/former/profile.json"), lambda_context
    )
    assert answer["rows"] == 60


def test_a_bad_dataset_is_refused_by_the_name_that_was_dropped(handler_of, event, lambda_context, store):
    store(iris().replace(b"\n0.000,", b"\n,", 1))
    with pytest.raises(DatasetRejected) as refused:
        handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    told = str(refused.value)
    assert told.startswith(
        "datasets/iris-model/iris.csv breaks the rules for iris-model:\n- row 4, column 0: the label is missing"
    )
    assert "make drop MODEL=iris-model" in told


def test_a_file_that_is_no_table_is_refused(handler_of, event, lambda_context, store):
    store(iris(), "runs/r/train/iris.xlsx")
    files = [{"channel": "train", "key": "runs/r/train/iris.xlsx"}]
    with pytest.raises(DatasetRejected, match=r"there is no file that ends in \.csv, \.csv\.gz or \.parquet"):
        handler_of("validate_dataset").handle(event("validate_dataset", files=files), lambda_context)


def test_no_cell_of_a_dataset_reaches_the_log(handler_of, event, lambda_context, store, log):
    store(iris().replace(b",0.429,", b",secret,"))
    with pytest.raises(DatasetRejected, match="secret"):
        handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    assert "dataset rejected" in log.getvalue()
    assert "secret" not in log.getvalue()
