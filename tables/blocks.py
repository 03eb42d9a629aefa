"""A CSV file in pieces of whole records, so that memory is bounded whatever the file's size."""

import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from tables.findings import Finding, UnusableTable

BLOCK_BYTES: Final = 8 * 1024**2
# Smaller, because its cells are looked at as texts first.
FIRST_BLOCK_BYTES: Final = 1024**2
# A row of 10,000 numbers has about 200 kB. Without a limit one file without line ends would fill the memory.
MAXIMUM_RECORD_BYTES: Final = 1024**2
_CELL_BEFORE: Final = np.frombuffer(b",;\t\n", dtype=np.uint8)
_QUOTED_CELL: Final = re.compile(rb'(?:\A|(?<=[,;\t\n]))"[^"]*(?:""[^"]*)*("|\Z)')
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WIDE_ENCODINGS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Block:
    """Whole records; the first begins in line `first_row`, counted from 1."""

    content: bytes
    first_row: int


def read_blocks(stream: BinaryIO) -> Iterator[Block]:
    """The stream's records, a byte order mark dropped. A line end between quotes belongs to its cell.

    Raises:
        UnusableTable: encoded as UTF-16, or a record larger than `MAXIMUM_RECORD_BYTES`.
        OSError, EOFError, zlib.error: what the stream raises.
    """
    first = next(_blocks(stream, min(FIRST_BLOCK_BYTES, BLOCK_BYTES), 1), None)
    if first is not None:
        yield Block(_without_mark(first.content), 1)
        yield from _blocks(stream, BLOCK_BYTES, 1 + count_lines(first.content))


def split_block(block: Block, size: int) -> Iterator[Block]:
    """The block in smaller ones."""
    return _blocks(io.BytesIO(block.content), size, block.first_row)


def count_lines(content: bytes) -> int:
    """How many line ends there are."""
    return content.count(b"\n")


def _blocks(stream: BinaryIO, size: int, row: int) -> Iterator[Block]:
    while content := _whole_records(stream, size, row):
        yield Block(content, row)
        row += count_lines(content)


def _whole_records(stream: BinaryIO, size: int, row: int) -> bytes:
    """The next `size` bytes, and what belongs to the last record in them."""
    content = stream.read(size)
    if content and not content.endswith(b"\n"):
        rest = stream.readline(MAXIMUM_RECORD_BYTES)
        if len(rest) == MAXIMUM_RECORD_BYTES:
            fault = f"the line is longer than {MAXIMUM_RECORD_BYTES:,} bytes; are its line ends missing?"
            raise UnusableTable([Finding("width", fault, (row + count_lines(content),))])
        content += rest
    opened = _open_quote(content)
    return content if opened is None else content + _until_closed(stream, row + content.count(b"\n", 0, opened))


def _until_closed(stream: BinaryIO, opened_in: int) -> bytes:
    """The lines up to the one that closes the quote."""
    lines, length, within_quotes = [], 0, True
    while within_quotes and (line := stream.readline(MAXIMUM_RECORD_BYTES)):
        lines.append(line)
        length += len(line)
        within_quotes ^= line.count(b'"') % 2 == 1
        if length > MAXIMUM_RECORD_BYTES:
            fault = f"a quote is opened and not closed within {MAXIMUM_RECORD_BYTES:,} bytes"
            raise UnusableTable([Finding("quotes", fault, (opened_in,))])
    return b"".join(lines)


def _open_quote(content: bytes) -> int | None:
    """Where the quote stands that opens a cell and is not closed. A quote inside a cell is one of its characters."""
    if b'"' not in content:
        return None
    characters = np.frombuffer(content, dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    # A doubled quote closes and opens at once: its halves are neighbours.
    doubled = np.append(False, closing[: len(opening) - 1] + 1 == opening[1:])
    if bool((doubled | (opening == 0) | np.isin(characters[opening - 1], _CELL_BEFORE)).all()):
        return int(opening[~doubled][-1]) if len(quotes) % 2 else None
    last = deque(_QUOTED_CELL.finditer(content), maxlen=1)
    return None if not last or last[0][1] else last[0].start()


def _without_mark(content: bytes) -> bytes:
    if content.startswith(_WIDE_ENCODINGS):
        raise UnusableTable([Finding("encoding", "the file is encoded as UTF-16; save it as UTF-8")])
    return content.removeprefix(_BYTE_ORDER_MARK)
