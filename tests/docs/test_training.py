"""The guide to training shows every algorithm's hyperparameters as the table in the code has them."""

import re
from pathlib import Path

import pytest

from container.training import accelerated, agreement, export
from contracts.algorithms import ALGORITHMS
from contracts.hyperparameters import Hyperparameter, Table, as_text

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def row(one: Hyperparameter) -> str:
    names = ", ".join(f"`{name}`" for name in (one.name, *one.aliases))
    default = one.otherwise if one.default is None else as_text(one.default)
    return f"| {names} | {one.meaning} | {one.allowed} | {default} |"


def section(algorithm: str) -> list[str]:
    text = GUIDE.split(f"\n### `{algorithm}`\n")[1]
    return [line for line in re.split(r"\n##", text)[0].splitlines() if line.startswith("| `")]


@pytest.mark.parametrize(("algorithm", "table"), ALGORITHMS.items())
def test_hyperparameters_stand_in_the_guide_as_in_the_code(algorithm: str, table: Table) -> None:
    # What is compared with is what to paste.
    assert "\n".join(section(algorithm)) == "\n".join(row(one) for one in table.hyperparameters)


@pytest.mark.parametrize("old", [old for table in ALGORITHMS.values() for old in table.deprecated])
def test_what_is_deprecated_stands_in_the_guide(old) -> None:
    assert f"`{old.text or old.name}`" in GUIDE


def test_limits_stand_in_the_guide_as_in_the_code() -> None:
    assert f"{accelerated.MINIMUM_ROWS:,} training rows" in GUIDE
    assert accelerated.WORSE == 0.02
    assert ".02 worse" in GUIDE
    assert export.TIE == agreement.TOLERANCE == 1e-6
    assert "10⁻⁶" in GUIDE
    assert export._TIED == 2**-22
    assert "2⁻²²" in GUIDE
