"""What a model does wrong on purpose, when a fault is planned for its artefact."""

import time
from collections.abc import Mapping

from local.faults.plan import FaultPlan, ServingFault
from local.sagemaker.endpoints.fleet import Lease
from local.sagemaker.endpoints.model_connections import ModelAnswer

_TEXT = {"content-type": "text/plain"}


def invoke(plan: FaultPlan, endpoint: str, lease: Lease, body: bytes, headers: Mapping[str, str]) -> ModelAnswer:
    """The container's answer, late or replaced where that is planned. Raises as `ModelConnections.invoke`."""
    fault = plan.of_invocation(endpoint, lease.variant.model_data_url or "")
    if fault is None:
        return lease.connections.invoke(body, headers)
    time.sleep(fault.delay_seconds)  # real time, as a slow model would take: the caller waits for it
    if fault.status:
        return ModelAnswer(fault.status, _TEXT, b"This answer is a planned fault.")
    return _replaced(lease.connections.invoke(body, headers), fault)


def _replaced(answer: ModelAnswer, fault: ServingFault) -> ModelAnswer:
    if fault.answer is None:
        return answer
    return ModelAnswer(answer.status, answer.headers, fault.answer.encode())
