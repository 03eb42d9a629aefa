"""Three consecutive commits run everything, each about a third, and what a run leaves out is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.portioning import Portioning, in_turn
from tests.portions import PORTIONS, Portion, chosen, turn_of

NAMES = [f"test number {number}" for number in range(300)]
EACH = [Portion(number) for number in range(1, PORTIONS + 1)]


def git(root: Path, *arguments: str) -> None:
    told = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgsign=false"]
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2031-04-01T00:00:00Z")
    subprocess.run(["git", *told, *arguments], cwd=root, env={**os.environ, **dates}, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    return root


def commit(root: Path) -> None:
    git(root, "commit", "-q", "--allow-empty", "-m", "One more")


def test_between_them_the_portions_take_everything_once():
    parts = [portion.of(NAMES) for portion in EACH]
    assert sorted(name for part in parts for name in part) == sorted(NAMES)
    assert all(70 <= len(part) <= 130 for part in parts)


def test_the_whole_takes_everything():
    assert Portion(None).of(NAMES) == NAMES


def test_a_name_keeps_its_turn_whatever_is_added():
    assert [portion.of(NAMES)[:3] for portion in EACH] == [portion.of([*NAMES[:50], "new"])[:3] for portion in EACH]
    assert turn_of("deploy-stack/Look At Stack") == turn_of("deploy-stack/Look At Stack")


def test_any_three_consecutive_commits_run_everything(repository):
    numbers = []
    for _ in range(2 * PORTIONS):
        commit(repository)
        numbers.append(chosen("commit", repository).number)
    assert {tuple(sorted(numbers[at : at + PORTIONS])) for at in range(PORTIONS)} == {(1, 2, 3)}


def test_a_merge_is_one_commit(repository):
    commit(repository)
    git(repository, "switch", "-q", "-c", "side")
    commit(repository)
    commit(repository)
    git(repository, "switch", "-q", "main")
    before = chosen("commit", repository).number
    git(repository, "merge", "-q", "--no-ff", "--no-edit", "side")
    assert chosen("commit", repository).number == before % PORTIONS + 1


def test_where_the_history_is_cut_short_the_commits_name_decides(repository, tmp_path):
    numbers = set()
    for number in range(6):
        commit(repository)
        shallow = tmp_path / f"shallow-{number}"
        git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), str(shallow))
        numbers.add(chosen("commit", shallow).number)
    assert numbers == {1, 2, 3}


def test_without_a_history_everything_is_run(tmp_path):
    assert chosen("commit", tmp_path) == Portion(None)


def test_a_portion_may_be_named(tmp_path):
    assert [chosen(str(number), tmp_path) for number in (1, 2, 3)] == EACH
    assert chosen("whole", tmp_path) == Portion(None)
    for wrong in ("0", "4", "half"):
        with pytest.raises(ValueError, match="a portion is whole, commit or a number from 1 to 3"):
            chosen(wrong, tmp_path)


def test_what_takes_turns_is_dealt_out_evenly():
    turns = [each.marks[0].kwargs["turn"] for each in in_turn("stories", NAMES[:7], str, first=2)]
    assert [sum(portion.takes(turn) for turn in turns) for portion in EACH] == [2, 3, 2]


def test_what_is_left_out_is_told():
    portioning = Portioning(Portion(2))
    taken = portioning.part("rights", NAMES)
    assert list(portioning.told()) == [f"portion 2 of 3 of rights: {len(taken)} of 300; WHOLE=yes runs all"]


def test_when_nothing_is_left_out_nothing_is_told():
    portioning = Portioning(Portion(None))
    assert portioning.part("rights", NAMES) == NAMES
    assert list(portioning.told()) == []


MODULE = """
import pytest

@pytest.mark.portioned("named")
@pytest.mark.parametrize("number", range(12))
def test_named(number): ...

@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.portioned("dealt", turn=n)) for n in range(5)])
def test_dealt(number): ...

def test_always(portioning):
    portioning.part("gone through", range(4))
"""
CONFTEST = """
from tests.conftest import portioning, pytest_addoption
from tests.portioning import register

def pytest_configure(config):
    config.addinivalue_line("markers", "portioned: for a while")
    register(config)
"""


def run(folder: Path, *options: str) -> list[str]:
    """The lines of a run of pytest of its own."""
    (folder / "test_some.py").write_text(MODULE)
    (folder / "conftest.py").write_text(CONFTEST)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        str(folder),
        *options,
    ]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "on workers"])
def test_pytest_runs_a_portion_and_says_so(tmp_path, workers):
    names = [f"test_named[{number}]" for number in range(12)]
    lines = run(tmp_path, "--portion", "2", *workers)
    told = [line for line in lines if line.startswith("portion 2 of 3")]
    assert told == [
        "portion 2 of 3 of dealt: 1 of 5; WHOLE=yes runs all",
        f"portion 2 of 3 of gone through: {len(Portion(2).of(range(4)))} of 4; WHOLE=yes runs all",
        f"portion 2 of 3 of named: {len(Portion(2).of(names))} of 12; WHOLE=yes runs all",
    ]
    assert f"{len(Portion(2).of(names)) + 1 + 1} passed" in lines[-1]


def test_pytest_by_itself_runs_everything(tmp_path):
    lines = run(tmp_path)
    assert "18 passed" in lines[-1]
    assert not [line for line in lines if line.startswith("portion")]
