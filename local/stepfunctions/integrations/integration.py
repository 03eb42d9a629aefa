"""What every integration is: a request, a result, a name for what goes wrong, and sometimes a job to wait for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import botocore.exceptions
from botocore.model import OperationModel

from local.stepfunctions.integrations import naming, shapes
from local.stepfunctions.task_faults import TaskFault

Json = dict[str, Any]

WAIT_FOR_TASK_TOKEN: Final = "waitForTaskToken"  # noqa: S105 - the name of a pattern
SYNC: Final = "sync"
SYNC_2: Final = "sync:2"


@dataclass(frozen=True)
class Caller:
    """On whose behalf a task calls."""

    execution_arn: str
    machine_arn: str
    state: str
    choice: str
    """A text that is the same when the call is made again after a crash, and no other's."""
    may_have_arrived: bool = False
    """The call was under way when the cloud died."""


class Job(ABC):
    """Something started by a `.sync` task that ends some time."""

    execution_arn: str | None = None
    """The execution it is, if it is one: its end is heard of at once."""

    @abstractmethod
    def finished(self) -> Json | None:
        """The task's result when the job has succeeded, None while it runs. Raises TaskFault when it has failed."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop it because nobody waits any more. Errors do not matter."""


class Integration(ABC):
    """One service as a Task's Resource names it."""

    conditions: ClassVar[frozenset[str | None]] = frozenset({None, WAIT_FOR_TASK_TOKEN})

    def __init__(self, resource_type: str, action: str, service: str) -> None:
        """``resource_type`` is what the history calls it; ``service`` is botocore's name."""
        self.resource_type = resource_type
        self.action = action
        self.service = service

    @property
    def operation(self) -> OperationModel | None:
        return naming.operation(self.service, self.action)

    def supports(self, condition: str | None) -> bool:
        """Whether there is such an action, with ``.sync`` or ``.waitForTaskToken``."""
        return condition in self.conditions and self.operation is not None

    def request(self, arguments: Json, caller: Caller) -> Json:  # noqa: ARG002 - some need it
        """As botocore takes it. Raises InvalidArguments."""
        assert self.operation is not None
        return shapes.request(self.operation.input_shape, arguments)

    def call(self, client: Any, request: Json, caller: Caller) -> Json:  # noqa: ARG002 - some need it
        """Botocore's answer. Raises botocore's errors, and TaskFault."""
        answer: Json = getattr(client, botocore.xform_name(self.operation.name))(**request)  # type: ignore[union-attr]
        return answer

    @abstractmethod
    def result(self, answer: Json) -> Any:
        """The task's result from botocore's answer. Raises TaskFault for an answer that tells of a failure."""

    @abstractmethod
    def error(self, code: str) -> str:
        """Step Functions' name for the service's error code; "SdkClientException" when the service did not answer."""

    def cause(self, message: str, metadata: Mapping[str, Any], code: str) -> str:  # noqa: ARG002 - some tell it
        return f"{message} ({self._origin(metadata, ', ')})"

    def job(self, client: Any, request: Json, output: Json, condition: str) -> Job:
        """What a `.sync` task waits for; ``output`` is what the call resulted in."""
        raise NotImplementedError(f"{self.resource_type}:{self.action}.{condition}")

    def fault(self, error: Exception) -> TaskFault:
        """A botocore error as a task's failure."""
        if isinstance(error, botocore.exceptions.ClientError):
            response: Any = error.response
            code = response.get("Error", {}).get("Code", "")
            message = response.get("Error", {}).get("Message") or f"Service returned error code {code}"
            return TaskFault(self.error(code), self.cause(message, response.get("ResponseMetadata", {}), code))
        return TaskFault(self.error("SdkClientException"), str(error))

    def _origin(self, metadata: Mapping[str, Any], separator: str) -> str:
        service = naming.java_service_name(naming.service_model(self.service).service_id)
        return separator.join(
            (
                f"Service: {service}",
                f"Status Code: {metadata.get('HTTPStatusCode', 0)}",
                f"Request ID: {metadata.get('RequestId', '')}",
            )
        )


class AwsSdk(Integration):
    """Any API operation as itself: ``arn:aws:states:::aws-sdk:<service>:<action>``."""

    def result(self, answer: Json) -> Any:
        return shapes.sdk_result(self.operation.output_shape, answer)  # type: ignore[union-attr]

    def error(self, code: str) -> str:
        if code == "SdkClientException":
            prefix = naming.java_service_name(naming.service_model(self.service).service_id)
            return f"{prefix}.{code}"
        return naming.sdk_error(self.service, code)


class Optimised(Integration):
    """An integration with its own ways, spelled as in version 1 of the SDK for Java."""

    prefix: ClassVar[str]
    """What its error names begin with."""
    base_exception: ClassVar[str]
    """The error for a code that the service model does not declare, such as AccessDeniedException."""
    sdk_service: ClassVar[str]
    """What a Cause calls the service."""

    def result(self, answer: Json) -> Any:
        return shapes.optimised_result(self.operation.output_shape, answer)  # type: ignore[union-attr]

    def error(self, code: str) -> str:
        if code == "SdkClientException":
            return f"{self.prefix}.{code}"
        return f"{self.prefix}.{naming.declared_error(self.service, code) or self.base_exception}"

    def cause(self, message: str, metadata: Mapping[str, Any], code: str) -> str:
        told = (
            f"Service: {self.sdk_service}",
            f"Status Code: {metadata.get('HTTPStatusCode', 0)}",
            f"Error Code: {code}",
            f"Request ID: {metadata.get('RequestId', '')}",
            "Proxy: null",
        )
        return f"{message} ({'; '.join(told)})"
