"""Gives memory back to the system as soon as it is free: a training instance is chosen by its peak."""

import ctypes
import sys
from typing import Final

# Else glibc takes matrices of up to 32 MB from a heap that shrinks only from its end.
_MAPPED_FROM_BYTES: Final = 1024**2
_M_MMAP_THRESHOLD: Final = -3  # malloc.h


def return_freed_memory() -> None:
    """Large arrays get memory of their own from now on, where the system's C library can do that."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
