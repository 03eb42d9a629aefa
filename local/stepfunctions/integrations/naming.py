"""How Step Functions spells services, errors and members: as the AWS SDKs for Java do, whose names it hands through.

The aws-sdk integrations follow version 2 (`S3.NoSuchKeyException`, `Ssm.ParameterNotFoundException`,
`CloudFormation.CloudFormationException` for a code the service model does not declare, such as ValidationError), the
optimised ones version 1 (`Lambda.AWSLambdaException`, `SageMaker.AmazonSageMakerException`). The rules are those of the
SDK's code generator.
"""

import functools
import re
from typing import Any, Final

import botocore.loaders
from botocore.model import OperationModel, ServiceModel

# What Step Functions calls a service → what botocore calls it, where it is not the same letters.
_ALIASES: Final = {
    "sfn": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "elasticloadbalancingv2": "elbv2",
    "elasticloadbalancing": "elb",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "efs": "efs",
    "cognitoidentityprovider": "cognito-idp",
    "resourcegroupstaggingapi": "resourcegroupstaggingapi",
    "configservice": "config",
    "applicationautoscaling": "application-autoscaling",
}
_EXCEPTION: Final = "Exception"


@functools.cache
def boto_service(name: str) -> str | None:
    """Botocore's name of a service named as in ``aws-sdk:<name>:<action>``; None when there is no such service."""
    if name in _ALIASES:
        return _ALIASES[name]
    known = {service.replace("-", ""): service for service in _loader().list_available_services("service-2")}
    return known.get(name.replace("-", ""))


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Of a service by botocore's name; a quarter of a second for the large ones, once."""
    return ServiceModel(_loader().load_service_model(service, "service-2"), service)


@functools.cache
def operation(service: str, action: str) -> OperationModel | None:
    """The API operation of an action such as ``createTrainingJob``."""
    model = service_model(service)
    wanted = action.lower()
    name = next((name for name in model.operation_names if name.lower() == wanted), None)
    return model.operation_model(name) if name else None


def sdk_error(service: str, code: str) -> str:
    """The error name of an aws-sdk integration for a service's error code."""
    prefix = java_service_name(service_model(service).service_id)
    return f"{prefix}.{declared_error(service, code) or prefix + _EXCEPTION}"


def declared_error(service: str, code: str) -> str | None:
    """The SDK's exception class for a code that the service model declares."""
    model = service_model(service)
    shape = next(
        (shape for shape in model.error_shapes if code in (shape.name, shape.metadata.get("error", {}).get("code"))),
        None,
    )
    return java_exception_name(shape.name) if shape is not None else None


def java_exception_name(shape_name: str) -> str:
    """ParameterNotFound → ParameterNotFoundException, ResourceFault → ResourceException."""
    if shape_name.endswith("Fault"):
        return shape_name.removesuffix("Fault") + _EXCEPTION
    return shape_name if shape_name.endswith(_EXCEPTION) else shape_name + _EXCEPTION


def java_service_name(service_id: str) -> str:
    """DynamoDB → DynamoDb, SESv2 → SesV2, SSM → Ssm, CloudWatch Logs → CloudWatchLogs."""
    text = re.sub(r"[^A-Za-z0-9]+", " ", service_id)
    text = re.sub(r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 ", text)
    text = re.sub(r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 ", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z][a-zA-Z0-9])", " ", text)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", text)
    text = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", text)
    return "".join(word[0].upper() + word[1:].lower() for word in text.split())


def java_member_name(name: str) -> str:
    """How the aws-sdk integrations write a member: DBClusters → DbClusters, SSEKMSKeyId → SsekmsKeyId, ETag → ETag."""
    end = 1
    while end < len(name) and name[end].isupper() and not (end + 1 < len(name) and name[end + 1].islower()):
        end += 1
    return name[0].upper() + name[1:end].lower() + name[end:]


@functools.cache
def _loader() -> Any:
    return botocore.loaders.Loader(include_default_search_paths=True)
