"""The native library as Python calls it.

Calls for one row hold the interpreter: they take less time than another thread needs to give it back. Calls for many
rows let other threads run.
"""

import ctypes
from functools import cache
from typing import Any, Final

from container.native.build import library_path


class LibraryMissing(RuntimeError):
    """The library is not built, or not for this machine."""


class TreesStruct(ctypes.Structure):
    """`struct trees` of trees.h, which says what the fields mean."""

    _fields_ = (
        ("halves", ctypes.c_void_p),
        ("roots", ctypes.c_void_p),
        ("first_output", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("flats", ctypes.c_void_p),
        ("questions", ctypes.c_void_p),
        ("flat_values", ctypes.c_void_p),
        ("exponential", ctypes.c_void_p),
        ("tree_count", ctypes.c_int64),
        ("feature_count", ctypes.c_int32),
        ("output_count", ctypes.c_int32),
        ("width", ctypes.c_int32),
        ("link", ctypes.c_int32),
        ("wide", ctypes.c_int32),
        ("missing_allowed", ctypes.c_int32),
        ("missing_right", ctypes.c_int32),
    )


_POINTER: Final = ctypes.c_void_p
_TEXT: Final = ctypes.c_char_p
_LONG: Final = ctypes.c_int64
_INT: Final = ctypes.c_int32
# Name → arguments, result, whether other threads may run meanwhile.
_FUNCTIONS: Final[dict[str, tuple[tuple[Any, ...], Any, bool]]] = {
    "trees_answer": ((_POINTER, _POINTER, _LONG, _POINTER, _POINTER), _INT, True),
    "trees_answer_texts": ((_POINTER, _TEXT, _LONG, _LONG, _POINTER, _POINTER), _LONG, True),
    "trees_answer_row": ((_POINTER, _TEXT, _POINTER), _LONG, False),
    "trees_answer_text": ((_POINTER, _TEXT, _LONG), _LONG, False),
    "trees_value_text": ((_POINTER, _TEXT, _LONG), ctypes.c_double, False),
    "csv_read": ((_TEXT, _LONG, _INT, _INT, _POINTER, _LONG), _LONG, True),
}


def exponential() -> int:
    """The address of the C library's `expf`, which this process has loaded."""
    return ctypes.cast(ctypes.CDLL(None)["expf"], ctypes.c_void_p).value or 0


@cache
def function(name: str) -> Any:  # noqa: ANN401 - ctypes' function pointers differ per library
    """The library's function.

    Raises:
        LibraryMissing: see there.
    """
    arguments, result, threads = _FUNCTIONS[name]
    path = library_path()
    try:
        called = (ctypes.CDLL if threads else ctypes.PyDLL)(str(path))[name]
    except OSError as fault:
        raise LibraryMissing(
            f"the native library cannot be loaded: {fault}; `python -m container.native.build` builds it, and needs "
            "a C compiler"
        ) from fault
    called.argtypes, called.restype = arguments, result
    return called
