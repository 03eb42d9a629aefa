"""Finds the integration that a Task's Resource names."""

from typing import Final

from local.stepfunctions.integrations import naming
from local.stepfunctions.integrations.child_execution import StartExecution
from local.stepfunctions.integrations.integration import AwsSdk, Integration
from local.stepfunctions.integrations.lambda_function import LambdaInvoke
from local.stepfunctions.integrations.messaging import DynamoDb, Events, Sns, Sqs
from local.stepfunctions.integrations.sagemaker_jobs import SageMaker

# As in ``arn:aws:states:::<name>:<action>`` → (class, botocore's name).
_OPTIMISED: Final[dict[str, tuple[type[Integration], str]]] = {
    "lambda": (LambdaInvoke, "lambda"),
    "dynamodb": (DynamoDb, "dynamodb"),
    "sns": (Sns, "sns"),
    "sqs": (Sqs, "sqs"),
    "events": (Events, "events"),
    "states": (StartExecution, "stepfunctions"),
    "sagemaker": (SageMaker, "sagemaker"),
}


def find(service_name: str, api_name: str, action: str) -> Integration | None:
    """None when there is no such integration, or the embedded cloud does not have it.

    ``service_name`` is "aws-sdk" or an optimised integration; ``api_name`` the service of an aws-sdk integration.
    """
    if service_name == "aws-sdk":
        service = naming.boto_service(api_name)
        return AwsSdk(f"aws-sdk:{api_name}", action, service) if service else None
    if service_name in _OPTIMISED:
        kind, service = _OPTIMISED[service_name]
        return kind(service_name, action, service)
    return None
