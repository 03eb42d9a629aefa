"""How the C library manages memory."""

import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1  # of malloc.h
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 32 * 1024**2  # the most that can be asked for


def keep_freed_memory() -> None:
    """Let the C library keep what a large request needed for the next one, where it is glibc.

    It would give a body's pages back to the system after each request, and have each of them made anew and cleared for
    the next: a tenth of what six megabytes of rows cost.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _KEPT_BYTES)
        set_option(_TRIM_THRESHOLD, _KEPT_BYTES)
