"""``sagemaker:create…``, with ``.sync`` for the jobs that end: training, transform, processing, tuning."""

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import botocore
import botocore.exceptions

from local.stepfunctions.integrations import naming, shapes
from local.stepfunctions.integrations.integration import SYNC, Caller, Job, Json, Optimised
from local.stepfunctions.task_faults import TASK_FAILED, TaskFault


@dataclass(frozen=True)
class JobKind:
    """How a kind of job is named, looked at and stopped."""

    name: str
    managed_rule: str
    """The EventBridge rule by which AWS hears of the end of such jobs; the machine's role needs rights on it."""

    @property
    def name_member(self) -> str:
        return f"{self.name}Name"

    @property
    def status_member(self) -> str:
        return f"{self.name}Status"


JOB_KINDS: Final = {
    "createTrainingJob": JobKind("TrainingJob", "StepFunctionsGetEventsForSageMakerTrainingJobsRule"),
    "createTransformJob": JobKind("TransformJob", "StepFunctionsGetEventsForSageMakerTransformJobsRule"),
    "createProcessingJob": JobKind("ProcessingJob", "StepFunctionsGetEventsForSageMakerProcessingJobsRule"),
    "createHyperParameterTuningJob": JobKind(
        "HyperParameterTuningJob", "StepFunctionsGetEventsForSageMakerTuningJobsRule"
    ),
}
# Request-response only ("Create and manage Amazon SageMaker AI jobs with Step Functions").
_OTHERS: Final = frozenset({"createEndpoint", "createEndpointConfig", "createModel", "updateEndpoint"})


class SageMaker(Optimised):
    """A job that fails or is stopped fails the task, its description as the Cause."""

    prefix: ClassVar = "SageMaker"
    base_exception: ClassVar = "AmazonSageMakerException"
    sdk_service: ClassVar = "AmazonSageMaker"

    def supports(self, condition: str | None) -> bool:
        if self.action in JOB_KINDS:
            return condition in (None, SYNC)
        return self.action in _OTHERS and condition is None

    def call(self, client: Any, request: Json, caller: Caller) -> Json:
        try:
            return super().call(client, request, caller)
        except botocore.exceptions.ClientError as error:
            kind = JOB_KINDS.get(self.action)
            if not caller.may_have_arrived or kind is None or error.response["Error"]["Code"] != "ResourceInUse":
                raise
            answer: Json = _describe(client, kind, request[kind.name_member])
            return answer

    def job(self, client: Any, request: Json, output: Json, condition: str) -> Job:  # noqa: ARG002 - the name is enough
        kind = JOB_KINDS[self.action]
        return SageMakerJob(client, kind, request[kind.name_member])


class SageMakerJob(Job):
    """A job by its name."""

    def __init__(self, client: Any, kind: JobKind, name: str) -> None:
        self._client = client
        self._kind = kind
        self._name = name

    def finished(self) -> Json | None:
        answer = _describe(self._client, self._kind, self._name)
        status = answer[self._kind.status_member]
        if status not in ("Completed", "Failed", "Stopped"):
            return None
        shape: Any = naming.operation("sagemaker", f"Describe{self._kind.name}").output_shape  # type: ignore[union-attr]
        described: Json = shapes.described(shape, answer)
        if status == "Completed":
            return described
        raise TaskFault(TASK_FAILED, json.dumps(described, separators=(",", ":"), ensure_ascii=False))

    def cancel(self) -> None:
        stop = getattr(self._client, botocore.xform_name(f"Stop{self._kind.name}"))
        stop(**{self._kind.name_member: self._name})


def _describe(client: Any, kind: JobKind, name: str) -> Any:
    return getattr(client, botocore.xform_name(f"Describe{kind.name}"))(**{kind.name_member: name})
