from pathlib import Path
from typing import Any

import pytest

from contracts.settings import DataSettings
from tables.judge import MAXIMUM_WARNINGS, Accepted
from tables.profiles import Profile
from tests.tables.real import Row, csv_of
from tests.tables.tabling import accepted, refused, write


def rows(count: int = 60) -> list[Row]:
    """A class, a number, a colour; no two rows alike."""
    return [["ab"[n % 2], str(n), ("red", "blue", "green")[n % 3]] for n in range(count)]


NAMES = ["kind", "size", "colour"]


def settings(**changes: Any) -> DataSettings:
    return DataSettings.model_validate({"label": "kind", **changes})


def judged(
    folder: Path, content: list[Row], names: list[str] | None = None, former: Profile | None = None, **changes: Any
) -> Accepted:
    return accepted(write(folder, csv_of(content, names or NAMES)), settings(**changes), former)


def said(verdict: Accepted) -> list[str]:
    return [str(warning) for warning in verdict.warnings]


def test_nothing_is_said_about_a_dataset_that_keeps_all_rules(tmp_path: Path) -> None:
    verdict = judged(tmp_path, rows())
    assert said(verdict) == []
    assert said(judged(tmp_path, rows(), former=verdict.profile)) == []


def test_gaps_constants_and_copies_are_warned_about(tmp_path: Path) -> None:
    content = [[*row, "7", "x"] for row in rows()]
    content[3][1] = ""
    content += [list(content[0])] * 2
    assert said(judged(tmp_path, content, [*NAMES, "seven", "ex"])) == [
        'column "size" has no value in 1 of 62 rows (1.61%)',
        'column "seven" holds the same value in all rows; nothing can be learnt from it',
        'column "ex" holds the same value in all rows; nothing can be learnt from it',
        "2 of 62 rows (3.23%) are copies of earlier ones",
    ]


def test_a_column_that_holds_one_value_or_none_is_not_constant(tmp_path: Path) -> None:
    content = [[*row, "7" if n % 2 else ""] for n, row in enumerate(rows())]
    assert said(judged(tmp_path, content, [*NAMES, "seven"])) == ['column "seven" has no value in 30 of 60 rows (50%)']


def test_what_has_changed_since_the_last_release_is_warned_about(tmp_path: Path) -> None:
    former = judged(tmp_path, [[*row, "1" if n % 2 else "2"] for n, row in enumerate(rows())], [*NAMES, "gone"]).profile
    content = [["abc"[n % 3], str(n), "pink" if n == 5 else "red" if n % 2 else "blue", str(n)] for n in range(60)]
    told = said(judged(tmp_path, content, [*NAMES, "new"], former=former))
    assert told[:4] == [
        'column "gone" is gone; the last release was trained with it',
        'column "new" is new; the last release was trained without it',
        'column "colour" has new values: "pink"',
        'class "c" is new',
    ]
    assert all("has moved since the last release: PSI " in each for each in told[4:])


def test_a_column_of_another_kind_and_another_task_are_warned_about(tmp_path: Path) -> None:
    former = judged(tmp_path, rows()).profile
    content = [[f"{n}.5", str(n), str(n % 5)] for n in range(60)]
    assert said(judged(tmp_path, content, former=former)) == [
        "the label makes a regression; that of the last release made a classification",
        'column "colour" holds a number; for the last release it held a category',
        'class "a" is gone',
        'class "b" is gone',
    ]


def test_drift_is_warned_about_or_refused_as_the_settings_say(tmp_path: Path) -> None:
    former = judged(tmp_path, rows()).profile
    moved = [[kind, str(int(size) + 1000), colour] for kind, size, colour in rows()]
    (told,) = said(judged(tmp_path, moved, former=former))
    assert told.startswith('column "size" has moved since the last release: PSI ')
    assert told.endswith(", KS 1.00")
    for limits in ({"reject_psi": 1.0}, {"reject_ks": 0.9}):
        assert refused(tmp_path, settings(drift=limits), former) == [
            told.replace("has moved", ": has moved").replace(" :", ":") + " [drift]"
        ]
    for limits in ({"reject_psi": 50.0}, {"reject_ks": 1.0}):
        assert said(accepted(tmp_path, settings(drift=limits), former)) == [told]
    assert said(accepted(tmp_path, settings(drift={"warn_psi": 50.0, "warn_ks": 1.0}), former)) == []


def test_warnings_are_at_most_so_many(tmp_path: Path) -> None:
    content = [[*row, *["1"] * 30] for row in rows()]
    told = said(judged(tmp_path, content, [*NAMES, *(f"x{n}" for n in range(30))]))
    assert len(told) == MAXIMUM_WARNINGS + 1
    assert told[-1] == "10 more warnings"


