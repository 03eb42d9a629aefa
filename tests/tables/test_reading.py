import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.settings import DataSettings
from tables import blocks, reader
from tables.files import table_files
from tables.reader import TableReader
from tests.tables.tabling import read, write


@pytest.mark.parametrize("text", ["0,1.5,a\n1,,b\n", "0;1.5;a\n1;;b\n", "0\t1.5\ta\n1\t\tb\n"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_separator_is_seen(tmp_path: Path, text: str, ending: str, mark: str) -> None:
    rows, findings = read(write(tmp_path, mark + text.replace("\n", ending)))
    assert (rows, findings) == ([("0", 1.5, "a"), ("1", None, "b")], [])


def test_numbers_with_a_decimal_comma_are_refused_with_a_hint(tmp_path: Path) -> None:
    settings = DataSettings.model_validate({"columns": {"1": {"type": "number"}}})
    _, findings = read(write(tmp_path, "1;2,5\n0;3,5\n"), settings)
    assert findings == ['rows 1 and 2, column 1: "2,5" is not a number; write a point before decimals [type]']


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("0,1.5\n1,2.5\n", False),
        ("label,size\n0,1.5\n1,2.5\n", True),
        ("label,size\n0,x\n1,2.5\n1,3.5\n", True),  # one damaged cell does not hide the header
        ("red,1.5\nblue,2.5\n", False),
        ("yes,red\nno,blue\nyes,red\n", False),  # a text of the first line comes again below it
        ("label,size\n", True),
    ],
)
def test_a_header_is_seen(tmp_path: Path, text: str, header: bool) -> None:
    reading = TableReader(DataSettings())
    list(reading.frames(table_files(write(tmp_path, text))))
    assert (reading.columns.names is not None) is header


def test_where_a_header_cannot_be_seen_people_are_asked(tmp_path: Path) -> None:
    text = "answer,colour\nyes,red\nno,blue\n"
    _, findings = read(write(tmp_path, text))
    assert "set `header = true` or `header = false` under [data]" in findings[0]
    assert read(tmp_path, DataSettings(header=True)) == ([("yes", "red"), ("no", "blue")], [])
    assert len(read(tmp_path, DataSettings(header=False))[0]) == 3


def test_a_label_by_name_names_the_header(tmp_path: Path) -> None:
    text = "answer,colour\nyes,red\nno,blue\n"
    assert read(write(tmp_path, text), DataSettings(label="answer")) == ([("yes", "red"), ("no", "blue")], [])


def test_quoted_cells_hold_what_separates_others(tmp_path: Path) -> None:
    text = 'y,"say ""size""",z\n"a\nb",2,"x, y"\n c ,"3"," z "\n'
    reading = TableReader(DataSettings(header=True))
    (frame,) = reading.frames(table_files(write(tmp_path, text)))
    assert reading.columns.names == ("y", 'say "size"', "z")
    assert frame.data.rows() == [("a\nb", 2.0, "x, y"), ("c", 3.0, "z")]
    assert [frame.row_of(index) for index in (0, 1)] == [2, 4]


@pytest.mark.parametrize("cell", ["", '""', "nan", "NaN", " NAN ", "  ", "NA", "na", '"N/A"', "null"])
def test_missing_values_however_they_are_written(tmp_path: Path, cell: str) -> None:
    rows, findings = read(write(tmp_path, f"0,1,a\n1,{cell},{cell}\n"))
    assert (rows, findings) == ([("0", 1.0, "a"), ("1", None, None)], [])


