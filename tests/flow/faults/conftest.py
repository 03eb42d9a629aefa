"""Faults are planned in the cloud that all flow tests of a worker share; none outlives its test."""

from collections.abc import Iterator

import pytest

from tests.flow.faults.planning import Plan


@pytest.fixture
def plan(product) -> Iterator[Plan]:
    made = Plan(product)
    yield made
    made.clear()
