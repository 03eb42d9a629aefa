"""The deployment's own settings: `infra/deployment.toml`, checked before anything is synthesised."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from contracts.settings import InvalidSettings, MailAddress

# "<name>-<region>-<account>" names the bucket, and S3 allows 63 characters.
DeploymentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9](-?[a-z0-9]){0,18}$")]
PolicyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$")]


def _not_reserved(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError("tags that begin with `aws:` are AWS's own")
    return key


TagText = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]*$", max_length=256)]
TagKey = Annotated[TagText, StringConstraints(min_length=1, max_length=128), AfterValidator(_not_reserved)]
# CloudWatch Logs takes these periods and no others.
LogRetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retention(_Section):
    """How long things are kept, in days."""

    logs_days: LogRetentionDays = 90
    capture_days: Annotated[int, Field(ge=1)] = 90
    superseded_days: Annotated[int, Field(ge=1)] = 180
    """A run names the version of the dataset it was started by, so this bounds how late it can be rerun."""
    keep_data: bool = True
    """Bucket, tables and model package groups outlive their stacks."""


class Deployment(_Section):
    """One deployment of the product in one account and region."""

    name: DeploymentName = "mlops"
    sender: MailAddress
    operators: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    """Who hears about a run that belongs to no model."""
    permissions_boundary: PolicyArn | None = None
    tags: dict[TagKey, TagText] = {}
    retention: Retention = Retention()


def load_deployment(path: Path) -> Deployment:
    """Read the deployment's settings.

    Raises:
        InvalidSettings: no such file, no TOML, or a broken rule; one line per fault, with file, key and rule.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise InvalidSettings(f"{path}: there is no such file") from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InvalidSettings(f"{path}: not valid TOML: {fault}") from fault
    try:
        return Deployment.model_validate(table)
    except ValidationError as fault:
        lines = [f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in fault.errors()]
        raise InvalidSettings("\n".join(lines)) from fault