def test_limits_hold_exactly(tmp_path: Path) -> None:
    content = [*rows(60), *rows(6)]  # 6 of 66 are copies
    judged(tmp_path, content, maximum_duplicates=6 / 66, minimum_rows=66, minimum_rows_per_class=33)
    assert refused(tmp_path, settings(maximum_duplicates=0.09)) == [
        "6 of 66 rows (9.09%) are copies of earlier ones; 9% are allowed (maximum_duplicates) [duplicates]"
    ]
    assert refused(tmp_path, settings(minimum_rows=67)) == ["66 rows; at least 67 are asked for (minimum_rows) [rows]"]
    assert refused(tmp_path, settings(minimum_rows_per_class=34)) == [
        (
            'column "kind": too few rows of class "a" (33), "b" (33); '
            "at least 34 of each are asked for (minimum_rows_per_class) [rows-per-class]"
        )
    ]


def test_as_many_gaps_as_are_allowed_are_no_fault(tmp_path: Path) -> None:
    content = [[kind, "" if n < 3 else size, colour] for n, (kind, size, colour) in enumerate(rows())]
    judged(tmp_path, content, columns={"size": {"missing": 0.05}})
    assert refused(tmp_path, settings(columns={"size": {"missing": 0.049}})) == [
        'rows 2, 3 and 4, column "size": 3 of 60 rows (5%) lack a value; the settings allow 4.9% [missing]'
    ]


def test_leakage_is_told_with_the_rows_that_leak(tmp_path: Path) -> None:
    write(tmp_path / "train", csv_of(rows(), NAMES))
    write(tmp_path / "validation", csv_of([*rows()[:2], ["a", "77", "red"], ["b", "78", "red"]], NAMES))
    assert refused(tmp_path, settings()) == [
        "2 of 4 validation rows (50%) also stand in the training files; 10% are allowed (maximum_leakage) [leakage]"
    ]
    verdict = accepted(tmp_path, settings(maximum_leakage=0.5))
    assert said(verdict) == ["2 of 4 validation rows (50%) also stand in the training files"]
    assert (verdict.profile.leakage, verdict.profile.validation_rows, verdict.profile.rows) == (0.5, 4, 60)


def test_a_label_that_is_written_otherwise_is_the_same_row(tmp_path: Path) -> None:
    write(tmp_path / "train", csv_of([[str(n % 2), str(n)] for n in range(60)]))
    write(tmp_path / "validation", csv_of([["1.0", "1.0"], ["0", "100"]]))
    assert "1 of 2 validation rows (50%)" in refused(tmp_path, DataSettings())[0]


def test_the_classes_are_those_of_training_and_validation_together(tmp_path: Path) -> None:
    # Alone the training labels would be a hundred whole numbers, which are classes.
    write(tmp_path / "train", csv_of([[str(n % 100), str(n)] for n in range(500)]))
    write(tmp_path / "validation", csv_of([["100", "1000.5"], ["101", "1001.5"]]))
    assert accepted(tmp_path, DataSettings()).profile.task == "regression"


def test_a_class_that_only_the_validation_files_have_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train", csv_of(rows(), NAMES))
    write(tmp_path / "validation", csv_of([["c", "100", "red"], ["a", "101", "red"]], NAMES))
    assert refused(tmp_path, settings()) == [
        'column "kind": only the validation files have class "c"; nothing can be learnt of it [classes]'
    ]


def test_rules_of_columns_hold_in_training_and_validation_files_together(tmp_path: Path) -> None:
    content = [["a", "5", "red"], ["b", "", "blue"]]
    write(tmp_path / "train", csv_of(rows(), NAMES))
    write(tmp_path / "validation", csv_of(content, NAMES))
    asked = {"size": {"unique": True, "missing": 0.0}}
    assert refused(tmp_path, settings(columns=asked, maximum_leakage=1.0)) == [
        'validation/data.csv, row 3, column "size": 1 of 62 rows (1.61%) lack a value; the settings allow 0% [missing]',
        (
            'validation/data.csv, row 2, column "size": the value stands in an earlier row too; '
            "the settings ask for unique values [unique]"
        ),
    ]


def test_gaps_in_several_files_are_told_with_the_first(tmp_path: Path) -> None:
    for number in range(3):
        content = rows()
        content[number][1] = ""
        write(tmp_path, csv_of(content, NAMES), f"{number}.csv")
    assert refused(tmp_path, settings(columns={"size": {"missing": 0.0}})) == [
        (
            '0.csv, row 2, column "size": 3 of 180 rows (1.67%) lack a value, also in 2 other files; '
            "the settings allow 0% [missing]"
        )
    ]


def test_a_number_is_shown_with_the_digits_that_matter(tmp_path: Path) -> None:
    content = [[kind, str(1_000_000 + int(size)), colour] for kind, size, colour in rows()]
    write(tmp_path, csv_of(content, NAMES))
    assert refused(tmp_path, settings(columns={"size": {"maximum": 1_000_058.5}})) == [
        'row 61, column "size": 1000059 is above the maximum of 1000058.5 [range]'
    ]


def test_a_column_with_a_range_is_one_of_numbers_whatever_most_cells_look_like(tmp_path: Path) -> None:
    content = [[kind, "many", colour] for kind, _, colour in rows()]
    write(tmp_path, csv_of(content, NAMES))
    assert refused(tmp_path, settings(columns={"size": {"minimum": 0}})) == [
        'rows 2, 3, 4, 5, 6 and 55 more, column "size": "many" is not a number [type]'
    ]