def test_the_settings_may_name_other_marks_of_a_missing_value(tmp_path: Path) -> None:
    write(tmp_path, "0,1,a\n1,-999,?\n0,2,NA\n")
    rows, findings = read(tmp_path, DataSettings(missing_values=("?", "-999")))
    assert (rows, findings) == ([("0", 1.0, "a"), ("1", None, None), ("0", 2.0, "NA")], [])


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("0,1\n1,2,3\n", "row 2: 3 cells instead of 2 [width]"),
        ("0,1,2\n1,2\n0,1,\n", "row 2: 2 cells instead of 3 [width]"),
        ("0,1\n   \n", "row 2: 1 cell instead of 2 [width]"),
        ("0,1\n1,x\n0,3\n", 'row 2, column 1: "x" is not a number [type]'),
        ("0,1\n1,1_0\n0,3\n", 'row 2, column 1: "1_0" is not a number [type]'),
        ("0,1\n1,?\n0,3\n", "leave the cell empty where a value is missing, or set missing_values [type]"),
        ("0,1\n1,-inf\n0,3\n", 'row 2, column 1: "-inf" is infinite [infinite]'),
        ("0,1\n1,1e39\n0,3\n", 'row 2, column 1: "1e39" is too large for single precision [infinite]'),
        ("0,1\n1,1e400\n0,3\n", 'row 2, column 1: "1e400" is too large for single precision [infinite]'),
        ('0,1\n"1,2\n', "row 2: not readable as CSV: unexpected end of data [quotes]"),
        ('0,1\n1,2"3\n0,4\n', 'row 2, column 1: "2"3" is not a number [type]'),
        ('0,a\n1,"b" c\n', "row 2: not readable as CSV"),
        (b"0,1\n1,\xff\n", "row 2: byte 0xFF is not UTF-8; save the file as UTF-8 [encoding]"),
        (b"0,1\n1,\x00\n", "row 2: a NUL byte; a dataset is plain text in UTF-8 [encoding]"),
        (b"0,1\r1,2\n", "row 1: a carriage return inside the line; end lines with LF or CR LF [encoding]"),
        ("0,1\n".encode("utf-16"), "the file is encoded as UTF-16; save it as UTF-8 [encoding]"),
        ("a,b,a\n1,2,3\n", 'row 1, column "a": another column has the same name [header]'),
        ("0\n1\n", "row 1: there is one column; a dataset has a label and at least one feature [width]"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str | bytes, finding: str) -> None:
    _, findings = read(write(tmp_path, text))
    assert finding in "".join(findings)


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    rows, findings = read(write(tmp_path, "\n0,1\n\n1,2\n\n1,x\n\n"))
    assert len(rows) == 3
    assert findings == ['row 6, column 1: "x" is not a number [type]']


OPEN_QUOTE = '0,1\n0,"' + "2\n" * blocks.MAXIMUM_RECORD_BYTES


def test_a_quote_that_stays_open_is_told(tmp_path: Path) -> None:
    _, findings = read(write(tmp_path, OPEN_QUOTE[:200_000]))
    assert "row 2: not readable as CSV: a cell is longer than 131,072 characters; is a quote not closed?" in findings[0]


def test_an_open_quote_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1024)
    _, findings = read(write(tmp_path, OPEN_QUOTE))
    assert (
        f"row 2: a quote is opened and not closed within {blocks.MAXIMUM_RECORD_BYTES:,} bytes [quotes]" in findings[0]
    )


def test_a_file_without_line_ends_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1024)
    _, findings = read(write(tmp_path, "1," * blocks.MAXIMUM_RECORD_BYTES))
    assert "are its line ends missing? [width]" in findings[0]


def test_compressed_files_and_parquet_read_alike(tmp_path: Path) -> None:
    text = "kind,size,ok,when\nred,1.5,true,2020-01-01\nblue,,false,\nred,2.5,,2020-01-03\n"
    write(tmp_path / "plain", text)
    write(tmp_path / "packed", gzip.compress(text.encode()), "data.csv.gz")
    (tmp_path / "parquet").mkdir()
    pl.read_csv(text.encode(), try_parse_dates=True).write_parquet(tmp_path / "parquet" / "data.parquet")
    expected = (
        [("red", 1.5, "true", "2020-01-01"), ("blue", None, "false", None), ("red", 2.5, None, "2020-01-03")],
        [],
    )
    for folder in ("plain", "packed", "parquet"):
        assert read(tmp_path / folder) == expected


@pytest.mark.parametrize("name", ["data.csv.gz", "data.parquet"])
def test_a_damaged_file_is_told(tmp_path: Path, name: str) -> None:
    _, findings = read(write(tmp_path, b"damaged" * 100, name))
    assert findings[0].startswith(f"not readable as {name.removeprefix('data')}")
    assert findings[0].endswith("[format]")


