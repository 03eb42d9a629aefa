import hashlib

import boto3
import pytest

from contracts.errors import DatasetRejected

BUCKET = "mlops-us-east-1-123456789012"


@pytest.fixture
def store(aws, event):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return lambda content: s3.put_object(Bucket=BUCKET, Key=event("validate_dataset")["dataset"]["key"], Body=content)


def iris(rows=60):
    return "".join(f"{n % 3}.000,{n / 7:.3f},{n / 5:.3f},{n / 3:.3f},{n:.3f}\n" for n in range(rows)).encode()


def test_a_good_dataset_is_described(handler_of, event, lambda_context, store):
    content = b"\xef\xbb\xbf" + iris().replace(b"\n", b"\r\n")
    store(content)
    answer = handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    assert answer == {
        "rows": 60,
        "columns": [0, 1, 2, 3, 4],
        "classes": {"0": 20, "1": 20, "2": 20},
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "warnings": [],
    }


def test_a_bad_dataset_is_refused_by_the_name_that_was_dropped(handler_of, event, lambda_context, store):
    store(iris().replace(b"\n0.000,", b"\n,", 1))
    with pytest.raises(DatasetRejected) as refused:
        handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    told = str(refused.value)
    assert told.startswith(
        "datasets/iris-model/iris.csv breaks the rules for iris-model:\n- row 4, column 0: the label is missing"
    )
    assert "make drop MODEL=iris-model" in told


def test_an_oversize_file_is_refused_unread(handler_of, event, lambda_context, store, monkeypatch):
    store(iris())
    handler = handler_of("validate_dataset")
    monkeypatch.setattr(handler, "read_lines", lambda chunks: pytest.fail("was read"))
    small = event("validate_dataset")["data"] | {"maximum_bytes": 100}
    with pytest.raises(DatasetRejected, match="the limit is 100 "):
        handler.handle(event("validate_dataset", data=small), lambda_context)


def test_no_cell_of_a_dataset_reaches_the_log(handler_of, event, lambda_context, store, log):
    store(iris().replace(b"\n", b",secret\n"))
    with pytest.raises(DatasetRejected, match="secret"):
        handler_of("validate_dataset").handle(event("validate_dataset"), lambda_context)
    assert "dataset rejected" in log.getvalue()
    assert "secret" not in log.getvalue()
