"""`kill -9` while releases are made: the first half of the places."""

import pytest

from tests.flow.kills.releases import dies_at_every_place_of

pytestmark = [pytest.mark.full, pytest.mark.long(10), pytest.mark.timeout(2700)]


def test_nothing_acknowledged_is_lost_whenever_the_cloud_dies(cloud, iris):
    dies_at_every_place_of("first", cloud, iris)