def test_half_of_a_compressed_file_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(b"0,1.5\n1,2.5\n" * 1000)
    _, findings = read(write(tmp_path, packed[: len(packed) // 2], "data.csv.gz"))
    assert "not readable as .csv.gz" in findings[0]


def test_a_parquet_column_that_is_no_cell_is_told(tmp_path: Path) -> None:
    pl.DataFrame({"kind": ["a", "b"], "sizes": [[1, 2], [3]]}).write_parquet(tmp_path / "data.parquet")
    _, findings = read(tmp_path)
    assert findings == [
        'column "sizes": the column is of type List(Int64); a column holds numbers, true and false, or text [type]'
    ]


def test_several_files_are_one_table_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    write(tmp_path, "kind,size,colour\na,1,red\n", "1.csv")
    write(tmp_path, "colour,kind,size\nblue,b,2\n", "2.csv")
    write(tmp_path / "more", "size;colour;kind\n3;red;a\n", "3.CSV")
    write(tmp_path, "not a table", "notes.txt")
    pl.DataFrame({"size": [4], "kind": ["b"], "colour": ["blue"]}).write_parquet(tmp_path / "9.parquet")
    rows, findings = read(tmp_path)
    assert sorted(rows) == [("a", 1.0, "red"), ("a", 3.0, "red"), ("b", 2.0, "blue"), ("b", 4.0, "blue")]
    assert findings == []


def test_files_with_other_columns_are_told_by_name(tmp_path: Path) -> None:
    write(tmp_path, "kind,size\na,1\n", "1.csv")
    write(tmp_path, "kind,length\nb,2\n", "2.csv")
    write(tmp_path, "b,2\n", "3.csv")
    assert read(tmp_path)[1] == [
        '2.csv, row 1: the header has other columns than the first file (missing: "size"; new: "length") [columns]',
        "3.csv, row 1: this file has no header, the first has one [header]",
    ]


def test_faults_of_one_kind_are_told_as_one(tmp_path: Path) -> None:
    text = "".join(f"{n % 2},{'x' if n % 3 else n}\n" for n in range(60)) + "0,1\n" * 100
    assert read(write(tmp_path, text))[1] == ['rows 2, 3, 5, 6, 8 and 35 more, column 1: "x" is not a number [type]']


CELL = st.one_of(st.text('019.eE+-_ naNif٣x"', max_size=6), st.floats(allow_infinity=False).map(repr), st.just(""))


@given(st.lists(st.tuples(st.sampled_from("01"), CELL), min_size=1, max_size=30))
def test_the_quick_way_and_the_careful_way_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    folder = write(
        tmp_path_factory.mktemp("data"), "".join(f"{label},1,{cell}\n" for label, cell in [("0", "1"), *cells])
    )
    quick = read(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "parse_quickly", lambda *_: None)
        assert read(folder) == quick


@example(lines=["00,\n\r"], size=8)
@given(lines=st.lists(st.text('0,;"\n\rab. ', max_size=30), max_size=20), size=st.integers(8, 200))
def test_blocks_of_any_size_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int
) -> None:
    folder = write(tmp_path_factory.mktemp("data"), "0,1\n" + "\n".join(lines))
    text = {"columns": {"1": {"type": "category"}}}  # else the first block decides how the column is kept
    settings = DataSettings.model_validate({"header": False, "separator": ",", **text})
    whole = read(folder, settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        rows, findings = read(folder, settings)
    if not whole[1]:
        assert (rows, findings) == whole
    assert bool(findings) == bool(whole[1])


@pytest.mark.parametrize("size", [16, 50, 200, 4_000])
def test_a_quote_inside_a_cell_is_one_of_its_characters_wherever_a_block_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    lines = [f'{n % 2},{n},pipe {n % 3}" long' + (' "x"' if n % 5 == 0 else "") for n in range(100)]
    expected = [(str(n % 2), float(n), lines[n].split(",")[2]) for n in range(100)]
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    assert read(write(tmp_path, "\n".join(lines)), DataSettings(header=False)) == (expected, [])


@pytest.mark.parametrize("size", [16, 64, 1_000])
def test_a_quote_that_is_opened_in_one_block_is_told_where_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(blocks, "MAXIMUM_RECORD_BYTES", 500)
    text = "0,1,a\n" * 40 + '1,2,5" pipe\n' + '1,2,"open\n' + "0,1,a\n" * 400
    _, findings = read(write(tmp_path, text))
    assert findings == ["row 42: a quote is opened and not closed within 500 bytes [quotes]"]


def test_a_large_block_is_looked_at_closely_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_CAREFUL_BYTES", 100)
    text = "".join(f'{n % 2},{n},"a\nb"\n' if n % 7 == 0 else f"{n % 2},{n},c\n" for n in range(100))
    rows, findings = read(write(tmp_path, text.replace(",98,", ",x,")))
    assert len(rows) == 100
    assert findings == ['row 113, column 1: "x" is not a number [type]']
