"""What only AWS can show is listed: every mark in the code has its row, and every row says where and how."""

import re

from infra.project import PROJECT

LIST = PROJECT.root / "docs/unverified.md"
FOLDERS = ("commands", "container", "contracts", "functions", "infra", "local", "statemachine")


def rows() -> list[list[str]]:
    lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    # A `|` inside code belongs to the code.
    return [re.split(r"\s\|\s", line.strip().removeprefix("| ").removesuffix(" |")) for line in lines[2:]]


def marked() -> set[str]:
    """The files with a mark."""
    return {
        file.relative_to(PROJECT.root).as_posix()
        for folder in FOLDERS
        for file in (PROJECT.root / folder).rglob("*")
        if file.is_file() and file.suffix in {".py", ".yaml", ".yml", ".toml", ".sh", ".html"}
        if "[unverified]" in file.read_text(encoding="utf-8")
    }


def test_every_mark_in_the_code_has_its_row() -> None:
    found = marked()
    assert found
    named = " ".join(place for _, place, _ in rows())
    assert {file for file in found if file not in named} == set()


def test_every_row_says_what_where_and_by_which_command() -> None:
    for row in rows():
        assert len(row) == 3, row
        assert all(cell.strip() for cell in row), row


def test_no_row_stands_twice() -> None:
    assumptions = [assumption for assumption, _, _ in rows()]
    assert len(assumptions) == len(set(assumptions))


def test_files_that_a_row_names_are_there() -> None:
    for _, place, shown in rows():
        for path in re.findall(rf"`((?:{'|'.join((*FOLDERS, 'tests', 'docs'))})/[\w./-]+)`", place + shown):
            assert (PROJECT.root / path).exists(), path
