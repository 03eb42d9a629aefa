import ctypes
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from container.native import build, library
from container.native.build import CannotBuild, build_library, compile_library, find_compiler, library_path

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources alone, in a folder of their own."""
    for file in (*build.FOLDER.glob("*.c"), *build.FOLDER.glob("*.h")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    return tmp_path


def test_it_is_built_once(copied: Path) -> None:
    built = build_library()
    assert built.parent == copied
    assert [path.name for path in copied.glob(".*")] == [built.name]  # nothing else is left
    before = built.stat().st_mtime_ns
    assert build_library() == built
    assert built.stat().st_mtime_ns == before
    ctypes.CDLL(str(built)).trees_answer_row  # noqa: B018 - it is in there


def test_other_sources_are_another_library(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = library_path()
    (copied / "csv.h").write_text((copied / "csv.h").read_text() + "\n")
    changed = library_path()
    monkeypatch.setattr(build.platform, "machine", lambda: "another")
    assert len({before, changed, library_path()}) == 3


def test_several_processes_may_build_at_once(copied: Path) -> None:
    program = (
        "import sys, pathlib; from container.native import build; build.FOLDER = pathlib.Path(sys.argv[1]); "
        "import ctypes; ctypes.CDLL(str(build.build_library()))"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, copied], cwd=PROJECT) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert len(list(copied.glob(".*"))) == 1


def test_the_compiler_is_the_named_one_or_the_machines_or_zig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_compiler({"CC": "ccache gcc -m64", "PATH": ""}) == ("ccache", "gcc", "-m64")
    (tmp_path / "gcc").write_text("#!/bin/sh\n")
    (tmp_path / "gcc").chmod(0o755)
    assert find_compiler({"PATH": str(tmp_path)}) == ("gcc",)
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda _: None)
    assert find_compiler({"PATH": "/nowhere"}) is None
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: name)
    assert find_compiler({"PATH": "/nowhere"}) == (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline")


def test_without_a_compiler_it_says_what_to_do(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    assert build.main(["--find-compiler"]) == 1
    assert build.main([]) == 1
    assert "apt-get install gcc" in capsys.readouterr().err


def test_a_compiler_that_refuses_or_is_not_there_is_told(copied: Path) -> None:
    (copied / "csv.c").write_text("no C\n")
    with pytest.raises(CannotBuild, match=r"says:\n.*csv\.c"):
        compile_library(find_compiler() or (), copied / "library.so")
    with pytest.raises(CannotBuild, match="/nowhere/cc cannot be started"):
        compile_library(["/nowhere/cc"], copied / "library.so")
    assert not (copied / "library.so").exists()


def test_a_library_that_is_not_built_says_how_to_build_it(copied: Path) -> None:
    library.function.cache_clear()
    try:
        with pytest.raises(library.LibraryMissing, match=r"python -m container\.native\.build"):
            library.function("csv_read")
    finally:
        library.function.cache_clear()


def compilers() -> list[tuple[str, ...]]:
    """Those that are here: Zig's only where no other was found when the environment was set up."""
    names = [(name,) for name in ("gcc", "clang") if shutil.which(name)]
    return [*names, build._ZIG] if importlib.util.find_spec("ziglang") else names


@pytest.mark.parametrize(
    "compiler", compilers(), ids=lambda compiler: compiler[-2] if len(compiler) > 1 else compiler[0]
)
def test_every_compiler_that_is_here_builds_it(tmp_path: Path, compiler: tuple[str, ...]) -> None:
    compile_library(compiler, tmp_path / "library.so")
    ctypes.CDLL(str(tmp_path / "library.so")).csv_read  # noqa: B018 - it is in there
