"""A CSV file in pieces of whole records, so that memory is bounded whatever the file's size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from tables.findings import Finding, UnusableTable

BLOCK_BYTES: Final = 8 * 1024**2
# A row of 10,000 numbers has about 200 kB. Without a limit one file without line ends would fill the memory.
MAXIMUM_RECORD_BYTES: Final = 1024**2
_LINE_END: Final = ord("\n")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WIDE_ENCODINGS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Block:
    """Whole records; the first begins in line `first_row`, counted from 1."""

    content: bytes
    first_row: int


def read_blocks(stream: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The stream's records, a byte order mark dropped. A line end between quotes belongs to its cell.

    Raises:
        UnusableTable: encoded as UTF-16, or a record larger than `MAXIMUM_RECORD_BYTES`.
        OSError, EOFError, zlib.error: what the stream raises.
    """
    row = 1
    while content := _whole_records(stream, size, row):
        if row == 1:
            content = _without_mark(content)
        yield Block(content, row)
        row += count_lines(content)


def count_lines(content: bytes) -> int:
    """How many line ends there are."""
    return int(np.count_nonzero(np.frombuffer(content, dtype=np.uint8) == _LINE_END))


def _whole_records(stream: BinaryIO, size: int, row: int) -> bytes:
    """The next `size` bytes, and what belongs to the last record in them."""
    content = stream.read(size)
    if not content or (content.endswith(b"\n") and b'"' not in content):
        return content
    rest = [content, stream.readline(MAXIMUM_RECORD_BYTES)]
    length = len(rest[-1])
    within_quotes = sum(_quotes(part) for part in rest) % 2
    while (within_quotes or not rest[-1].endswith(b"\n")) and rest[-1]:
        rest.append(stream.readline(MAXIMUM_RECORD_BYTES))
        within_quotes ^= _quotes(rest[-1]) % 2
        length += len(rest[-1])
        if length > MAXIMUM_RECORD_BYTES:
            first = row + count_lines(content)
            raise UnusableTable([Finding("quotes" if within_quotes else "width", _too_long(within_quotes), (first,))])
    return b"".join(rest)


def _quotes(content: bytes) -> int:
    # Looking for one is ten times faster than counting, and most files have none.
    return content.count(b'"') if b'"' in content else 0


def _without_mark(content: bytes) -> bytes:
    if content.startswith(_WIDE_ENCODINGS):
        raise UnusableTable([Finding("encoding", "the file is encoded as UTF-16; save it as UTF-8")])
    return content.removeprefix(_BYTE_ORDER_MARK)


def _too_long(within_quotes: int) -> str:
    if within_quotes:
        return f"a quote is opened and not closed within {MAXIMUM_RECORD_BYTES:,} bytes"
    return f"the line is longer than {MAXIMUM_RECORD_BYTES:,} bytes; are its line ends missing?"
