"""Containers as processes: what they see, how they end, and that none outlives the server."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sagemaker.launcher import Launcher, ProcessLauncher, RunningContainer, Workload
from local.sagemaker.warm_launcher import WarmLauncher
from tests.local.sagemaker.conftest import eventually

ROOT = Path(__file__).parents[3]

# A container whose behaviour is a line of Python in its base directory.
CONTAINER = """
import os, pathlib, sys
code = (pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "code").read_text()
print("runs", *sys.argv[1:])
exec(code)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a container, and with what the nurseries import."""
    for path, content in {
        "container/__init__.py": "",
        "container/__main__.py": CONTAINER,
        "container/serving/__init__.py": "",
        "container/serving/entry.py": "import colorsys",
        "container/training/__init__.py": "",
        "container/training/job.py": "import colorsys",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    return tmp_path


@pytest.fixture(params=["cold", "warm"])
def launcher(request: pytest.FixtureRequest, project: Path) -> Iterator[Launcher]:
    made: Launcher = ProcessLauncher(project)
    if request.param == "warm":
        made = WarmLauncher(project, made)
    yield made
    made.close()


class Run:
    def __init__(self, launcher: Launcher, project: Path, code: str, **settings: object) -> None:
        base = project / f"base-{os.urandom(4).hex()}"
        base.mkdir()
        (base / "code").write_text(code)
        self.lines: list[str] = []
        workload = Workload(name="w", entry_point="train", image="", base_dir=base, **settings)
        self.container: RunningContainer = launcher.launch(workload, self.lines.extend)

    def end(self) -> int | None:
        assert self.container.exited.wait(30)
        return self.container.exit_code


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("", 0), ("sys.exit(7)", 7), ("raise LookupError", 1), ("os._exit(3)", 3), ("os.abort()", -signal.SIGABRT)],
)
def test_exit_codes(launcher: Launcher, project: Path, code: str, exit_code: int) -> None:
    run = Run(launcher, project, code)
    assert run.end() == exit_code
    assert run.lines[0] == "runs train"


def test_the_environment_is_clean(launcher: Launcher, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "1")
    code = "print(sorted(os.environ)); print(os.getcwd()); print(sys.path[0]); print(sys.stdin.read() == '')"
    run = Run(launcher, project, code, environment={"GIVEN": "1"})
    assert run.end() == 0
    names = set(run.lines[1].translate(str.maketrans("", "", "[]' ")).split(","))
    assert {"GIVEN", "SAGEMAKER_BASE_DIR"} <= names
    assert names <= {
        "GIVEN",
        "SAGEMAKER_BASE_DIR",
        "PYTHONUNBUFFERED",
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TMPDIR",
        "TZ",
    }
    assert run.lines[2:] == [str(project), str(project), "True"]


def test_the_jobs_own_variables_are_set(launcher: Launcher, project: Path) -> None:
    run = Run(launcher, project, "print(os.environ['MINE'])", own_environment={"MINE": "yes"})
    assert run.end() == 0
    assert run.lines[-1] == "yes"


def test_a_container_runs_the_code_as_it_is_now(launcher: Launcher, project: Path) -> None:
    (project / "container/serving/entry.py").write_text("VALUE = 1")
    code = "from container.serving.entry import VALUE; print(VALUE)"
    first = Run(launcher, project, code)
    assert first.end() == 0
    (project / "container/serving/entry.py").write_text("VALUE = 'changed'")
    second = Run(launcher, project, code)
    assert second.end() == 0
    assert (first.lines[-1], second.lines[-1]) == ("1", "changed")


def test_terminate_can_be_handled(launcher: Launcher, project: Path) -> None:
    code = "import signal, time; signal.signal(15, lambda *_: sys.exit(5)); print('ready', flush=True); time.sleep(60)"
    run = Run(launcher, project, code)
    eventually(lambda: "ready" in run.lines)
    assert run.container.exit_code is None
    run.container.terminate()
    assert run.end() == 5
    run.container.terminate()
    run.container.kill()


def test_kill_ends_what_the_container_started(launcher: Launcher, project: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); import time; time.sleep(60)"
    run = Run(launcher, project, code)
    eventually(lambda: len(run.lines) == 2)
    run.container.kill()
    assert run.end() == -signal.SIGKILL
    eventually(lambda: not is_alive(int(run.lines[1])))


def test_what_a_container_leaves_behind_is_ended(launcher: Launcher, project: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    run = Run(launcher, project, code)
    assert run.end() == 0
    eventually(lambda: not is_alive(int(run.lines[1])))


def test_closing_ends_all(launcher: Launcher, project: Path) -> None:
    run = Run(launcher, project, "print(os.getpid(), flush=True); import time; time.sleep(60)")
    eventually(lambda: len(run.lines) == 2)
    launcher.close()
    assert run.end() == -signal.SIGKILL
    assert not is_alive(int(run.lines[1]))


def test_many_at_once(launcher: Launcher, project: Path) -> None:
    runs: list[Run] = []
    threads = [
        threading.Thread(target=lambda number=number: runs.append(Run(launcher, project, f"print({number})")))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {run.end() for run in runs} == {0}
    assert sorted(int(run.lines[1]) for run in runs) == list(range(8))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_warm_containers_share_one_nursery_and_have_its_packages(project: Path) -> None:
    warm = WarmLauncher(project, ProcessLauncher(project))
    code = "print('colorsys' in sys.modules, 'container.training.job' in sys.modules, os.getppid())"
    try:
        runs = [Run(warm, project, code) for _ in range(2)]
        assert {run.end() for run in runs} == {0}
        assert runs[0].lines == runs[1].lines
        assert runs[0].lines[1].startswith("True False ")
        own = Run(warm, project, code, own_environment={"OMP_NUM_THREADS": "1"})
        assert own.end() == 0
        assert own.lines[1].startswith("False False ")
    finally:
        warm.close()


def test_a_container_that_cannot_be_imported_says_so_in_its_own_output(project: Path) -> None:
    (project / "container/training/job.py").write_text("import nothing_of_this_name")
    (project / "container/__main__.py").write_text("import container.training.job")
    warm = WarmLauncher(project, ProcessLauncher(project))
    try:
        run = Run(warm, project, "")
        assert run.end() == 1
        assert "ModuleNotFoundError: No module named 'nothing_of_this_name'" in run.lines[-1]
    finally:
        warm.close()


def test_an_idle_nursery_ends_and_a_new_one_takes_over(project: Path) -> None:
    warm = WarmLauncher(project, ProcessLauncher(project), idle_seconds=0.05)
    try:
        first = Run(warm, project, "print(os.getppid())")
        assert first.end() == 0
        eventually(lambda: not is_alive(int(first.lines[1])))
        second = Run(warm, project, "print(os.getppid())")
        assert second.end() == 0
        assert second.lines[1] != first.lines[1]
    finally:
        warm.close()


def test_containers_of_a_nursery_that_dies_are_reported_as_killed(project: Path) -> None:
    warm = WarmLauncher(project, ProcessLauncher(project))
    try:
        run = Run(warm, project, "print(os.getppid(), os.getpid(), flush=True); import time; time.sleep(60)")
        eventually(lambda: len(run.lines) == 2)
        nursery, container = map(int, run.lines[1].split())
        os.kill(nursery, signal.SIGKILL)
        assert run.end() == -signal.SIGKILL
        eventually(lambda: not is_alive(container))
        assert Run(warm, project, "").end() == 0
    finally:
        warm.close()


SERVER = """
import sys, time
from pathlib import Path
from local.sagemaker.launcher import ProcessLauncher, Workload
from local.sagemaker.warm_launcher import WarmLauncher
project = Path(sys.argv[1])
cold = ProcessLauncher(project)
for launcher in (cold, WarmLauncher(project, cold)):
    launcher.launch(Workload("w", "train", "", project), lambda lines: print(*lines, sep="\\n", flush=True))
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel has no parent-death signal")
def test_no_container_outlives_a_killed_server(project: Path) -> None:
    (project / "code").write_text("print('pid', os.getpid(), flush=True); import time; time.sleep(60)")
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(project)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        containers: list[int] = []
        while len(containers) < 2:
            line = server.stdout.readline()
            if line.startswith("pid "):
                containers.append(int(line.split()[1]))
        assert all(is_alive(pid) for pid in containers)
        server.kill()
        server.wait()
        eventually(lambda: not any(is_alive(pid) for pid in containers))


def test_the_nurseries_import_what_the_container_has() -> None:
    from importlib.util import find_spec

    from local.sagemaker import warm_launcher

    for modules in warm_launcher._MODULES.values():
        for module in modules:
            assert find_spec(module) is not None
