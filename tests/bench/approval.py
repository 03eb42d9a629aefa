"""The page behind a mailed link: how long it takes when it is warm, what its imports add, how large it is."""

import io
import os
import statistics
import subprocess
import sys
import time
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from commands.deployment import find_deployment
from local.configuration import Configuration
from local.demo.iris import iris_csv
from local.launch import deploy_product, free_port, running_cloud
from tests.flow.product import Product

MODEL = "bench-page"
# As many as a link may be opened in a row.
VISITS = 50
_REPEATS = 5
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    **dict.fromkeys(("APPROVALS_TABLE", "AUDIT_TABLE", "TOKEN_KEY_ID"), "x"),
    "SIGNING_KEYS": "1=x",
}
# What every function pays that uses these three services, whoever wrote it: the libraries and their clients.
_LIBRARIES = """
import time; begun = time.perf_counter()
import boto3
from aws_lambda_powertools.logging import Logger
from botocore.config import Config
Logger(service="x")
config = Config(connect_timeout=1, read_timeout=3)
for service in ("dynamodb", "kms", "stepfunctions"):
    boto3.client(service, config=config)
"""
_OURS = """
ready = time.perf_counter()
import functions.decide_release.handler
print(ready - begun, time.perf_counter() - ready)
"""


@dataclass(frozen=True)
class Page:
    """Milliseconds; of imports the libraries' and then ours, which has its own three clients in it; and bytes."""

    p50_ms: float
    p95_ms: float
    libraries_ms: float
    ours_ms: float
    zip_bytes: int


def measure_page(root: Path) -> Page:
    """Visits of a page that waits for a decision, in the embedded cloud, one after the other."""
    taken = sorted(_visits(root / "build" / "bench-cloud.log"))
    libraries, ours = zip(*(_imports(root) for _ in range(_REPEATS)), strict=True)
    return Page(
        statistics.median(taken),
        taken[int(0.95 * len(taken))],
        statistics.median(libraries),
        statistics.median(ours),
        _zip_bytes(root / "build" / "functions" / "decide_release"),
    )


def _visits(log: Path) -> list[float]:
    with running_cloud(Configuration(port=free_port()), log) as cloud:
        deploy_product(cloud)
        product = Product(cloud, find_deployment(cloud.session()))
        product.model(MODEL)
        link = product.drop(MODEL, iris_csv()).link()
        return [_visit(link) for _ in range(VISITS + 1)][1:]  # the first one starts the function


def _visit(link: str) -> float:
    begun = time.perf_counter()
    with urllib.request.urlopen(link, timeout=30) as reply:
        reply.read()
    return 1_000 * (time.perf_counter() - begun)


def _imports(root: Path) -> tuple[float, float]:
    environment = {"PATH": os.environ["PATH"], **_ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, "-c", _LIBRARIES + _OURS],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    libraries, ours = (1_000 * float(seconds) for seconds in done.stdout.split())
    return libraries, ours


def _zip_bytes(folder: Path) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    return len(packed.getvalue())


if __name__ == "__main__":
    print(measure_page(Path(__file__).resolve().parents[2]))
