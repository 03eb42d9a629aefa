"""One mortal cloud for the stories of a module."""

from collections.abc import Iterator

import pytest

from tests.flow.kills.mortal import MortalCloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalCloud]:
    made = MortalCloud(tmp_path_factory.mktemp("mortal"))
    yield made
    made.close()
