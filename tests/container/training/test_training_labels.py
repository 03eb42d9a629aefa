import numpy as np
import pytest
from container.training.labels import InvalidLabel, encode, parse_label
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("labels", "classes", "label_type"),
    [
        (["0.000", "2.000", "1.000"], (0, 1, 2), "integer"),
        (["0", "0.0", "0e0", "-0", "7"], (0, 7), "integer"),
        (["10", "9", "-1"], (-1, 9, 10), "integer"),
        (["123456789012345678", "123456789012345679"], (123456789012345678, 123456789012345679), "integer"),
        (["yes", "no", "yes"], ("no", "yes"), "text"),
        (["1", "2", "other"], ("1", "2", "other"), "text"),
        (["0.5", "1.50", "1.5", "2"], ("0.5", "1.5", "2"), "text"),
        (["True", "False"], ("False", "True"), "text"),
        (["inf", "1"], ("1", "inf"), "text"),
        (["1_0", "2"], ("1_0", "2"), "text"),
    ],
)
def test_labels(labels: list[str], classes: tuple[object, ...], label_type: str) -> None:
    encoded = encode(labels)
    assert (encoded.classes, encoded.label_type) == (classes, label_type)
    assert len(encoded.positions) == len(labels)


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1))
def test_every_row_keeps_its_class(values: list[int]) -> None:
    encoded = encode([str(value) for value in values])
    assert [encoded.classes[position] for position in encoded.positions] == values


@given(st.lists(st.text(min_size=1), min_size=1))
def test_any_text_has_a_class(values: list[str]) -> None:
    encoded = encode(values)
    assert set(encoded.positions.tolist()) == set(range(len(encoded.classes)))
    assert list(encoded.classes) == np.unique(np.array(encoded.classes, dtype=object)).tolist()


@pytest.mark.parametrize("text", ["", " ", "nan", "NaN", "\t"])
def test_missing_labels(text: str) -> None:
    with pytest.raises(InvalidLabel, match="missing label"):
        parse_label(text)


def test_labels_are_one_line() -> None:
    assert parse_label(" Iris setosa ") == "Iris setosa"
    with pytest.raises(InvalidLabel, match="cannot be printed"):
        parse_label("a\nb")
