"""application/x-npy: an array of numbers, as `numpy.save` writes it.

Source: numpy.lib.format.
"""

import io
import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from container.predictor import Rows
from container.schema import Schema
from container.serving.records import check_numbers, invalid

# The third version is for names of fields, which an array of numbers does not have.
_HEADERS: Final = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(body: bytes, schema: Schema) -> Rows:
    """An array of shape (rows, features), or (features,) for one row; NaN is a missing value.

    Raises:
        RejectedRequest: 400.
    """
    numbers = _array(body)
    if numbers.ndim == 1:
        numbers = numbers[np.newaxis]
    if numbers.ndim != 2:
        raise invalid(f"the array has {numbers.ndim} dimensions; send rows and columns")
    return check_numbers(numbers, schema)


def _array(body: bytes) -> NDArray[Any]:
    """The array in the body's own memory: nothing is allocated on the word of a header."""
    stream = io.BytesIO(body)
    try:
        shape, in_columns, kind = _HEADERS[np.lib.format.read_magic(stream)](stream, max_header_size=10_000)
    except Exception as fault:  # numpy's readers raise what their parts raise
        raise invalid("the body is not an array of numpy.save, version 1 or 2") from fault
    if kind.kind not in "fiub":
        raise invalid("the array does not hold numbers")
    data = memoryview(body)[stream.tell() :]
    if any(size < 0 for size in shape) or math.prod(shape) * kind.itemsize != len(data):
        raise invalid("the array's data is not as long as its header says")
    return np.frombuffer(data, dtype=kind).reshape(shape, order="F" if in_columns else "C")
