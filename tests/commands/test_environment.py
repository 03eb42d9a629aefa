"""The commands of every day work in an environment that has locks/commands.txt and nothing else."""

import importlib.metadata
import re
import subprocess
import sys

from infra.project import PROJECT

IMPORTS = """
import sys

class OnlyTheLock:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(name + " is not in locks/commands.txt")

BLOCKED = {blocked!r}
sys.meta_path.insert(0, OnlyTheLock())
import commands.__main__, commands.doctor.examination, commands.destroy.destroying, commands.destroy.consent
"""


def locked(name: str) -> set[str]:
    text = (PROJECT.root / "locks" / f"{name}.txt").read_text()
    return set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_daily_commands_doctor_and_destroy_import_nothing_else():
    there = locked("commands")
    modules = importlib.metadata.packages_distributions()
    blocked = {name for name, packages in modules.items() if not {_normal(each) for each in packages} & there}
    assert {"yaml", "aws_cdk", "jinja2"} <= blocked
    code = IMPORTS.format(blocked=blocked)
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
