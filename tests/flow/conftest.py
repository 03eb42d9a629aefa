"""One embedded cloud for all flow tests of a worker; each works under its own model's name."""

from collections.abc import Iterator

import pytest

from commands.deployment import find_deployment
from local.configuration import Configuration
from local.demo.iris import iris_csv
from local.launch import ASSEMBLY, deploy_product, free_port, running_cloud
from tests.flow.product import Product
from tests.flow.records import recorder

# Waits of the state machines are ten times shorter; nothing else is different.
TIME_FACTOR = 10.0


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, deployed in a cloud of its own. `make test` has synthesised the templates."""
    assert (ASSEMBLY / "manifest.json").exists(), "no templates; run: make synth"
    log = tmp_path_factory.mktemp("cloud") / "cloud.log"
    recording = recorder()
    decisions = recording.decisions_file if recording else None
    configuration = Configuration(port=free_port(), time_factor=TIME_FACTOR, decisions_file=decisions)
    with running_cloud(configuration, log) as cloud:
        deploy_product(cloud)
        deployed = Product(cloud, find_deployment(cloud.session()))
        if recording:
            recording.deployed(deployed)
        yield deployed
        if recording:
            recording.ended(deployed)


@pytest.fixture(scope="session")
def iris() -> str:
    """The whole dataset of the course: label first, no header."""
    return iris_csv().decode()
