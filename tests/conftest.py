"""What all tests share: the native library; a browser; in continuous integration a test that is skipped is a test that failed."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from container.native.build import build_library
from tests.portioning import PLUGIN, Portioning, add_option, register


def pytest_addoption(parser: pytest.Parser) -> None:
    add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Test the native library of the sources that are here, also where pytest was started without make."""
    build_library()
    register(config)


@pytest.fixture(scope="session")
def portioning(pytestconfig: pytest.Config) -> Portioning:
    """Which portion of the longest tests is run; a test that goes through many things takes its part of them."""
    return pytestconfig.pluginmanager.get_plugin(PLUGIN)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One person's browser."""
    if not shutil.which("chromedriver"):
        pytest.skip("chromium-driver is not installed")
    from tests.chromium import Chromium  # takes a while to import, and few tests need it

    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.driver.quit()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest modules, whatever the order was made: the last to end would end alone."""

    def minutes(item: pytest.Item) -> int:
        mark = item.get_closest_marker("long")
        return mark.args[0] if mark else 0

    items.sort(key=minutes, reverse=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn skipped tests into a failure where CI=true: what CI installs must be enough for every test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = len(reporter.stats.get("skipped", [])) if reporter else 0
    if os.environ.get("CI") == "true" and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{skipped} tests were skipped, which counts as a failure in CI", red=True)
