"""An existing KMS key: what each role needs of it follows from what the role may read and write.

What the key's own policy has to admit stands in docs/account.md: nothing here changes a key that belongs to somebody
else.
"""

import re
from collections.abc import Iterable, Iterator

from aws_cdk import Aws
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.deployment import Deployment
from infra.grants import Grant
from infra.names import published_json

# Local disks are encrypted in hardware, and SageMaker refuses a key for an instance that has some.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/InstanceStorage.html lists the families: a `d` among the
# attributes, and the accelerated ones.
_LOCAL_DISKS = re.compile(r"ml\.(?:[a-z]+\d[a-z]*d[a-z]*|g5|g6e?|gr6|p5e?n?|trn[12]n?)\.")


def account_key(scope: Construct, deployment: Deployment) -> kms.IKey | None:
    """The key of the settings, if they name one."""
    return kms.Key.from_key_arn(scope, "AccountKey", deployment.kms_key_arn) if deployment.kms_key_arn else None


def has_local_disks(instance_type: str) -> bool:
    """Whether an instance type, such as `ml.m5d.large`, brings disks of its own."""
    return _LOCAL_DISKS.match(instance_type) is not None


def key_grants(grants: Iterable[Grant], key_arn: str | None) -> tuple[Grant, ...]:
    """The rights on the key without which `grants` would be void; none without a key."""
    return tuple(_key_grants(tuple(grants), key_arn)) if key_arn is not None else ()


def container_key_grants(key_arn: str | None) -> tuple[Grant, ...]:
    """What the roles of training jobs and endpoints need beside what follows from their other rights."""
    if key_arn is None:
        return ()
    encrypts = Grant(
        "EncryptOutput",
        "SageMaker asks for this right where a job or an endpoint names the key for what it writes.",
        ("kms:Encrypt",),
        (key_arn,),
    )
    return (encrypts, _encrypt_volumes(key_arn))


def _encrypt_volumes(key_arn: str) -> Grant:
    return Grant(
        "EncryptVolumes",
        "SageMaker encrypts the volumes of its instances with the account's key, by way of a grant on it.",
        ("kms:CreateGrant", "kms:DescribeKey"),
        (key_arn,),
        {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def _key_grants(grants: tuple[Grant, ...], key_arn: str) -> Iterator[Grant]:
    objects = {action for grant in grants if published_json() not in grant.resources for action in grant.actions}
    actions = {action for grant in grants for action in grant.actions}
    if "s3:GetObject" in objects:
        yield _through("ReadObjects", "s3", ("kms:Decrypt",), key_arn)
    if "s3:PutObject" in objects:
        # Decrypt, because a large object is written in parts.
        yield _through("WriteObjects", "s3", ("kms:Decrypt", "kms:GenerateDataKey"), key_arn)
    if any(action.startswith("dynamodb:") for action in actions):
        yield _through("UseTables", "dynamodb", ("kms:Decrypt", "kms:DescribeKey"), key_arn)
    if "sns:Publish" in actions:
        yield _through("PublishMessages", "sns", ("kms:Decrypt", "kms:GenerateDataKey"), key_arn)
    if {"sagemaker:CreateTrainingJob", "sagemaker:CreateEndpointConfig"} & actions:
        yield _encrypt_volumes(key_arn)


def _through(sid: str, service: str, actions: tuple[str, ...], key_arn: str) -> Grant:
    return Grant(
        sid,
        "What is stored is encrypted with the account's key, which opens through that service only.",
        actions,
        (key_arn,),
        {"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}},
    )
