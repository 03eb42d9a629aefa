"""The deployment's own settings: `infra/deployment.toml`, checked before anything is synthesised."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts.settings import MAIL_PATTERN, InvalidSettings, MailAddress, ModelSettings

BY_SNS: Final = "sns"
"""In the sender's place: no sender is verified."""

# "<name>-<region>-<account>" names the bucket, and S3 allows 63 characters.
DeploymentName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9](-?[a-z0-9]){0,18}$")]
PolicyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$")]
# No alias: rights are given on the key itself.
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]
ConnectionArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:(codestar-connections|codeconnections):[a-z0-9-]+:\d{12}:connection/[0-9a-f-]+$"
    ),
]
VpcId = Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecurityGroupId = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]
BranchName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w./-]{0,127}$")]

DEPLOYMENT_TAG = "mlops:deployment"
"""On everything that a deployment makes, with its name: `make destroy` takes away what carries it, and nothing else."""

# What the product itself writes on what it makes; SageMaker refuses a key that comes twice.
_OWN_TAGS = (DEPLOYMENT_TAG, "mlops:model", "mlops:run", "mlops:release")


def _sender(text: str) -> str:
    if text != BY_SNS and not re.match(MAIL_PATTERN, text):
        raise ValueError(f"a mail address that SES has verified, or `{BY_SNS}`")
    return text


_Id = TypeVar("_Id", str, int)


def _not_reserved(key: str) -> str:
    if key.lower().startswith("aws:"):
        raise ValueError("tags that begin with `aws:` are AWS's own")
    if key in _OWN_TAGS:
        raise ValueError(f"{', '.join(_OWN_TAGS)} are written by the product itself: leave them out")
    return key


def _each_once(ids: tuple[_Id, ...]) -> tuple[_Id, ...]:
    if len(set(ids)) < len(ids):
        raise ValueError("names one twice")
    return ids


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


class Network(_Section):
    """An existing VPC that functions, training jobs, endpoints and builds shall run in: docs/account.md."""

    vpc_id: VpcId
    # SageMaker takes 16 subnets and 5 groups. Two, because production has two instances so that a zone may fail.
    subnet_ids: Annotated[tuple[SubnetId, ...], Field(min_length=2, max_length=16), AfterValidator(_each_once)]
    """Private subnets in different availability zones; their routes lead to the AWS services."""
    security_group_ids: Annotated[
        tuple[SecurityGroupId, ...], Field(min_length=1, max_length=5), AfterValidator(_each_once)
    ]


class UploadedSource(_Section):
    """The image is built from a zip that `make deploy` uploads."""

    source: Literal["s3"] = "s3"


class CodeCommitSource(_Section):
    """The image is built from a branch of an existing CodeCommit repository of this account and region."""

    source: Literal["codecommit"]
    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,100}$")]
    branch: BranchName = "main"


class GitHubSource(_Section):
    """The image is built from a branch on GitHub, through a connection that a person has made in the console."""

    source: Literal["github"]
    connection_arn: ConnectionArn
    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    """`owner/name`."""
    branch: BranchName = "main"


ImageSource = Annotated[UploadedSource | CodeCommitSource | GitHubSource, Field(discriminator="source")]


class Budget(_Section):
    """Mails the operators before a month becomes dearer than planned."""

    monthly_usd: Annotated[float, Field(gt=0)]
    tag: TagText = DEPLOYMENT_TAG
    """The tag that tells this deployment's costs apart; it has to be activated as a cost allocation tag."""


class Deployment(_Section):
    """One deployment of the product in one account and region."""

    name: DeploymentName = "mlops"
    sender: Annotated[str, AfterValidator(_sender)]
    """From this address SES mails people. `sns`: SNS does, as plain text, by a subscription that each confirms."""
    operators: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    """Who hears about a run that belongs to no model, and about alarms."""
    permissions_boundary: PolicyArn | None = None
    kms_key_arn: KeyArn | None = None
    """An existing key for everything that is stored; without it AWS's own keys are used."""
    tags: dict[TagKey, TagText] = {}
    retention: Retention = Retention()
    signing_keys: Annotated[
        tuple[Annotated[int, Field(ge=1, le=255)], ...], Field(min_length=1, max_length=4), AfterValidator(_each_once)
    ] = (1,)
    """Numbers of the KMS keys that sign mailed links; the greatest signs, the others stay good: docs/approval.md."""
    network: Network | None = None
    image: ImageSource = UploadedSource()
    budget: Budget | None = None

    @property
    def all_tags(self) -> dict[str, str]:
        """What every resource is tagged with: the settings' own, and the one that tells whose it is."""
        return {**self.tags, DEPLOYMENT_TAG: self.name}

    def published(self, model: ModelSettings) -> dict[str, object]:
        """A model's settings as runs read them. Training jobs carry the deployment's tags, which a run finds there."""
        tags = [{"Key": key, "Value": value} for key, value in sorted(self.tags.items())]
        return {**model.resolved(), "tags": tags}

    @property
    def mails_by_sns(self) -> bool:
        """Whether mails leave by SNS, for want of a sender that is verified."""
        return self.sender == BY_SNS

    @model_validator(mode="after")
    def _budget_has_its_tag_and_few_to_tell(self) -> Self:
        if self.budget is not None and self.budget.tag not in self.all_tags:
            raise ValueError(f"`budget.tag` is {self.budget.tag!r}, which is neither of `tags` nor {DEPLOYMENT_TAG}")
        if self.budget is not None and len(self.operators) > 10:
            raise ValueError("AWS Budgets mails to at most 10 `operators`; name a mailing list")
        return self


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
