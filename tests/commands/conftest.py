"""A cloud for the commands that deploy, examine and destroy: it has nothing but the CDK's bootstrap stack at first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.account import Account, find_account
from commands.deployment import deployment_name
from infra.project import PROJECT
from local.configuration import Configuration
from local.deployer import Deployer, read_assembly
from local.launch import RunningCloud, free_port, running_cloud

TIME_FACTOR = 10.0


class Stacks:
    """Stands for the CDK's command line: the same stacks from the same assembly, without Node.js and its seconds."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.asked: list[list[str]] = []

    def deploy(self, stacks: list[str]) -> None:
        self.asked.append(list(stacks))
        wanted = [stack for stack in read_assembly(PROJECT.assembly) if stack.name in stacks]
        Deployer(self._account.session).deploy(wanted)

    def diff(self, stacks: list[str]) -> str:
        return f"compared {len(stacks)} stacks"


@contextmanager
def empty_cloud(log: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunningCloud, Account]]:
    """A cloud that nothing is deployed in, and the account as commands find it."""
    with running_cloud(Configuration(port=free_port(), time_factor=TIME_FACTOR), log) as cloud:
        for name, value in cloud.environment().items():
            monkeypatch.setenv(name, value)
        yield cloud, find_account(deployment_name(), cloud.session())


@pytest.fixture(scope="module")
def module_patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def empty(
    tmp_path_factory: pytest.TempPathFactory, module_patch: pytest.MonkeyPatch
) -> Iterator[tuple[RunningCloud, Account]]:
    with empty_cloud(tmp_path_factory.mktemp("cloud") / "cloud.log", module_patch) as made:
        yield made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def say(said: list[str]) -> Callable[[str], None]:
    return said.append
