"""What people give to `make` arrives as they wrote it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands.__main__ import main
from commands.options import COMMENT_VARIABLE
from infra.project import PROJECT

WRITTEN = [
    "it costs $5, ${HOME} or $(shell touch shelled)",
    """the 'old' and the "new" one\\'s numbers""",
    "`touch ticked`; touch run",
    "first line\nsecond line",
    "half an opening $(",
]


@pytest.fixture
def make(tmp_path: Path):
    """`make` with an interpreter that says what it was started with, and in which environment."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], dict(os.environ)]))\n"
    )
    python.chmod(0o755)
    # Newer than the locks: nothing is to be installed.
    for stamp in (".installer", ".commands", ".load"):
        (tmp_path / stamp).touch()

    def run(*arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
        command = ["make", "--no-print-directory", *arguments, f"VENV={tmp_path}"]
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(
            command, cwd=PROJECT.root, env=clean | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return tuple(json.loads(done.stdout))

    return run


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(("decision", "word"), [("approve", "COMMENT"), ("reject", "REASON")])
def test_a_comment_passes_make_and_shell_unchanged(make, decision, word, written):
    asked, environment = make(decision, "RUN=r1", "RELEASE=m-1", f"{word}={written}")
    assert asked == ["-m", "commands", decision, "--run", "r1", "--release", "m-1", "--by", ""]
    assert environment[COMMENT_VARIABLE] == written
    _, environment = make(decision, "RUN=r1", **{word: written})
    assert environment[COMMENT_VARIABLE] == written
    assert not {"shelled", "ticked", "run"} & {file.name for file in PROJECT.root.iterdir()}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("command", ["rollback", "ab-promote", "ab-rollback"])
def test_a_reason_to_go_back_passes_make_and_shell_unchanged(make, command, written):
    asked, environment = make(command, "MODEL=m", f"REASON={written}")
    assert asked[:5] == ["-m", "commands", command, "--model", "m"]
    assert environment[COMMENT_VARIABLE] == written


def test_the_command_reads_the_comment_that_make_hands_over(monkeypatch, capsys):
    asked = []
    monkeypatch.setenv(COMMENT_VARIABLE, WRITTEN[0])
    monkeypatch.setattr("commands.__main__.find_deployment", lambda: None)
    monkeypatch.setattr("commands.__main__.find_run", lambda _, run: run)
    monkeypatch.setattr(
        "commands.__main__.decide", lambda *given, **named: asked.append((*given, named)) or "Approved."
    )
    assert main(["approve", "--run", "r1", "--release", "m-1", "--by", "a@example.com"]) == 0
    assert asked == [(None, "r1", "m-1", "approve", WRITTEN[0], {"approver": "a@example.com"})]


def test_without_a_comment_there_is_none(make):
    _, environment = make("approve", "RUN=r1")
    assert environment[COMMENT_VARIABLE] == ""


def test_stress_is_told_what_was_given_and_nothing_else(make):
    asked, _ = make("stress", "MODEL=iris-model", "PROFILE=ramp", "RATE=20", "SECONDS=60", "ROWS=my rows.csv")
    given = dict(zip(asked[3::2], asked[4::2], strict=True))
    assert asked[:3] == ["-m", "commands", "stress"]
    assert {name: value for name, value in given.items() if value} == {
        "--model": "iris-model",
        "--profile": "ramp",
        "--rate": "20",
        "--seconds": "60",
        "--rows": "my rows.csv",
    }


@pytest.mark.parametrize(("asked", "portion"), [((), "commit"), (("WHOLE=yes",), "whole"), (("WHOLE=no",), "commit")])
def test_the_long_tests_make_the_commits_portion_or_all(asked, portion):
    command = ["make", "--no-print-directory", "--dry-run", "test-full", *asked]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "WHOLE"))}
    told = subprocess.run(command, cwd=PROJECT.root, env=clean, capture_output=True, text=True, check=True).stdout
    beside_others, alone = [line for line in told.splitlines() if "pytest" in line]
    assert f"--portion={portion}" in beside_others.split()
    assert f"--portion={portion}" in alone.split()


def test_elasticity_needs_nothing_but_what_sends_load(make):
    asked, _ = make("elasticity")
    assert asked == ["-m", "commands", "elasticity"]
