"""Free ports for serving processes."""

import errno
import itertools
import os
import socket
import threading
from collections.abc import Iterator

# Below the range that Linux and macOS give to outgoing connections: one of those cannot take a port between the moment
# it is chosen and the moment the process listens on it.
_FIRST, _LAST = 20_000, 29_999


class Ports:
    """Hands out ports in turn, so that one is not used again soon."""

    def __init__(self) -> None:
        # Clouds on one machine start at different places.
        start = _FIRST + os.getpid() * 37 % (_LAST - _FIRST)
        self._candidates: Iterator[int] = itertools.cycle([*range(start, _LAST + 1), *range(_FIRST, start)])
        self._lock = threading.Lock()

    def take(self) -> int:
        """A port nobody listens on. Raises OSError when there is none."""
        with self._lock:
            for _ in range(_FIRST, _LAST + 1):
                port: int = next(self._candidates)
                if _is_free(port):
                    return port
        raise OSError(errno.EADDRINUSE, f"no free port from {_FIRST} to {_LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT will do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
