"""`kill -9` while releases are made, at a third of the places each time."""

import pytest

from tests.flow.kills.releases import THIRDS, dies_at_every_place_of
from tests.flow.kills.telling import KIND
from tests.portioning import in_turn

pytestmark = [pytest.mark.full, pytest.mark.long(22), pytest.mark.timeout(2700)]


@pytest.mark.parametrize("third", in_turn(KIND, THIRDS, str, first=min(THIRDS)))
def test_nothing_acknowledged_is_lost_whenever_the_cloud_dies(cloud, iris, third):
    dies_at_every_place_of(third, cloud, iris)
