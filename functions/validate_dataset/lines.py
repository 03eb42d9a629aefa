"""Lines of text from chunks of bytes, with bounded memory."""

from collections.abc import Iterable, Iterator

# A row of 10,000 numbers has about 200 kB. Without a limit one file without line ends would fill the memory.
MAXIMUM_LINE_BYTES = 1024**2

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")


class UnreadableLine(ValueError):
    """A line that is no text of ours. `row` counts lines from 1."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


def read_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a UTF-8 file without their line ends; a byte order mark is dropped.

    Raises:
        UnreadableLine: at the first line that is not UTF-8, holds a NUL or a lone carriage return, or is longer
            than `MAXIMUM_LINE_BYTES`.
    """
    for row, line in enumerate(_split(chunks), start=1):
        yield _decode(row, line.removeprefix(_BYTE_ORDER_MARK) if row == 1 else line)


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest, rows = b"", 0
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        rows += len(lines)
        yield from lines
        if len(rest) > MAXIMUM_LINE_BYTES:
            raise UnreadableLine(rows + 1, _TOO_LONG)
    if rest:
        yield rest


def _decode(row: int, line: bytes) -> str:
    if len(line) > MAXIMUM_LINE_BYTES:
        raise UnreadableLine(row, _TOO_LONG)
    if line.startswith(_WIDE_ENCODINGS):
        raise UnreadableLine(row, "the file is encoded as UTF-16; save it as UTF-8")
    if b"\0" in line:
        raise UnreadableLine(row, f"a NUL byte at position {line.index(0)}; a dataset is plain text in UTF-8")
    line = line.removesuffix(b"\r")
    if b"\r" in line:
        raise UnreadableLine(row, "a carriage return inside the line; end lines with LF or CR LF")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as fault:
        byte = line[fault.start]
        raise UnreadableLine(
            row, f"byte 0x{byte:02X} at position {fault.start} is not UTF-8; save the file as UTF-8"
        ) from fault


_TOO_LONG = f"the line is longer than {MAXIMUM_LINE_BYTES:,} bytes; are its line ends missing?"
