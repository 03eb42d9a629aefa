import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from statemachine.loader import DEFINITIONS, load_definition

pytestmark = pytest.mark.check

# The linter knows JSONata, except where an expression stands for a number.
KNOWN = re.compile(r'State Machine\.States\.[^.]+\.(TimeoutSeconds|Seconds) is "\{% .* %\}" but should be an Integer')


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name)
def test_statelint_finds_nothing_but_expressions_that_stand_for_numbers(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "definition.json"
    file.write_text(load_definition(path), encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("statelint"), file], capture_output=True, text=True, check=False
    )
    told = [line.strip() for line in done.stdout.splitlines() if line.strip() and not line.strip().endswith("errors:")]
    expressions = sum(
        str(state.get(field, "")).startswith("{%")
        for state in json.loads(file.read_text())["States"].values()
        for field in ("TimeoutSeconds", "Seconds")
    )
    assert not done.stderr
    assert [line for line in told if not KNOWN.fullmatch(line)] == []
    assert len(told) == expressions
