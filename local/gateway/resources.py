"""Which resource an API call is authorised on.

Facts are those of AWS's Service Authorization Reference; SageMaker's ARNs carry names in lower case.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

Parameters = Mapping[str, Any]

# Parameter that names the resource → its kind in the ARN. The first one present whose kind the operation names decides.
_SAGEMAKER_KINDS = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "TransformJobName": "transform-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "MonitoringScheduleName": "monitoring-schedule",
    "ModelPackageGroupName": "model-package-group",
    "ModelPackageName": "model-package",
    "EndpointConfigName": "endpoint-config",
    "EndpointName": "endpoint",
    "ModelName": "model",
}
# Both are authorised on the endpoint first; its configuration follows as a dependent check.
_SAGEMAKER_OPERATION_KIND = {"CreateEndpoint": "EndpointName", "UpdateEndpoint": "EndpointName"}


def sagemaker_resource(operation: str, path: str, parameters: Parameters, region: str, account: str) -> str:
    """The ARN a SageMaker control-plane or runtime call is authorised on; "*" when it names none."""
    prefix = f"arn:aws:sagemaker:{region}:{account}"
    if path.startswith("/endpoints/"):
        return f"{prefix}:endpoint/{unquote(path.split('/')[2]).lower()}"
    group = parameters.get("ModelPackageGroupName")
    if operation == "CreateModelPackage" and isinstance(group, str):
        return f"{prefix}:model-package/{group.lower()}/*"  # its version is not known yet
    for field in ("ResourceArn", "TrainingJobArn", "ModelPackageArn", "SourceArn"):
        if isinstance(arn := parameters.get(field), str) and arn.startswith("arn:"):
            return arn
    preferred = _SAGEMAKER_OPERATION_KIND.get(operation)
    for field, kind in _SAGEMAKER_KINDS.items():
        name = parameters.get(field)
        if not isinstance(name, str) or (preferred and field != preferred):
            continue
        if field == preferred or kind.replace("-", "") in operation.lower():
            return name if name.startswith("arn:") else f"{prefix}:{kind}/{name.lower()}"
    return "*"


def autoscaling_resource(operation: str, parameters: Parameters, region: str, account: str) -> str:
    """Application Auto Scaling authorises writes on ``scalable-target/*``, tags on the ARN they name, lists on "*"."""
    if isinstance(arn := parameters.get("ResourceARN"), str):
        return arn
    if operation.startswith(("Describe", "List", "Get")):
        return "*"
    return f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/*"


def pipeline_resource(_operation: str, parameters: Parameters, region: str, account: str) -> str:
    """The pipeline that a CodePipeline call names; "*" when it names none."""
    declared = parameters.get("pipeline")
    named = declared.get("name") if isinstance(declared, Mapping) else parameters.get("pipelineName")
    name = named or parameters.get("name")
    return f"arn:aws:codepipeline:{region}:{account}:{name}" if isinstance(name, str) else "*"


def named_alarms(operation: str, parameters: Parameters, region: str, account: str) -> list[str]:
    """The alarms that are asked for by their names: each has to be allowed. Who asks for all asks for "*"."""
    names = parameters.get("AlarmNames")
    if operation != "DescribeAlarms" or not isinstance(names, list):
        return []
    return [f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}" for name in names]


def sender_identity(parameters: Parameters, region: str, account: str) -> str:
    """Sending mail is authorised on the identity of its sender; "*" when it names none."""
    sender = _sender(parameters)
    return f"arn:aws:ses:{region}:{account}:identity/{sender}" if sender else "*"


def condition_keys(service: str, operation: str, parameters: Parameters) -> dict[str, str]:
    """The condition keys that only a call's parameters tell: a mail's sender."""
    sends = service == "ses" and operation == "SendEmail"
    return {"ses:FromAddress": sender} if sends and (sender := _sender(parameters)) else {}


def _sender(parameters: Parameters) -> str:
    return str(parameters.get("FromEmailAddress") or parameters.get("Source") or "")


def parameter_path(operation: str, parameters: Parameters, region: str, account: str) -> str:
    """A read of all parameters under a path is authorised on the path; "" for other calls.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-retrieval-authorization.html
    """
    path = parameters.get("Path") if operation == "GetParametersByPath" else None
    return f"arn:aws:ssm:{region}:{account}:parameter/{path.strip('/')}" if isinstance(path, str) else ""


def part_of(service: str, operation: str, parameters: Parameters, arn: str) -> str:
    """A function's version, or a log group's stream, where the call is about that part alone."""
    if service == "lambda" and (qualifier := parameters.get("Qualifier")):
        return f"{arn}:{qualifier}"
    if service == "logs" and operation == "PutLogEvents" and (stream := parameters.get("logStreamName")):
        return f"{arn}:log-stream:{stream}"
    return arn


def states_resource(operation: str, parameters: Parameters, region: str, account: str) -> str:
    """The state machine, execution or activity that a Step Functions call names; "*" otherwise."""
    for field in ("stateMachineArn", "executionArn", "activityArn", "resourceArn", "mapRunArn"):
        if isinstance(arn := parameters.get(field), str) and arn:
            # An alias or version is authorised as its own resource; a map run under its execution's label.
            return arn
    name = parameters.get("name")
    if operation == "CreateStateMachine" and isinstance(name, str):
        return f"arn:aws:states:{region}:{account}:stateMachine:{name}"
    if operation == "CreateActivity" and isinstance(name, str):
        return f"arn:aws:states:{region}:{account}:activity:{name}"
    return "*"


def call_parameters(body: bytes, content_type: str) -> dict[str, Any]:
    """A request's parameters from its JSON or form body; {} when it has neither."""
    if not body:
        return {}
    if "form" in content_type:
        return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
