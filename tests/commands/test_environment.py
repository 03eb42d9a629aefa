"""Commands work where their lock is and nothing else: locks/commands.txt for every day, locks/load.txt for load."""

import importlib.metadata
import re
import subprocess
import sys

import pytest

from infra.project import PROJECT

IMPORTS = """
import sys

class OnlyTheLock:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(name + " is not in the lock")

BLOCKED = {blocked!r}
sys.meta_path.insert(0, OnlyTheLock())
import {modules}
"""
DAILY = "commands.__main__, commands.doctor.examination, commands.destroy.destroying, commands.destroy.consent"
STRESS = "commands.stress.asking, load.traffic, load.generator"
ELASTICITY = "commands.elasticity.asking, commands.elasticity.search"


def locked(name: str) -> set[str]:
    text = (PROJECT.root / "locks" / f"{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


@pytest.mark.parametrize(
    ("lock", "modules", "left_out"),
    [
        ("commands", DAILY, {"yaml", "aws_cdk", "jinja2", "uvloop"}),
        ("load", STRESS, {"yaml", "aws_cdk", "numpy"}),
        ("load", ELASTICITY, {"yaml", "aws_cdk", "numpy"}),
    ],
)
def test_commands_import_nothing_else_than_their_lock_has(lock, modules, left_out):
    there = locked(lock)
    packages = importlib.metadata.packages_distributions()
    blocked = {name for name, owners in packages.items() if not {_normal(each) for each in owners} & there}
    assert left_out <= blocked
    code = IMPORTS.format(blocked=blocked, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
