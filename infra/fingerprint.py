"""What templates and staged code are made from, and its hashes."""

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from infra.project import CannotSynthesise, Project

SOURCES = (
    "infra/**/*",
    "statemachine/**/*",
    "functions/**/*",
    "approvals/**/*",
    "contracts/**/*",
    "mails/**/*",
    "tables/**/*",
    "models/*.toml",
    "docs/prices.toml",
    "container/buildspec.yml",
    "locks/layer.txt",
    "locks/tables.txt",
)


def fingerprint(project: Project) -> dict[str, str]:
    """The hash of every source, and the version of the CDK, by name."""
    files = sorted({file for pattern in SOURCES for file in project.root.glob(pattern) if _counts(file)})
    prints = {
        file.relative_to(project.root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }
    return {**prints, "aws-cdk-lib": _cdk_version()}


def _counts(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


def _cdk_version() -> str:
    try:
        return version("aws-cdk-lib")
    except PackageNotFoundError as fault:
        raise CannotSynthesise("The CDK's Python package aws-cdk-lib is not installed") from fault
