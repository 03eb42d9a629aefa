"""A process that has imported a container's packages and forks a container from itself when told to.

Run as a script, by `warm_launcher`, with a Unix socket to the server as its standard input:
``nursery.py PROJECT_ROOT IDLE_SECONDS MODULE…``. It imports the modules, forgets those of the project itself (so that a
container always runs the code as it is now) and obeys orders:

    server → nursery   {"order": "start", "id", "arguments", "environment", "folder"} with the descriptor of the output
                       {"order": "signal", "id", "number", "group"}
    nursery → server   {"event": "ready"} · {"event": "unusable", "reason"} · {"event": "started", "id", "pid"}
                       {"event": "ended", "id", "exit_code"}

Only the standard library is imported here, and nothing of the embedded cloud. One thread, so that forking is safe and
the kernel's parent-death signal of the containers, which is tied to the thread that forks, means this process.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_LENGTH_BYTES = 4
Message = dict[str, Any]


def send(connection: socket.socket, message: Message, descriptor: int | None = None) -> None:
    """One message, its length first; the descriptor travels with the length. Raises OSError."""
    content = json.dumps(message).encode()
    length = len(content).to_bytes(_LENGTH_BYTES, "big")
    if descriptor is None:
        connection.sendall(length)
    else:
        socket.send_fds(connection, [length], [descriptor])
    connection.sendall(content)


def receive(connection: socket.socket) -> tuple[Message | None, int | None]:
    """One message and its descriptor; no message when the other side is gone. Raises OSError."""
    length, descriptors, _, _ = socket.recv_fds(connection, _LENGTH_BYTES, 1)
    content = _exactly(connection, int.from_bytes(length, "big")) if len(length) == _LENGTH_BYTES else b""
    message: Message | None = json.loads(content) if content else None
    return message, descriptors[0] if descriptors else None


def _exactly(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = connection.recv(count - len(content))
        if not part:
            return b""
        content += part
    return content


class Nursery:
    """Starts, signals and reaps containers."""

    def __init__(self, server: socket.socket, idle_seconds: float) -> None:
        self._server = server
        self._idle_seconds = idle_seconds
        self._containers: dict[int, int] = {}
        """Order id to process id, of those that run."""
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)

    def obey(self) -> Message | None:
        """Until the server is gone, or nothing has run for the idle time: None. In a new container: its order."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_writer)
        while True:
            timeout = None if self._containers else self._idle_seconds
            server = self._server.fileno()
            readable, _, _ = select.select([server, self._wake_reader], [], [], timeout)
            if not readable:
                return None
            if self._wake_reader in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_reader, 4096)
                self._reap()
            if server in readable:
                message, output = receive(self._server)
                if message is None:
                    self._kill_all()
                    return None
                if message["order"] == "signal":
                    self._signal(message)
                elif self._start(message, output):
                    return message

    def _start(self, message: Message, output: int | None) -> bool:
        """Whether this is the container."""
        nursery_pid = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_container(nursery_pid, message, output)
            return True
        if output is not None:
            os.close(output)
        self._containers[message["id"]] = pid
        send(self._server, {"event": "started", "id": message["id"], "pid": pid})
        return False

    def _become_container(self, nursery_pid: int, message: Message, output: int | None) -> None:
        os.setsid()
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            libc.prctl(_PR_SET_NAME, f"container-{message['arguments'][0]}".encode())  # for ps and top
        if os.getppid() != nursery_pid:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._wake_reader, self._wake_writer):
            os.close(descriptor)
        self._server.close()
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
        os.environ.clear()
        os.environ.update(message["environment"])
        os.chdir(message["folder"])

    def _signal(self, message: Message) -> None:
        pid = self._containers.get(message["id"])
        if pid is not None:
            # Not reaped yet, so the number is still this container's.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.killpg if message["group"] else os.kill)(pid, message["number"])

    def _reap(self) -> None:
        for order, pid in list(self._containers.items()):
            reaped, status = os.waitpid(pid, os.WNOHANG)
            if reaped == 0:
                continue
            del self._containers[order]
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # what it left behind
            send(self._server, {"event": "ended", "id": order, "exit_code": os.waitstatus_to_exitcode(status)})

    def _kill_all(self) -> None:
        for pid in self._containers.values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _import_packages(project_root: Path, modules: list[str]) -> None:
    """Import the modules, then forget what belongs to the project."""
    sys.path[0] = str(project_root)  # instead of this script's folder
    for name in modules:
        importlib.import_module(name)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(project_root) and name != "__main__" and not _is_installed(file):
            del sys.modules[name]
    gc.collect()
    gc.freeze()  # pages that the collector does not touch stay shared with the containers


def _is_installed(file: str) -> bool:
    """Whether it lies in an environment, which may itself lie inside the project."""
    return "site-packages" in Path(file).parts


def _run_container(order: Message) -> None:
    """As ``python -m container ARGUMENTS`` would, in this process."""
    sys.argv = ["container", *order["arguments"]]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else every container would draw the same numbers
    importlib.invalidate_caches()
    runpy.run_module("container", run_name="__main__", alter_sys=True)


def main() -> None:
    """Import, then obey; in a container: run it."""
    server = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        _import_packages(Path(sys.argv[1]), sys.argv[3:])
    except Exception:
        send(server, {"event": "unusable", "reason": traceback.format_exc()})
        return
    try:
        send(server, {"event": "ready"})
        order = Nursery(server, float(sys.argv[2])).obey()
    except ConnectionError:  # the server is gone; the kernel ends the containers
        return
    if order is not None:
        _run_container(order)


if __name__ == "__main__":
    main()
