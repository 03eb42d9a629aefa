"""A cloud whose executions have less room for events than AWS gives them, but more than a release needs."""

from collections.abc import Iterator

import pytest

from commands.deployment import find_deployment
from local.configuration import Configuration
from local.launch import deploy_product, free_port, running_cloud
from tests.flow.conftest import TIME_FACTOR
from tests.flow.product import Product

HISTORY_EVENTS = 600


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    log = tmp_path_factory.mktemp("cloud") / "cloud.log"
    configuration = Configuration(port=free_port(), time_factor=TIME_FACTOR, history_events=HISTORY_EVENTS)
    with running_cloud(configuration, log) as cloud:
        deploy_product(cloud)
        yield Product(cloud, find_deployment(cloud.session()))
