"""How a CSV file is written: what separates its cells, and whether its first record holds the columns' names."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.settings import DataSettings
from tables.cells import MissingMarks, number_fault
from tables.findings import Finding, UnusableTable

SEPARATORS: Final = (",", ";", "\t")
_SAMPLE_BYTES: Final = 256 * 1024
_SAMPLE_RECORDS: Final = 500
Record = list[str]


@dataclass(frozen=True)
class Dialect:
    """Cells are quoted with `"`, doubled inside quotes (RFC 4180)."""

    separator: str
    header: bool


def detect_dialect(content: bytes, settings: DataSettings) -> Dialect:
    """What is declared holds; the rest is seen in the beginning of the file.

    Raises:
        UnusableTable: it cannot be told whether there is a header.
    """
    sample = _whole_lines(content).decode("utf-8", errors="replace")
    separator = settings.separator or _separator(sample)
    header = settings.header
    if header is None:
        header = _has_header(_records(sample, separator), settings.label, MissingMarks(settings.missing_values))
    return Dialect(separator, header)


def _whole_lines(content: bytes) -> bytes:
    sample = content[:_SAMPLE_BYTES]
    end = sample.rfind(b"\n")
    return sample if len(sample) == len(content) or end < 0 else sample[:end]


def _records(sample: str, separator: str) -> list[Record]:
    records: list[Record] = []
    try:
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            if record:
                records.append([cell.strip() for cell in record])
            if len(records) == _SAMPLE_RECORDS:
                break
    except csv.Error:
        pass  # told with its place when the records are read
    return records


def _separator(sample: str) -> str:
    """The one that gives most records the same number of cells, more than one; between equals the most numbers."""

    def agreement(separator: str) -> tuple[float, int, int]:
        records = _records(sample, separator)
        widths = Counter(map(len, records))
        width, times = widths.most_common(1)[0] if widths else (1, 0)
        # Where the comma stands before decimals, another separates.
        numbers = sum(_is_number(cell.replace(",", ".", 1)) for record in records[:50] for cell in record)
        return (times / widths.total(), numbers, width) if width > 1 else (0.0, 0, 1)

    return max(SEPARATORS, key=agreement)


def _has_header(records: Sequence[Record], label: int | str, missing: MissingMarks) -> bool:
    if not records:
        return False
    first, rest = records[0], [record for record in records[1:] if len(record) == len(records[0])]
    if isinstance(label, str) and label in first:
        return True
    if any(cell in missing or _is_number(cell) for cell in first):
        return False
    columns = [[record[position] for record in rest] for position in range(len(first))]
    if not rest or any(_are_numbers(column, missing) for column in columns):
        return True
    if len(set(first)) < len(first) or any(cell in column for cell, column in zip(first, columns, strict=True)):
        return False
    raise UnusableTable(
        [
            Finding(
                "header",
                "no column holds numbers, so it cannot be told whether this line holds the columns' names; "
                "set `header = true` or `header = false` under [data]",
                (1,),
            )
        ]
    )


def _are_numbers(cells: Sequence[str], missing: MissingMarks) -> bool:
    told = [cell for cell in cells if cell not in missing]
    # One damaged cell does not make a column of numbers a column of texts.
    return bool(told) and 2 * sum(map(_is_number, told)) > len(told)


def _is_number(cell: str) -> bool:
    return number_fault(cell) is None
