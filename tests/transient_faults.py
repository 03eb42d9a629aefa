"""Faults of AWS that pass by themselves, as each service sends them, and the task states that can meet them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.stepfunctions.integrations import catalogue
from local.stepfunctions.integrations.integration import Integration
from statemachine.loader import DEFINITIONS, read_definition

THROTTLED = "Rate exceeded"


@dataclass(frozen=True)
class Fault:
    """An error by its code in the service's protocol; `status` is HTTP's."""

    code: str
    status: int
    message: str = THROTTLED


_INTERNAL = Fault("InternalFailure", 500, "The request processing has failed because of an unknown error.")
_UNAVAILABLE = Fault("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server.")
# By the service's name in IAM: throttling first, under each name that it may have, then faults of the service.
# From the services' "Common errors" pages and the errors of the operations that are called here.
THROTTLING: dict[str, tuple[Fault, ...]] = {
    "cloudformation": (Fault("Throttling", 400), Fault("RequestLimitExceeded", 503)),
    "dynamodb": (
        Fault("ThrottlingException", 400),
        Fault("ProvisionedThroughputExceededException", 400),
        Fault("RequestLimitExceeded", 400),
    ),
    "lambda": (Fault("TooManyRequestsException", 429), Fault("EC2ThrottledException", 502)),
    "s3": (Fault("SlowDown", 503, "Please reduce your request rate."),),
    "sagemaker": (Fault("ThrottlingException", 400),),
    "ssm": (Fault("ThrottlingException", 400), Fault("RequestLimitExceeded", 400)),
    "states": (Fault("ThrottlingException", 400),),
    "application-autoscaling": (Fault("ThrottlingException", 400),),
    "kms": (Fault("ThrottlingException", 400),),
    "ses": (Fault("TooManyRequestsException", 429),),
}
BROKEN: dict[str, tuple[Fault, ...]] = {
    "cloudformation": (_INTERNAL, _UNAVAILABLE),
    "dynamodb": (Fault("InternalServerError", 500, "Internal server error"), _UNAVAILABLE),
    "lambda": (
        Fault("ServiceException", 500, "Service exception"),
        Fault("ResourceNotReadyException", 502, "The function is inactive."),
        _UNAVAILABLE,
    ),
    "s3": (
        Fault("InternalError", 500, "We encountered an internal error. Please try again."),
        Fault("ServiceUnavailable", 503, "Service is unable to handle request."),
    ),
    "sagemaker": (_INTERNAL, _UNAVAILABLE),
    "ssm": (Fault("InternalServerError", 500, "Internal server error"), _UNAVAILABLE),
    "states": (_INTERNAL, _UNAVAILABLE),
    "application-autoscaling": (Fault("InternalServiceException", 500, "An internal service error."),),
    "kms": (Fault("KMSInternalException", 500, "An internal exception."), _UNAVAILABLE),
    "ses": (_INTERNAL, _UNAVAILABLE),
}
# What an operation can meet beside the service's own.
OF_OPERATION: dict[str, tuple[Fault, ...]] = {
    "putItem": (Fault("TransactionConflictException", 400, "Transaction is ongoing for the item"),),
    "updateItem": (Fault("TransactionConflictException", 400, "Transaction is ongoing for the item"),),
    "transactWriteItems": (Fault("TransactionInProgressException", 400, "The transaction is in progress."),),
}
# A call whose connection breaks, before or after it was carried out.
NO_ANSWER = "SdkClientException"

_IAM_NAMES = {"invoke": "InvokeFunction", "copyObject": "PutObject"}
_IAM_NAMESPACES = {"stepfunctions": "states"}


@dataclass(frozen=True)
class TaskState:
    """A Task state of one of the definitions."""

    machine: str
    name: str
    definition: dict[str, Any]

    @property
    def id(self) -> str:
        return f"{self.machine}/{self.name}"

    @property
    def resource(self) -> str:
        return str(self.definition["Resource"])

    @property
    def operation(self) -> str:
        """As the Resource spells it: createTrainingJob."""
        return self.resource.rsplit(":", 1)[-1].split(".")[0] if "sync:2" not in self.resource else "startExecution"

    @property
    def integration(self) -> Integration:
        parts = self.resource.removeprefix("arn:aws:states:::").split(":")
        found = catalogue.find(parts[0], parts[1] if parts[0] == "aws-sdk" else "", self.operation)
        assert found is not None, self.resource
        return found

    @property
    def service(self) -> str:
        """Its name in IAM."""
        return _IAM_NAMESPACES.get(self.integration.service, self.integration.service)

    @property
    def action(self) -> str:
        """The IAM action of its call."""
        operation = _IAM_NAMES.get(self.operation, self.operation[0].upper() + self.operation[1:])
        return f"{self.service}:{operation}"

    @property
    def waits(self) -> bool:
        """Whether the task goes on after its call: until a job, a child or a person is done."""
        return self.resource.endswith((".sync", ".sync:2", ".waitForTaskToken"))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All that passes by itself."""
        return THROTTLING[self.service] + BROKEN[self.service] + OF_OPERATION.get(self.operation, ())


def task_states() -> Iterator[TaskState]:
    """Every Task state of every definition."""
    for path in DEFINITIONS:
        for name, definition in read_definition(path)["States"].items():
            if definition["Type"] == "Task":
                yield TaskState(path.name.removesuffix(".asl.yaml"), name, definition)
