"""Gives memory back to the system as soon as it is free: a training instance is chosen by its peak."""

import ctypes
import sys
import tempfile
from typing import Final

import numpy as np

from container.predictor import Rows

# Else glibc takes matrices of up to 32 MB from a heap that shrinks only from its end.
_MAPPED_FROM_BYTES: Final = 1024**2
_M_MMAP_THRESHOLD: Final = -3  # malloc.h
_ASIDE_FROM_BYTES: Final = 16 * 1024**2


def return_freed_memory() -> None:
    """Large arrays get memory of their own from now on, where the system's C library can do that."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)


def set_aside(rows: Rows) -> Rows:
    """The same rows in a file that nobody else sees: they take no memory until they are looked at again."""
    if rows.nbytes < _ASIDE_FROM_BYTES:
        return rows
    with tempfile.TemporaryFile() as file:
        rows.tofile(file)
        file.flush()
        return np.asarray(np.memmap(file, dtype=rows.dtype, mode="c", shape=rows.shape))
