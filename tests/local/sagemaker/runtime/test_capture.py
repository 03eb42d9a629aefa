import datetime as dt
import json
import threading
from typing import Any

import pytest

from local.sagemaker.endpoints.specification import CaptureSpecification
from local.sagemaker.runtime import capture as capture_module
from local.sagemaker.runtime.capture_record import CapturedExchange, capture_key, capture_line
from tests.local.sagemaker.conftest import BUCKET, MiniatureCloud, eventually, variant

AT = dt.datetime(2026, 7, 5, 4, 3, 2, 1000, dt.UTC)
CAPTURE = CaptureSpecification(
    destination=f"s3://{BUCKET}/capture",
    sampling_percentage=100,
    captures_input=True,
    captures_output=True,
    csv_content_types=("text/csv",),
    json_content_types=("application/json",),
    kms_key=None,
)


def exchange(**changes: Any) -> CapturedExchange:
    return CapturedExchange(
        **{
            "event_id": "e",
            "at": AT,
            "request_type": "text/csv",
            "request": b"1,2\n",
            "response_type": "application/json; charset=utf-8",
            "response": b'{"class":0}',
            "inference_id": None,
            "custom_attributes": None,
        }
        | changes
    )


def test_a_line_has_sagemakers_format() -> None:
    line = capture_line(exchange(inference_id="i-1", custom_attributes="trace=1"), CAPTURE)
    assert line.endswith(b"}\n")
    assert b"\n" not in line[:-1]
    assert json.loads(line) == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2\n",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json; charset=utf-8",
                "mode": "OUTPUT",
                "data": '{"class":0}',
                "encoding": "JSON",
            },
        },
        "eventMetadata": {
            "eventId": "e",
            "customAttributes": ["trace=1"],
            "inferenceId": "i-1",
            "inferenceTime": "2026-07-05T04:03:02Z",
        },
        "eventVersion": "0",
    }


@pytest.mark.parametrize(
    ("content_type", "content"), [("application/octet-stream", b"1,2"), ("text/csv", b"\xff"), ("", b"")]
)
def test_what_is_not_declared_as_text_is_base64(content_type: str, content: bytes) -> None:
    line = json.loads(capture_line(exchange(request_type=content_type, request=content), CAPTURE))
    assert line["captureData"]["endpointInput"]["encoding"] == "BASE64"


def test_keys_sort_by_time() -> None:
    key = capture_key("monitoring/prd/", "live", "model-a", AT, "id")
    assert key == "monitoring/prd/live/model-a/2026/07/05/04/03-02-001-id.jsonl"


def serve(cloud: MiniatureCloud, percentage: int = 100, **capture: Any) -> None:
    config = {
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": f"s3://{BUCKET}/capture/{cloud.name}",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    cloud.create_model("m")
    cloud.create_config("c", variant("m"), DataCaptureConfig=config | capture)
    cloud.create_endpoint("live", "c")


def captured(cloud: MiniatureCloud) -> list[dict[str, Any]]:
    keys = cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"capture/{cloud.name}/live/model-a/").get("Contents", [])
    return [
        json.loads(line) for item in keys for line in cloud.get(f"s3://{BUCKET}/{item['Key']}").decode().splitlines()
    ]


def test_requests_and_answers_are_captured(cloud: MiniatureCloud) -> None:
    serve(cloud)
    answers = {cloud.invoke("live", f"{number},0", InferenceId=f"i-{number}") for number in range(20)}
    eventually(lambda: cloud.clock.advance(5) or len(captured(cloud)) == 20)
    lines = captured(cloud)
    assert {line["captureData"]["endpointOutput"]["data"] for line in lines} == answers
    assert {line["captureData"]["endpointInput"]["data"] for line in lines} == {f"{n},0" for n in range(20)}
    assert {line["eventMetadata"]["inferenceId"] for line in lines} == {f"i-{n}" for n in range(20)}
    assert len({line["eventMetadata"]["eventId"] for line in lines}) == 20


def test_what_waits_is_written_when_the_cloud_stops(cloud: MiniatureCloud) -> None:
    serve(cloud)
    for _ in range(3):
        cloud.invoke("live")
    cloud.restart()
    assert len(captured(cloud)) == 3


def test_only_the_sample_is_captured(cloud: MiniatureCloud) -> None:
    serve(cloud, percentage=30)
    for _ in range(100):
        cloud.invoke("live")
    cloud.restart()
    assert 10 <= len(captured(cloud)) <= 55


def test_a_capture_that_is_switched_off_captures_nothing(cloud: MiniatureCloud) -> None:
    serve(cloud, EnableCapture=False)
    cloud.invoke("live")
    cloud.restart()
    assert captured(cloud) == []


def test_captures_wait_for_s3_with_bounded_memory(
    cloud: MiniatureCloud, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capture_module, "_MOST_WAITING_BYTES", 60_000)
    serve(cloud)
    cloud.front_door.broken.add("s3")
    for _ in range(10):
        cloud.invoke("live", b"x" * 10_000)
    cloud.service._capture.flush()
    assert "data capture of live waits" in caplog.text
    cloud.front_door.broken.clear()
    cloud.restart()
    assert len(captured(cloud)) == 5
    assert "5 captured requests are lost" in caplog.text


def test_many_threads_capture_each_request_once(cloud: MiniatureCloud) -> None:
    serve(cloud)
    threads = [
        threading.Thread(target=lambda: [cloud.invoke("live") for _ in range(10)], daemon=True) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cloud.restart()
    assert len({line["eventMetadata"]["eventId"] for line in captured(cloud)}) == 40
