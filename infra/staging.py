"""Puts together what a function runs from: its own code under build/functions, third-party packages under build/layers.

Both hold the same bytes whoever stages them, because functions are published under the hash of their content.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from infra.closure import source_files
from infra.project import CannotSynthesise, Project

# Resolved for Lambda, whatever machine this runs on: Python 3.13 runs there on Amazon Linux 2023, which has glibc 2.34.
LAMBDA_PYTHON, LAMBDA_PLATFORM = "3.13", "aarch64-manylinux_2_28"
# By the names of their locks. A compiled one is for Lambda's processor.
LAYERS = ("layer", "tables")
COMPILED = ("tables",)
# Installers write down when and where they ran; console scripts carry the path of this machine's Python.
_MACHINE_DEPENDENT = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")


def stage_functions(project: Project) -> list[str]:
    """Stage every folder under `functions/` that has a handler; gives back their verbs, in order.

    Raises:
        CannotSynthesise: there is none, or one imports what it must not.
    """
    verbs = sorted(handler.parent.name for handler in (project.root / "functions").glob("*/handler.py"))
    if not verbs:
        raise CannotSynthesise(f"{project.root / 'functions'}: no function found; each has a folder with handler.py")
    staged = {verb: source_files(project.root, verb) for verb in verbs}
    fresh = _emptied(project.staged_functions.with_name("functions.new"))
    for verb, files in staged.items():
        for file in files:
            target = fresh / verb / file.relative_to(project.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
            target.chmod(0o644)
    _swap(fresh, project.staged_functions)
    return verbs


def stage_layers(project: Project) -> list[str]:
    """Install the locked packages for Lambda, where that was not done already; the layers that were made now.

    Raises:
        CannotSynthesise: no lock, no uv, or a package that cannot be had.
    """
    made = []
    for layer in LAYERS:
        if _is_staged(project, layer):
            continue
        fresh = _emptied(project.staged_layer(layer).with_name(f"{layer}.new"))
        _install(project.layer_lock(layer), fresh / "python")
        _make_portable(fresh / "python", compiled=layer in COMPILED)
        _swap(fresh, project.staged_layer(layer))
        _stamp(project, layer).write_text(json.dumps(_recipe(project, layer)), encoding="utf-8")
        made.append(layer)
    return made


def check_layers(project: Project) -> None:
    """Raises: CannotSynthesise: a layer is not staged, or not from its lock as it is now."""
    for layer in LAYERS:
        if not _is_staged(project, layer):
            raise CannotSynthesise(
                f"{project.staged_layer(layer)} is missing or older than {project.layer_lock(layer)}: "
                "run python3 -m infra.synthesise"
            )


def _install(lock: Path, target: Path) -> None:
    command = [
        _uv(),
        *("pip", "install", "--quiet", "--no-config", "--require-hashes", "--only-binary", ":all:"),
        *("--python-version", LAMBDA_PYTHON, "--python-platform", LAMBDA_PLATFORM),
        *("--link-mode", "copy", "--no-compile-bytecode", "--target", str(target), "-r", str(lock)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotSynthesise(f"{lock}: the packages cannot be installed:\n{done.stderr.strip()}")


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise CannotSynthesise("uv is missing: python3 -m pip install uv")
    return found


def _make_portable(packages: Path, *, compiled: bool) -> None:
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for path in sorted(packages.rglob("*")):
        noted = path.name in _MACHINE_DEPENDENT and path.parent.suffix == ".dist-info"
        # Elsewhere the one such file is the optional speed-up of markupsafe, which would tie the layer to a processor.
        unwanted = path.suffix == ".so" and not compiled
        if path.is_file() and (unwanted or noted or path.name == ".lock"):
            path.unlink()
        elif path.is_file():
            path.chmod(0o644)


def _is_staged(project: Project, layer: str) -> bool:
    if not project.layer_lock(layer).is_file():
        raise CannotSynthesise(f"{project.layer_lock(layer)}: there is no such file; it locks the functions' packages")
    stamp = _stamp(project, layer)
    if not (project.staged_layer(layer).is_dir() and stamp.is_file()):
        return False
    recipe: dict[str, str] = json.loads(stamp.read_text(encoding="utf-8"))
    return recipe == _recipe(project, layer)


def _recipe(project: Project, layer: str) -> dict[str, str]:
    """All that decides what a layer holds."""
    return {
        "lock": hashlib.sha256(project.layer_lock(layer).read_bytes()).hexdigest(),
        "staging": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    }


def _stamp(project: Project, layer: str) -> Path:
    return project.built / f"layer-{layer}.json"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _swap(fresh: Path, final: Path) -> None:
    """Put a finished folder in place, so that an interrupted run leaves no half of one."""
    shutil.rmtree(final, ignore_errors=True)
    fresh.rename(final)
