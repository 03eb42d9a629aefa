from pathlib import Path

import pytest

from infra.closure import source_files
from infra.project import CannotSynthesise


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "contracts/__init__.py": "",
        "contracts/errors.py": "",
        "mails/__init__.py": "",
        "mails/mail.py": "from contracts import errors",
        "contracts/settings.py": "import pydantic",
        "mails/layouts/mail.html": "<html>",
        "functions/__init__.py": "",
        "functions/greet/__init__.py": "",
        "functions/greet/words.py": "import mails.mail",
        "functions/greet/templates/hello.txt": "hello",
        "functions/greet/__pycache__/words.cpython-313.pyc": "x",
        "functions/greet/.hidden": "x",
        "functions/other/handler.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def found(root: Path, handler: str) -> set[str]:
    (root / "functions/greet/handler.py").write_text(handler)
    return {file.relative_to(root).as_posix() for file in source_files(root, "greet")}


OWN = {
    "functions/__init__.py",
    "functions/greet/__init__.py",
    "functions/greet/handler.py",
    "functions/greet/templates/hello.txt",
    "functions/greet/words.py",
}
MAIL = {"contracts/__init__.py", "contracts/errors.py", "mails/__init__.py", "mails/mail.py", "mails/layouts/mail.html"}


def test_contracts_come_along_when_they_are_imported_directly_or_not(root: Path) -> None:
    assert found(root, "import functions.greet.words") == OWN | MAIL


def test_contracts_that_nobody_imports_stay_away(root: Path) -> None:
    (root / "functions/greet/words.py").write_text("")
    assert found(root, "import json") == OWN


@pytest.mark.parametrize("line", ["from mails.mail import Mail", "from mails import mail", "import mails.mail"])
def test_every_way_of_importing_counts(line: str, root: Path) -> None:
    (root / "functions/greet/words.py").write_text("")
    assert found(root, f"def handle(event, context):\n    {line}\n") == OWN | MAIL


def test_an_import_may_be_relative(root: Path) -> None:
    assert found(root, "from . import words\nfrom .words import x") == OWN | MAIL


@pytest.mark.parametrize(
    "line", ["from functions.other import handler", "import functions.other.handler", "from functions import other"]
)
def test_functions_do_not_import_each_other(line: str, root: Path) -> None:
    with pytest.raises(CannotSynthesise, match=r"functions/greet/handler.py: imports functions.other"):
        found(root, line)


@pytest.mark.parametrize("package", ["infra", "load", "local", "container", "statemachine", "commands"])
def test_a_function_imports_nothing_that_lies_further_out(package: str, root: Path) -> None:
    with pytest.raises(CannotSynthesise, match=f"imports {package}"):
        found(root, f"import {package}")
