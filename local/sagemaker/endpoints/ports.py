"""Free ports for serving processes."""

import errno
import fcntl
import os
import socket
import tempfile
import threading
import weakref
from collections import deque
from pathlib import Path

# Below the range that Linux and macOS give to outgoing connections: one of those cannot take a port between the moment
# it is chosen and the moment the process listens on it.
_FIRST, _COUNT = 20_000, 10_000
# Another cloud could: it would find the port free as well, take what listens there for its own process, and have
# another model answer. So many of the last ports are locked for others; by then the processes listen.
_LOCKED = 64


class Ports:
    """Hands out ports in turn, so that one is not used again soon; never one that another cloud was just given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Clouds on one machine start at different places.
        self._next = _FIRST + os.getpid() * 37 % _COUNT
        self._folder = Path(tempfile.gettempdir()) / f"mlops-ports-{os.getuid()}"
        self._locked: deque[int] = deque()  # open files
        weakref.finalize(self, _close, self._locked)

    def take(self) -> int:
        """A port nobody listens on. Raises OSError when there is none."""
        with self._lock:
            for _ in range(_COUNT):
                port, self._next = self._next, _FIRST + (self._next + 1 - _FIRST) % _COUNT
                if self._locks(port):
                    return port
        raise OSError(errno.EADDRINUSE, f"no free port from {_FIRST} to {_FIRST + _COUNT - 1}")

    def _locks(self, port: int) -> bool:
        """Whether the port is free, and no other cloud's."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(self._folder / str(port), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        if not _is_free(port):
            os.close(file)
            return False
        self._locked.append(file)
        if len(self._locked) > _LOCKED:
            os.close(self._locked.popleft())
        return True


def _close(files: deque[int]) -> None:
    while files:
        os.close(files.popleft())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT will do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
