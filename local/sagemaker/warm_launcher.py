"""Starts containers from processes that have imported their packages already.

Importing what training needs takes two seconds, what serving needs a third of one. A nursery pays that once; a
container forked from it is there in a tenth of a second and shares its memory. It runs the same entry point with the
same arguments and environment as a fresh process. Whatever a nursery cannot do, a fresh process does.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from local import processes
from local.sagemaker import nursery
from local.sagemaker.forked_container import ForkedContainer, NurseryGone
from local.sagemaker.launcher import EntryPoint, Launcher, RunningContainer, Workload, inherited, process_environment

log = logging.getLogger(__name__)

_MODULES: dict[EntryPoint, tuple[str, ...]] = {
    "serve": ("container.serving.entry",),
    "train": ("container.training.job",),
}
"""What each entry point imports when it runs."""

# A nursery that nobody needs gives its memory back.
_IDLE_SECONDS = 900.0


class WarmLauncher:
    """A launcher that asks nurseries first and ``cold`` second."""

    def __init__(self, project_root: Path, cold: Launcher, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._project_root = project_root
        self._cold = cold
        self._idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._nurseries: dict[EntryPoint, _Nursery] = {}
        self._closed = False

    def warm_up(self) -> None:
        """Have the nurseries ready soon; returns at once."""
        for entry_point in _MODULES:
            self._nursery(entry_point)

    def launch(self, workload: Workload, handle_output: Callable[[list[str]], None]) -> RunningContainer:
        # Libraries read variables when they are imported: with some of one's own, only a fresh process is the same.
        if not workload.own_environment:
            for _ in range(2):  # a nursery may be ending because it was idle: then there is a new one
                try:
                    return self._nursery(workload.entry_point).start(workload, handle_output)
                except NurseryGone:
                    continue
        return self._cold.launch(workload, handle_output)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            nurseries = list(self._nurseries.values())
        for each in nurseries:
            each.close()
        self._cold.close()

    def _nursery(self, entry_point: EntryPoint) -> "_Nursery":
        with self._lock:
            if self._closed:
                raise OSError("the launcher is closed")
            current = self._nurseries.get(entry_point)
            if current is None or (current.gone.is_set() and not current.unusable):
                modules = _MODULES[entry_point]
                current = self._nurseries[entry_point] = _Nursery(self._project_root, modules, self._idle_seconds)
            return current


class _Nursery:
    """The server's side of one nursery process."""

    def __init__(self, project_root: Path, modules: tuple[str, ...], idle_seconds: float) -> None:
        self._project_root = project_root
        self._lock = threading.Lock()
        self._next_id = 0
        self._containers: dict[int, ForkedContainer] = {}
        self._ready = threading.Event()
        self.gone = threading.Event()
        self.unusable = False
        """Its modules cannot be imported: a new one would fail as well."""
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        script = [sys.executable, nursery.__file__, str(project_root), str(idle_seconds), *modules]
        with theirs:
            self._process = processes.spawn(
                script,
                cwd=project_root,
                env=inherited(),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, name=f"nursery-{self._process.pid}", daemon=True).start()

    def start(self, workload: Workload, handle_output: Callable[[list[str]], None]) -> RunningContainer:
        """Raises NurseryGone."""
        self._ready.wait()
        reader, writer = os.pipe()
        with self._lock:
            container = ForkedContainer(self._next_id, reader, handle_output, self._order)
            self._containers[self._next_id] = container
            self._next_id += 1
        order = {
            "order": "start",
            "id": container.id,
            "arguments": [workload.entry_point],
            "environment": process_environment(workload),
            "folder": str(self._project_root),
        }
        try:
            self._order(order, writer)
        except NurseryGone:
            os.close(reader)
            with self._lock:
                del self._containers[container.id]
            raise
        finally:
            os.close(writer)
        container.watch()
        container.answered.wait()
        if container.pid is None:
            raise NurseryGone
        return container

    def close(self) -> None:
        """Kill every container, then the nursery."""
        with self._lock:
            containers = list(self._containers.values())
        for container in containers:
            container.kill()
        for container in containers:
            container.exited.wait()
        self._process.kill()
        self.gone.wait()

    def _order(self, message: nursery.Message, descriptor: int | None = None) -> None:
        with self._lock:
            try:
                nursery.send(self._connection, message, descriptor)
            except OSError as fault:
                raise NurseryGone from fault

    def _listen(self) -> None:
        while (message := self._next_message()) is not None:
            if message["event"] == "unusable":
                self.unusable = True
                log.warning("containers start cold, for this cannot be imported:\n%s", message["reason"])
            elif message["event"] == "ready":
                self._ready.set()
            elif message["event"] == "started":
                self._containers[message["id"]].begin(message["pid"])
            else:
                self._containers.pop(message["id"]).end(message["exit_code"])
        self._process.kill()  # if it has not ended by itself
        self._process.wait()
        self.gone.set()
        with self._lock:
            self._connection.close()
            orphans = list(self._containers.values())
        for container in orphans:
            container.lose()
        self._ready.set()

    def _next_message(self) -> nursery.Message | None:
        try:
            return nursery.receive(self._connection)[0]
        except OSError:
            return None
