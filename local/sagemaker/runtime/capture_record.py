"""One captured request in SageMaker's format, a line of JSON. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import datetime as dt
import json
from dataclasses import dataclass

from local.sagemaker.endpoints.specification import CaptureSpecification
from local.sagemaker.json_rpc import Json


@dataclass(frozen=True)
class CapturedExchange:
    """A request and its answer as they passed."""

    event_id: str
    at: dt.datetime
    request_type: str
    request: bytes
    response_type: str
    response: bytes
    inference_id: str | None
    custom_attributes: str | None

    @property
    def size_bytes(self) -> int:
        """Of the two bodies."""
        return len(self.request) + len(self.response)


def capture_line(exchange: CapturedExchange, capture: CaptureSpecification) -> bytes:
    """The line for one exchange, with its line feed."""
    data: Json = {}
    if capture.captures_input:
        data["endpointInput"] = _side("INPUT", exchange.request_type, exchange.request, capture)
    if capture.captures_output:
        data["endpointOutput"] = _side("OUTPUT", exchange.response_type, exchange.response, capture)
    metadata: Json = {"eventId": exchange.event_id}
    if exchange.custom_attributes is not None:
        metadata["customAttributes"] = [exchange.custom_attributes]
    if exchange.inference_id is not None:
        metadata["inferenceId"] = exchange.inference_id
    metadata["inferenceTime"] = exchange.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def _side(mode: str, content_type: str, content: bytes, capture: CaptureSpecification) -> Json:
    encoding, data = _encoded(content_type, content, capture)
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}


def _encoded(content_type: str, content: bytes, capture: CaptureSpecification) -> tuple[str, str]:
    """As text for the content types that the configuration names; "if no headers are specified SageMaker will by
    default base64 encode when capturing the data" (CaptureContentTypeHeader).
    """
    media_type = content_type.partition(";")[0].strip().lower()
    for encoding, types in (("CSV", capture.csv_content_types), ("JSON", capture.json_content_types)):
        if media_type in (listed.lower() for listed in types):
            try:
                return encoding, content.decode()
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(content).decode()


def capture_key(prefix: str, endpoint: str, variant: str, at: dt.datetime, file_id: str) -> str:
    """``<prefix>/<endpoint>/<variant>/yyyy/mm/dd/hh/MM-SS-ms-<id>.jsonl``"""
    name = f"{at:%M-%S}-{at.microsecond // 1000:03d}-{file_id}.jsonl"
    return "/".join(part for part in (prefix.strip("/"), endpoint, variant, f"{at:%Y/%m/%d/%H}", name) if part)
