"""The real image: built from its recipe, then trained and served with as SageMaker does, without AWS."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.deployment import find_deployment
from container.layout import Layout
from local.configuration import Configuration
from local.demo.iris import KNOWN_ROWS, iris_csv
from local.launch import RunningCloud, deploy_product, running_cloud
from tests.container.conftest import PROJECT, Server, TrainedJob, free_port, lay_out_at, wait_until
from tests.container.contract import Contract, Service
from tests.container.engine import COMMAND_SECONDS, ENGINE_SETTINGS, TOOLS, Container, Engine
from tests.flow.product import Product

# The first test waits for two downloads: the base and the packages.
pytestmark = [pytest.mark.full, pytest.mark.long(6), pytest.mark.timeout(2 * COMMAND_SECONDS)]

HYPERPARAMETERS = {"max_depth": "20", "n_jobs": "4", "n_estimators": "120"}
SERVES_WITH = {"numpy", "uvloop", "httptools"}
TRAINS_WITH = {"sklearn", "scipy", "onnx", "onnxruntime", "pydantic_core"}
# A module that was ever imported and has a compiled part is mapped, whatever became of its name afterwards.
SHOW_MAPS = "print(open('/proc/self/maps').read())"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    engine = Engine()
    try:
        engine.build()
        yield engine
    finally:
        engine.remove()


def lay_out_job(base: Path, csv: str) -> Layout:
    """What SageMaker prepares for a training job."""
    layout = lay_out_at(base, csv, HYPERPARAMETERS)
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    layout.resources.write_text(json.dumps({"current_host": "algo-1", "hosts": ["algo-1"]}))
    layout.resources.with_name("inputdataconfig.json").write_text(json.dumps({"train": channel}))
    return layout


@pytest.fixture(scope="session")
def trained(engine: Engine, tmp_path_factory: pytest.TempPathFactory, iris_csv: str) -> TrainedJob:
    """S8: no network, nothing to write to but /opt/ml."""
    layout = lay_out_job(tmp_path_factory.mktemp("image") / "ml", iris_csv)
    code, output, errors = engine.start("train", layout.base).ends()
    assert code == 0, errors
    return TrainedJob(layout, output)


@dataclass(frozen=True)
class Serving:
    container: Container
    server: Server


@contextmanager
def serves(engine: Engine, trained: TrainedJob, rights: Sequence[str] = ()) -> Iterator[Serving]:
    port = free_port()
    environment = {"SAGEMAKER_BIND_TO_PORT": str(port), "SERVE_HOST": "127.0.0.1"}
    container = engine.start("serve", trained.layout.base, "host", environment, rights)
    server = Server(container.process, port)
    wait_until(lambda: server.healthy() or container.process.poll() is not None, "the container answers")
    assert container.process.poll() is None, container.ends()
    yield Serving(container, server)
    if container.process.poll() is None:
        container.terminate()
        container.ends()


@pytest.fixture
def serving(engine: Engine, trained: TrainedJob) -> Iterator[Serving]:
    with serves(engine, trained) as running:
        yield running


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_latency(output: str) -> list[str]:
    """All lines but the one that another machine, or another moment, writes otherwise."""
    lines = output.splitlines()
    told = [line for line in lines if not line.startswith("candidate_latency_milliseconds=")]
    assert len(told) == len(lines) - 1
    return told


def test_trains_as_the_process_does(trained: TrainedJob, iris_job: TrainedJob) -> None:
    assert without_latency(trained.output) == without_latency(iris_job.output)
    assert "candidate_accuracy=" in trained.output
    for folder, files in (("model", {"model.trees", "model.onnx", "schema.json"}), ("output", {"data"})):
        assert {path.name for path in (trained.layout.base / folder).iterdir()} == files
    assert {path.name for path in trained.layout.output_data.iterdir()} == {
        "evaluation.json",
        "estimator.joblib",
        "plots",
    }
    for file in ("model.trees", "model.onnx", "schema.json"):
        assert sha256(trained.layout.model / file) == sha256(iris_job.layout.model / file)


def test_serves_what_it_trained(serving: Serving) -> None:
    """S9."""
    assert serving.server.ask("GET", "/ping") == (200, "")
    for row, expected in KNOWN_ROWS.items():
        assert serving.server.ask("POST", "/invocations", row, {"Content-Type": "text/csv"}) == (200, expected)


def mapped_packages(maps: str) -> set[str]:
    """The packages whose compiled parts a process has loaded."""
    return set(re.findall(r"/site-packages/(\w+)/", maps))


def test_serving_never_loads_what_training_needs(serving: Serving) -> None:
    imports = f"import {', '.join(sorted(TRAINS_WITH))}; {SHOW_MAPS}"
    assert mapped_packages(serving.container.execute("python", "-c", imports)) >= TRAINS_WITH  # they would be seen
    server = mapped_packages(serving.container.execute("cat", "/proc/1/maps"))
    assert server >= SERVES_WITH
    assert not server & TRAINS_WITH


def test_sigterm_ends_the_server_with_exit_code_0(serving: Serving) -> None:
    serving.container.terminate()
    code, output, errors = serving.container.ends()
    assert (code, errors) == (0, "")
    (ready,) = [line for line in map(json.loads, output.splitlines()) if line["event"] == "serving"]
    assert (ready["features"], ready["classes"]) == (4, 3)


def test_a_broken_dataset_leaves_a_reason_and_an_exit_code(engine: Engine, tmp_path: Path, iris_csv: str) -> None:
    first, *others = iris_csv.splitlines()
    layout = lay_out_job(tmp_path / "ml", "\n".join([first, others[0].replace(",", ",many,", 1), *others[1:]]))
    code, output, errors = engine.start("train", layout.base).ends()
    assert (code, output) == (1, "")
    reason = layout.failure.read_text()
    assert reason == "channel train: row 2: 6 cells instead of 5 [width]"
    assert errors == f"training failed: {reason}\n"
    assert not layout.model.exists()


def test_the_manifest_is_of_the_format_that_sagemaker_takes(engine: Engine) -> None:
    assert engine.inspect()["ManifestType"] == "application/vnd.docker.distribution.manifest.v2+json"


def test_the_bill_of_materials_names_what_is_in_it(engine: Engine) -> None:
    document = json.loads((PROJECT / "build" / "sbom.cdx.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    addresses = {each["purl"].partition("@")[0] for each in document["components"]}
    assert addresses >= {"pkg:pypi/numpy", "pkg:pypi/uvloop", "pkg:pypi/xgboost-cpu", "pkg:deb/debian/libc6"}
    assert engine.inspect()["ManifestType"]  # it is of this build


def test_the_server_is_not_root(engine: Engine, trained: TrainedJob) -> None:
    with serves(engine, trained, rights=("setuid", "setgid")) as running:
        status = running.container.execute("cat", "/proc/1/status")
        assert re.findall(r"^[UG]id:\t(\d+)\t(\d+)", status, re.MULTILINE) == [("65532", "65532")] * 2
        assert running.server.ask("GET", "/ping") == (200, "")


def test_the_labels_say_what_sagemaker_may_do(engine: Engine) -> None:
    labels = engine.inspect()["Labels"]
    assert labels["com.amazonaws.sagemaker.capabilities.multi-models"] == "false"
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"


class TestImage(Contract):
    """The whole contract, kept by the image."""

    @pytest.fixture(scope="class")
    @classmethod
    def service(cls, engine: Engine, trained: TrainedJob) -> Iterator[Service]:
        with serves(engine, trained) as running:
            yield Service("127.0.0.1", running.server.port)


@pytest.fixture(scope="module")
def cloud(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """An embedded cloud that trains and serves in the image."""
    folder = tmp_path_factory.mktemp("podman")
    settings = folder / "containers.conf"
    settings.write_text(ENGINE_SETTINGS)
    configuration = Configuration(port=free_port(), runtime="podman", container_image=engine.image, time_factor=10.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(settings))
        with running_cloud(configuration, folder / "cloud.log") as running:
            yield running
    assert engine.containers(f"embedded-cloud-{configuration.port}") == []


def test_the_embedded_cloud_releases_a_model_in_the_image(engine: Engine, cloud: RunningCloud) -> None:
    deploy_product(cloud)
    product = Product(cloud, find_deployment(cloud.session()))
    product.model("image")
    product.start("image", iris_csv().decode(), "2031-03-01T00:00:00Z").approve()
    for row, expected in KNOWN_ROWS.items():
        assert product.predict("image-production", row) == [expected]
    # One instance for development and two for production.
    assert len(engine.containers(f"embedded-cloud-{cloud.endpoint.rpartition(':')[2]}")) == 3
