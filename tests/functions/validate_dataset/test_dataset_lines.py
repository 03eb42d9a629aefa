import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.validate_dataset.lines import MAXIMUM_LINE_BYTES, UnreadableLine, read_lines

TEXT = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=20)


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(st.lists(TEXT), st.sampled_from(["\n", "\r\n"]), st.integers(1, 7), st.booleans())
def test_lines_do_not_depend_on_how_bytes_arrive(lines, end, size, closed):
    lines = [line.removeprefix("\ufeff") for line in lines]
    content = end.join(lines) + (end if closed and lines else "")
    expected = [line.removesuffix("\r") for line in content.split("\n")]
    if expected[-1] == "":
        expected.pop()
    assert list(read_lines(cut(content.encode(), size))) == expected


def test_a_byte_order_mark_is_no_part_of_the_first_cell():
    assert list(read_lines([b"\xef\xbb", b"\xbflabel,a\n0,1\n"])) == ["label,a", "0,1"]


@pytest.mark.parametrize(
    ("content", "row", "said"),
    [
        (b"0,1\n0,\xe9\n", 2, "0xE9 at position 2 is not UTF-8"),
        ("0,1\n0,2\n".encode("utf-16"), 1, "UTF-16"),
        (b"0,1\n0,2\n0,\x003\n", 3, "NUL byte at position 2"),
        (b"0,1\r0,2\r", 1, "carriage return"),
        (b"0,1\n" + b"1" * (MAXIMUM_LINE_BYTES + 1), 2, "longer than 1,048,576 bytes"),
        (b"0,1\n" + b"1" * (MAXIMUM_LINE_BYTES + 1) + b"\n", 2, "longer than 1,048,576 bytes"),
    ],
)
def test_what_is_no_text_is_refused_with_its_row(content, row, said):
    with pytest.raises(UnreadableLine, match=said) as refused:
        list(read_lines(cut(content, 100_000)))
    assert refused.value.row == row


def test_a_line_without_end_is_refused_before_it_fills_the_memory():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield b"1" * 65_536

    with pytest.raises(UnreadableLine):
        list(read_lines(endless()))
    assert taken * 65_536 <= MAXIMUM_LINE_BYTES + 2 * 65_536