def test_an_unknown_category_is_told_with_what_is_allowed(tmp_path: Path) -> None:
    content = rows()
    content[4][2] = "Red"
    write(tmp_path, csv_of(content, NAMES))
    assert refused(tmp_path, settings(columns={"colour": {"allowed": ["red", "blue", "green"]}})) == [
        'row 6, column "colour": "Red" is not among the allowed values ("red", "blue", "green") [allowed]'
    ]


def test_digits_of_a_category_are_a_text_and_those_of_a_label_a_number(tmp_path: Path) -> None:
    content = [[f"{n % 2}.0", str(n), "01" if n % 2 else "1"] for n in range(60)]
    write(tmp_path, csv_of(content, NAMES))
    category = {"type": "category", "allowed": ["1", "2"]}
    (told,) = refused(tmp_path, settings(columns={"colour": category, "kind": {"allowed": [0, 1]}}))
    assert told.startswith('rows 3, 5, 7, 9, 11 and 25 more, column "colour": "01" is not among the allowed values')


def test_words_that_are_neither_true_nor_false_are_told(tmp_path: Path) -> None:
    content = [[kind, size, "yes" if int(size) % 2 else "maybe" if size == "8" else "N"] for kind, size, _ in rows()]
    write(tmp_path, csv_of(content, NAMES))
    assert refused(tmp_path, settings(columns={"colour": {"type": "boolean"}})) == [
        'row 10, column "colour": "maybe" is neither true nor false [type]'
    ]


def test_an_identifier_that_the_model_is_not_given_must_be_unique_where_it_should(tmp_path: Path) -> None:
    content = [[*row, f"id{n}"] for n, row in enumerate(rows())]
    content[30][3] = content[50][3] = "id7"
    write(tmp_path, csv_of(content, [*NAMES, "id"]))
    assert refused(tmp_path, settings(ignore=["id"], columns={"id": {"unique": True}})) == [
        (
            'rows 32 and 52, column "id": the value stands in an earlier row too; '
            "the settings ask for unique values [unique]"
        )
    ]
    content[30][3], content[50][3] = "id30", "id50"
    judged(tmp_path, content, [*NAMES, "id"], ignore=["id"], columns={"id": {"unique": True}})


def test_where_a_header_holds_digits_they_are_names(tmp_path: Path) -> None:
    content = [["ab"[n % 2], str(n), str(1000 + n)] for n in range(60)]
    write(tmp_path, csv_of(content, ["kind", "2", "1"]))
    accepted(tmp_path, settings(header=True, columns={"2": {"maximum": 59}, "1": {"minimum": 1000}}))
    (told,) = refused(tmp_path, settings(header=True, columns={"2": {"maximum": 58}}))
    assert told == 'row 61, column "2": 59 is above the maximum of 58 [range]'


def test_a_label_that_is_declared_a_number_is_one(tmp_path: Path) -> None:
    content = [[f"{n}.5", str(n), "red"] for n in range(60)]
    content[2][0] = "high"
    write(tmp_path, csv_of(content, NAMES))
    for asked in ({"task": "regression"}, {"columns": {"kind": {"type": "number"}}}):
        assert refused(tmp_path, settings(**asked)) == ['row 4, column "kind": "high" is not a number [label-type]']


def test_a_column_with_another_text_in_nearly_every_row_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = [[*row, f"id{n // 2}"] for n, row in enumerate(rows())]
    write(tmp_path, csv_of(content, [*NAMES, "id"]))
    assert refused(tmp_path, settings()) == [
        (
            'column "id": there is another text in nearly every row, so nothing can be learnt from it; '
            "name it under `ignore` [identifier]"
        )
    ]
    accepted(tmp_path, settings(ignore=["id"]))
    content[5][3] = content[0][3]
    judged(tmp_path, content, [*NAMES, "id"])


def test_decimals_behind_commas_are_no_categories(tmp_path: Path) -> None:
    write(tmp_path, "kind;size\n" + "".join(f"{'ab'[n % 2]};{n % 9},5\n" for n in range(60)))
    (told,) = refused(tmp_path, settings())
    assert told == (
        'rows 2, 3, 4, 5, 6 and 55 more, column "size": "0,5" is not a number; write a point before decimals [type]'
    )
    accepted(tmp_path, settings(columns={"size": {"type": "category"}}))


@pytest.mark.parametrize(
    ("missing", "told"), [(1, "1 of 4000 rows (0.025%)"), (2000, "(50%)"), (3999, "3999 of 4000 rows (nearly 100%)")]
)
def test_shares_are_told_apart_from_none_and_all(tmp_path: Path, missing: int, told: str) -> None:
    content = [[*row, "" if n < missing else str(n)] for n, row in enumerate(rows(4000))]
    assert any(told in each for each in said(judged(tmp_path, content, [*NAMES, "gaps"])))
