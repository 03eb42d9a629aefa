"""Starts the container's entry points: today as plain processes, behind a protocol that fits an engine as well."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from local import processes
from local.sagemaker.process_output import read_lines

# What a container inherits of the machine it runs on; everything else in its environment is the job's own.
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")

EntryPoint = Literal["train", "serve"]


@dataclass(frozen=True)
class Workload:
    """A container to run.

    ``base_dir`` is what the container sees as /opt/ml. ``own_environment`` holds the variables that the job or model
    asks for, ``environment`` those that SageMaker sets. ``port`` is where a serving container listens on the loopback
    interface.
    """

    name: str
    entry_point: EntryPoint
    image: str
    base_dir: Path
    own_environment: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None


class RunningContainer(Protocol):
    """A started container. ``exited`` is set when it has ended and all its output was handed over."""

    exited: threading.Event

    @property
    def pid(self) -> int | None:
        """The process, while it is known."""
        ...

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        ...

    def terminate(self) -> None:
        """Ask it to end (SIGTERM). No effect when it has ended."""
        ...

    def kill(self) -> None:
        """End it and everything it started. No effect when it has ended."""
        ...


class Launcher(Protocol):
    """Runs containers; one for each kind of runtime."""

    def launch(self, workload: Workload, handle_output: Callable[[list[str]], None]) -> RunningContainer:
        """Start it; ``handle_output`` gets its lines, from a thread of the launcher. Raises OSError."""
        ...

    def close(self) -> None:
        """Kill everything that still runs."""
        ...


class ProcessLauncher:
    """Runs ``python -m container train|serve`` in the project's folder.

    The process gets a clean environment, sees its base directory through SAGEMAKER_BASE_DIR, and dies with this one.
    """

    def __init__(self, project_root: Path, command: Sequence[str] = (sys.executable, "-m", "container")) -> None:
        """``command`` is put before the entry point's name."""
        self._project_root = project_root
        self._command = tuple(command)
        self._running: set[_Process] = set()
        self._lock = threading.Lock()
        self._closed = False

    def launch(self, workload: Workload, handle_output: Callable[[list[str]], None]) -> RunningContainer:
        process = self._spawn(workload)
        running = _Process(process, handle_output, self._forget)
        running.watch()
        with self._lock:
            self._running.add(running)
            closed = self._closed
        if closed:
            running.kill()
        return running

    def close(self) -> None:
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            process.kill()
        for process in running:
            process.exited.wait()

    def _spawn(self, workload: Workload) -> "subprocess.Popen[bytes]":
        return processes.spawn(
            [*self._command, workload.entry_point],
            cwd=self._project_root,
            env=process_environment(workload),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _forget(self, process: "_Process") -> None:
        with self._lock:
            self._running.discard(process)


def inherited() -> dict[str, str]:
    """What a container's process has of the server's environment."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def process_environment(workload: Workload) -> dict[str, str]:
    """The environment of a container that runs as a plain process."""
    layout = {"SAGEMAKER_BASE_DIR": str(workload.base_dir), "PYTHONUNBUFFERED": "1"}
    if workload.port is not None:
        # One worker: all endpoints share this machine's cores.
        layout |= {
            "SAGEMAKER_BIND_TO_PORT": str(workload.port),
            "SERVE_HOST": "127.0.0.1",
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        }
    return inherited() | dict(workload.own_environment) | dict(workload.environment) | layout


class _Process:
    """A running subprocess in a session, and so a process group, of its own."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        handle_output: Callable[[list[str]], None],
        forget: Callable[["_Process"], None],
    ) -> None:
        self._process = process
        self._handle_output = handle_output
        self._forget = forget
        self.exited = threading.Event()

    def watch(self) -> None:
        """Read its output and notice its end, on threads of its own."""
        threading.Thread(target=self._watch, name=f"watch-{self._process.pid}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode if self.exited.is_set() else None

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        if self._process.poll() is None:
            self._kill_group()

    def _watch(self) -> None:
        assert self._process.stdout is not None  # a pipe
        output = os.dup(self._process.stdout.fileno())
        self._process.stdout.close()
        reader = threading.Thread(target=read_lines, args=(output, self._handle_output), daemon=True)
        reader.start()
        self._process.wait()
        self._kill_group()  # what it left behind, which may also hold the pipe open
        reader.join()
        self._forget(self)
        self.exited.set()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nothing is left of it
            os.killpg(self._process.pid, signal.SIGKILL)
