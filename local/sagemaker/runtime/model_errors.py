"""What a caller of InvokeEndpoint is told when the model's container does not answer well."""

import json

from local.gateway.protocol import Response
from local.sagemaker.endpoints.serving_containers import LOG_GROUP
from local.sagemaker.resource_names import ResourceNames

# AWS quotes a container's answer up to about this length.
_MOST_QUOTED_CHARACTERS = 1024
SILENT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
GONE = "The container closed the connection before it had answered."


def refusal(code: str, message: str, status: int = 400) -> Response:
    """An error of the service itself. SageMaker Runtime's codes are ValidationError, ServiceUnavailable, …"""
    body = json.dumps({"Message": message, "message": message}).encode()
    return Response(status, {"content-type": "application/json", "x-amzn-errortype": code}, body)


def model_error(names: ResourceNames, endpoint: str, variant: str, original_status: int, original: str) -> Response:
    """ModelError (424): the container answered 4xx or 5xx, or (``original_status`` 0) nothing."""
    side = "client" if 400 <= original_status < 500 else "server"
    quoted = original[:_MOST_QUOTED_CHARACTERS]
    group = LOG_GROUP.format(endpoint=endpoint)
    message = (
        f'Received {side} error ({original_status}) from primary with message "{quoted}". See '
        f"https://{names.region}.console.aws.amazon.com/cloudwatch/home?region={names.region}"
        f"#logEventViewer:group={group} in account {names.account} for more information."
    )
    document = {
        "Message": message,
        "OriginalMessage": quoted,
        "OriginalStatusCode": original_status,
        "LogStreamArn": names.log_stream(group, variant),
    }
    headers = {"content-type": "application/json", "x-amzn-errortype": "ModelError"}
    return Response(424, headers, json.dumps(document).encode())
