"""No planned fault outlives its test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.cloud_process import CloudProcess

Planned = list[dict[str, Any]]


@pytest.fixture
def plan(shared_cloud: CloudProcess) -> Iterator[Callable[..., Planned]]:
    """Plans a fault; without arguments, what is planned and how often it was met."""

    def add(**order: Any) -> Planned:
        return list(
            (shared_cloud.post if order else shared_cloud.get)("/_cloud/faults", *([order] if order else []))["faults"]
        )

    yield add
    shared_cloud.delete("/_cloud/faults")
