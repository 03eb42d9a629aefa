"""Resolves the dependency groups of pyproject.toml into `locks/`.

The largest group is resolved first and constrains the others, so that a package has one version everywhere but among
the peers that serving is measured beside. Locks are
requirements files with hashes: pip in the container's build, uv on a developer's machine and for the Lambda layer
read the same format, and it names no package index, so that each machine may use its own.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
WHOLE = "dev"
# Lock → its groups. Those that start from the project's own dependencies are marked below.
GROUPS = {
    "dev": ("dev",),
    "demo": ("demo",),
    "commands": (),
    "load": ("load",),
    "container": ("container",),
    "layer": ("layer",),
    "tables": ("tables",),
    "bench": ("bench",),
    "bench-serving": ("bench-serving",),
    "node": ("node",),
    "compiler": ("compiler",),
    "sbom": ("sbom",),
}
WITH_PROJECT = ("dev", "demo", "commands", "load")
# Lock → what constrains it, where that is not the largest one. Peers are measured with the same scikit-learn, and with
# what they ask for else: the tests' own packages would hold some of them back for years.
CONSTRAINTS = {"dev": None, "node": None, "installer": None, "compiler": None, "sbom": None, "bench-serving": "bench"}


def main() -> None:
    """Write every lock; ends the process when a group cannot be resolved."""
    LOCKS.mkdir(exist_ok=True)
    compile_lock("installer", ("installer",))
    for name, groups in GROUPS.items():
        compile_lock(name, groups)


def compile_lock(name: str, groups: tuple[str, ...]) -> None:
    """Resolve one lock for every platform and every Python from 3.11 on."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-annotate", "--custom-compile-command", "make lock"]
    command += [word for group in groups for word in ("--group", f"pyproject.toml:{group}")]
    constraint = CONSTRAINTS.get(name, WHOLE)
    if constraint:
        command += ["--constraint", f"locks/{constraint}.txt"]
    if name in WITH_PROJECT:
        command += ["pyproject.toml"]
    sys.stdout.write(f"locks/{name}.txt\n")
    subprocess.run([*command, "--output-file", f"locks/{name}.txt"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
