"""What was recorded of the flows is used for the files it was recorded with, and for no others."""

import subprocess

import pytest

from tests.flow.kept import begin, end, kept


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / ".gitignore").write_text("/build/\n")
    (root / "code.py").write_text("one")
    return root


@pytest.fixture
def folder(project):
    return project / "build" / "flow-records"


def recorded(folder, project):
    begin(folder, project)
    (folder / "tasks-gw0.json").write_text("[]")
    end(folder)


def test_records_of_the_same_files_are_used(project, folder):
    recorded(folder, project)
    assert kept(folder, project) == folder


def test_records_of_tests_that_did_not_all_pass_are_not_used(project, folder):
    begin(folder, project)
    assert kept(folder, project) is None


@pytest.mark.parametrize("name", ["code.py", "another.py"])
def test_records_of_other_files_are_not_used(project, folder, name):
    recorded(folder, project)
    (project / name).write_text("two")
    assert kept(folder, project) is None


def test_records_of_a_file_that_was_removed_are_not_used(project, folder):
    recorded(folder, project)
    (project / "code.py").unlink()
    assert kept(folder, project) is None


def test_what_changed_while_the_tests_ran_was_not_tested(project, folder):
    begin(folder, project)
    (project / "code.py").write_text("two")
    end(folder)
    assert kept(folder, project) is None


def test_the_last_records_are_forgotten_when_others_begin(project, folder):
    recorded(folder, project)
    begin(folder, project)
    assert [file.name for file in folder.iterdir()] == ["begun.json"]


def test_where_git_knows_of_nothing_no_records_are_used(tmp_path):
    recorded(tmp_path / "build", tmp_path)
    assert kept(tmp_path / "build", tmp_path) is None
