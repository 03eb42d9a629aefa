"""Starts containers of the real image under an engine that needs no service of AWS: podman, or docker."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

from local import processes
from local.sagemaker.launcher import RunningContainer, Workload
from local.sagemaker.process_output import read_lines

# Nothing to write to but /opt/ml and /tmp, and of root's rights those that the server needs to give up the others.
_CONFINED = (
    *("--read-only", "--tmpfs=/tmp", "--security-opt=no-new-privileges"),
    *("--cap-drop=all", "--cap-add=setuid", "--cap-add=setgid", "--cap-add=dac_override"),
)
_COMMAND_SECONDS = 60.0


class EngineMissing(Exception):
    """The engine does not answer, or has no image; the message says what to do."""


class EngineLauncher:
    """Runs ``train`` and ``serve`` of one image.

    Whatever image a job or a model names, this is the one: the embedded cloud's registry holds no layers. Containers
    carry ``owner`` in their names, so that those of a cloud that was killed are found by the next.
    """

    def __init__(self, engine: str, image: str, owner: str) -> None:
        """Raises EngineMissing."""
        self._engine = engine
        self._image = image
        self._owner = owner
        self._running: set[_Container] = set()
        self._lock = threading.Lock()
        if _run(engine, "image", "inspect", image).returncode != 0:
            raise EngineMissing(
                f"{engine} has no image {image}, or does not answer; build it: make image IMAGE_ENGINE={engine}"
            )
        self._remove_left_over()

    def launch(self, workload: Workload, handle_output: Callable[[list[str]], None]) -> RunningContainer:
        """Start it. Raises OSError."""
        name = f"{self._owner}-{uuid.uuid4().hex[:12]}"
        options = [f"--name={name}", *_CONFINED, *_placement(workload)]
        process = processes.spawn(
            [self._engine, "run", "--rm", *options, self._image, workload.entry_point],
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        container = _Container(self._engine, name, process, handle_output, self._forget)
        with self._lock:
            self._running.add(container)
        container.watch()
        return container

    def close(self) -> None:
        """Kill everything that still runs."""
        with self._lock:
            running = list(self._running)
        for container in running:
            container.kill()
        for container in running:
            container.exited.wait()

    def _forget(self, container: "_Container") -> None:
        with self._lock:
            self._running.discard(container)

    def _remove_left_over(self) -> None:
        listed = _run(self._engine, "ps", "--all", "--quiet", f"--filter=name={self._owner}-").stdout.split()
        if listed:
            _run(self._engine, "rm", "--force", *listed)


def _placement(workload: Workload) -> list[str]:
    """Its network, its files and its variables."""
    environment = {**workload.own_environment, **workload.environment}
    if workload.port is None:
        network = ["--network=none"]
    else:
        environment |= {"SAGEMAKER_BIND_TO_PORT": str(workload.port), "SAGEMAKER_MODEL_SERVER_WORKERS": "1"}
        if sys.platform == "linux":
            network = ["--network=host"]
            environment["SERVE_HOST"] = "127.0.0.1"
        else:  # the host of a container is a virtual machine there
            network = [f"--publish=127.0.0.1:{workload.port}:{workload.port}"]
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    return [*network, f"--volume={workload.base_dir}:/opt/ml", *variables]


class _Container:
    """A container, and the engine's process that stays with it."""

    def __init__(
        self,
        engine: str,
        name: str,
        process: "subprocess.Popen[bytes]",
        handle_output: Callable[[list[str]], None],
        forget: Callable[["_Container"], None],
    ) -> None:
        self._engine = engine
        self._name = name
        self._process = process
        self._handle_output = handle_output
        self._forget = forget
        self.exited = threading.Event()

    def watch(self) -> None:
        """Read its output and notice its end, on a thread of its own."""
        threading.Thread(target=self._watch, name=f"watch-{self._name}", daemon=True).start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode if self.exited.is_set() else None

    def terminate(self) -> None:
        self._signal("TERM")

    def kill(self) -> None:
        self._signal("KILL")

    def _signal(self, name: str) -> None:
        # While it is being created there is nothing to signal yet; the engine's process passes on what it gets.
        if self._process.poll() is None and _run(self._engine, "kill", f"--signal={name}", self._name).returncode != 0:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def _watch(self) -> None:
        assert self._process.stdout is not None  # a pipe
        output = os.dup(self._process.stdout.fileno())
        self._process.stdout.close()
        read_lines(output, self._handle_output)
        self._process.wait()
        self._forget(self)
        self.exited.set()


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)
    except OSError as fault:
        raise EngineMissing(f"{command[0]} cannot be run ({fault}); install it, or leave RUNTIME out") from fault
