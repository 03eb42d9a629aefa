"""Packed trees, ready to be asked."""

import ctypes
from typing import Final

import numpy as np
from numpy.typing import NDArray

from container.native.library import TreesStruct, exponential, function
from container.native.packed import LINKS, PackedTrees
from container.native.plain_csv import most_rows

Rows = NDArray[np.float32]
"""Shape (rows, features). NaN is a missing value."""
_SINGLE: Final = np.dtype(np.float32)


class Evaluator:
    """Answers rows, from any number of threads.

    A share is a class's probability, or a regression's value; `share_count` is how many a row has.
    """

    def __init__(self, trees: PackedTrees, *, missing_allowed: bool) -> None:
        """Without `missing_allowed` a text with an empty field has no answer.

        Raises:
            LibraryMissing: see there.
        """
        self.share_count: Final = 2 if trees.link == "logistic" else trees.output_count
        self._row_shape = (1, trees.feature_count)
        # The structure has their addresses, and does not keep them alive.
        flat = trees.flattened()
        found = trees.values[flat.leaves]
        self._arrays = (*trees.walked(), trees.first_output, trees.values, flat.trees, flat.questions, found)
        self._struct = TreesStruct(
            *(array.ctypes.data for array in self._arrays),
            *(exponential(), len(trees.roots)),
            *(trees.feature_count, trees.output_count, trees.values.shape[1]),
            *(LINKS.index(trees.link), trees.wide, missing_allowed),
            bool((trees.nodes["slot"] >= trees.feature_count).any()),
        )
        self._address = ctypes.addressof(self._struct)
        self._row_shares = ctypes.c_float * self.share_count
        self._answer = function("trees_answer")
        self._answer_texts = function("trees_answer_texts")
        self._answer_row = function("trees_answer_row")
        self._answer_text = function("trees_answer_text")
        self._value_text = function("trees_value_text")

    def positions(self, rows: Rows) -> NDArray[np.int64]:
        """Each row's class: of those whose probability is within 2**-22 of the highest, the first."""
        if rows.shape == self._row_shape and rows.dtype is _SINGLE:
            return np.array([self._ask_row(rows, None)], dtype=np.int64)
        rows = self._checked(rows)
        positions = np.empty(len(rows), dtype=np.int64)
        self._ask(rows, positions, None)
        return positions

    def shares(self, rows: Rows) -> NDArray[np.float32]:
        """Shape (rows, share_count)."""
        if rows.shape == self._row_shape and rows.dtype is _SINGLE:
            share = self._row_shares()
            self._ask_row(rows, share)
            return np.array([share[:]], dtype=np.float32)
        rows = self._checked(rows)
        shares = np.empty((len(rows), self.share_count), dtype=np.float32)
        self._ask(rows, None, shares)
        return shares

    def positions_and_shares(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Both, in the time of one."""
        rows = self._checked(rows)
        positions = np.empty(len(rows), dtype=np.int64)
        shares = np.empty((len(rows), self.share_count), dtype=np.float32)
        self._ask(rows, positions, shares)
        return positions, shares

    def position_of_text(self, body: bytes) -> int:
        """The class of the one row of a plain text; negative when it holds another number of rows, or is not plain."""
        position: int = self._answer_text(self._address, body, len(body))
        return position

    def value_of_text(self, body: bytes) -> float:
        """A regression's value for that row; not finite in the same cases."""
        value: float = self._value_text(self._address, body, len(body))
        return value

    def positions_of_text(self, body: bytes) -> NDArray[np.int64] | None:
        """The classes of all rows of a plain text; None when it is not plain."""
        positions = np.empty(most_rows(body, self._row_shape[1]), dtype=np.int64)
        count = self._ask_texts(body, len(positions), positions, None)
        return positions[:count] if count > 0 else None

    def values_of_text(self, body: bytes) -> NDArray[np.float32] | None:
        """A regression's values for them."""
        values = np.empty(most_rows(body, self._row_shape[1]), dtype=np.float32)
        count = self._ask_texts(body, len(values), None, values)
        return values[:count] if count > 0 else None

    def _ask_texts(
        self, body: bytes, limit: int, positions: NDArray[np.int64] | None, values: NDArray[np.float32] | None
    ) -> int:
        addresses = [None if array is None else array.ctypes.data for array in (positions, values)]
        count: int = self._answer_texts(self._address, body, len(body), limit, *addresses)
        return count

    def _checked(self, rows: Rows) -> Rows:
        if rows.ndim != 2 or rows.shape[1] != self._row_shape[1]:
            raise ValueError(f"rows of shape {rows.shape}, the trees take {self._row_shape[1]} features")
        return np.ascontiguousarray(rows, dtype=np.float32)

    def _ask_row(self, rows: Rows, shares: "ctypes.Array[ctypes.c_float] | None") -> int:
        # An array's address takes longer to find out than the trees take to answer; bytes and arrays of ctypes are
        # handed over as they are.
        position: int = self._answer_row(self._address, rows.tobytes(), shares)
        if position < 0:
            raise MemoryError("no memory to answer a row")
        return position

    def _ask(self, rows: Rows, positions: NDArray[np.int64] | None, shares: NDArray[np.float32] | None) -> None:
        addresses = [None if array is None else array.ctypes.data for array in (positions, shares)]
        if self._answer(self._address, rows.ctypes.data, len(rows), *addresses) != 0:
            raise MemoryError(f"no memory to answer {len(rows)} rows")
