"""Free ports for serving processes."""

import errno
import os
import socket
import threading

# Below the range that Linux and macOS give to outgoing connections: one of those cannot take a port between the moment
# it is chosen and the moment the process listens on it.
_FIRST, _COUNT = 20_000, 10_000


class Ports:
    """Hands out ports in turn, so that one is not used again soon."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Clouds on one machine start at different places.
        self._next = _FIRST + os.getpid() * 37 % _COUNT

    def take(self) -> int:
        """A port nobody listens on. Raises OSError when there is none."""
        with self._lock:
            for _ in range(_COUNT):
                port, self._next = self._next, _FIRST + (self._next + 1 - _FIRST) % _COUNT
                if _is_free(port):
                    return port
        raise OSError(errno.EADDRINUSE, f"no free port from {_FIRST} to {_FIRST + _COUNT - 1}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT will do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
