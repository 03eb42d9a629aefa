"""Builds the native library: `python -m container.native.build`. Needs nothing but Python and a C compiler."""

import argparse
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
# No -march: the image is built on one machine and runs on others. No contraction: a fused multiplication and addition
# rounds otherwise than the libraries do.
FLAGS: Final = (
    *("-O3", "-std=c11", "-fPIC", "-shared", "-fvisibility=default", "-ffp-contract=off"),
    *("-Wall", "-Wextra", "-Werror"),
)
_COMPILERS: Final = ("cc", "gcc", "clang")
# Zig compiles for the processor it runs on, unless it is told otherwise.
_ZIG: Final = (sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline")


class CannotBuild(Exception):
    """There is no compiler, or it refused; the message says what to do."""


def sources() -> list[Path]:
    """What is compiled, in order of names."""
    return sorted(FOLDER.glob("*.c"))


def library_path() -> Path:
    """Where the library of these sources is for this platform, whether it is built or not.

    Its name tells both apart, so that one that was built from other sources is never loaded.
    """
    digest = hashlib.sha256(repr(FLAGS).encode())
    for file in sorted([*sources(), *FOLDER.glob("*.h")]):
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    system = f"{platform.system()}-{platform.machine()}".lower()
    # The leading dot keeps it out of the image's source, which has it compiled for its own platform.
    return FOLDER / f".trees-{system}-{digest.hexdigest()[:16]}.so"


def find_compiler(environment: Mapping[str, str] = os.environ) -> tuple[str, ...] | None:
    """The command that compiles C: $CC, the machine's own compiler, or Zig's, which comes as a Python package."""
    if named := shlex.split(environment.get("CC", "")):
        return tuple(named)
    found = next((name for name in _COMPILERS if shutil.which(name, path=environment.get("PATH"))), None)
    if found:
        return (found,)
    return _ZIG if importlib.util.find_spec("ziglang") else None


def build_library() -> Path:
    """Build the library unless it is there. Several processes may do so at once.

    Raises:
        CannotBuild: see there.
    """
    path = library_path()
    if not path.exists():
        compiler = find_compiler()
        if compiler is None:
            raise CannotBuild(
                "the native library cannot be built, because there is no C compiler: install one (on Debian: apt-get "
                "install gcc), name it in CC, or install locks/compiler.txt, which has one as a Python package"
            )
        compile_library(compiler, path)
    return path


def compile_library(compiler: Sequence[str], path: Path, flags: Sequence[str] = FLAGS) -> None:
    """Compile to `path`, which holds a whole library or none at any time.

    Raises:
        CannotBuild: the compiler cannot be started, or refuses the sources.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".building-") as folder:
        part = Path(folder) / path.name
        command = [*compiler, *flags, "-o", str(part), *map(str, sources()), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as fault:
            raise CannotBuild(
                f"the native library cannot be built: {compiler[0]} cannot be started: {fault}"
            ) from fault
        if done.returncode != 0:
            raise CannotBuild(f"the native library cannot be built, {shlex.join(command)} says:\n{done.stderr}")
        part.chmod(0o755)
        part.replace(path)


def main(arguments: Sequence[str]) -> int:
    """Build; or, with --find-compiler, only say by the exit code whether there is a compiler."""
    parser = argparse.ArgumentParser(prog="python -m container.native.build", description=__doc__)
    parser.add_argument("--find-compiler", action="store_true", help="only look whether there is one")
    if parser.parse_args(arguments).find_compiler:
        return 0 if find_compiler() else 1
    try:
        build_library()
    except CannotBuild as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
