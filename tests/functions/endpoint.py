"""A recorded endpoint: what it was sent is checked, what it answers is given."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.response import StreamingBody
from botocore.stub import Stubber

from tests.functions.samples import report_archive


def store_artefact(uri: str, content: bytes) -> None:
    """Put what a job made where the job would have; the bucket must be there."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)


def store_report(uri: str, archive: bytes | None = None) -> None:
    """Put a report where the run's job would have."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=report_archive() if archive is None else archive)


@contextmanager
def answering(
    client: Any, endpoint: str, *exchanges: tuple[bytes, bytes], variant: str = "model-a", target: str = ""
) -> Iterator[Stubber]:
    """The endpoint gets these bodies, in order, and answers them; all must have been asked for, of `target` if given."""
    asked = {"TargetVariant": target} if target else {}
    with Stubber(client) as stub:
        for sent, answered in exchanges:
            stub.add_response(
                "invoke_endpoint",
                {"Body": StreamingBody(io.BytesIO(answered), len(answered)), "InvokedProductionVariant": variant},
                {"EndpointName": endpoint, "ContentType": "text/csv", "Accept": "text/csv", "Body": sent, **asked},
            )
        yield stub
        stub.assert_no_pending_responses()
