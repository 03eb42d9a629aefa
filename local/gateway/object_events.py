"""S3 → EventBridge as AWS sends it: the version id in the detail, the cloud's time.

An event is accepted before its write is acknowledged, so that none gets lost between the two.
"""

import contextvars
import json
from collections.abc import Callable
from typing import Any

from local.clock import Clock
from local.gateway.loading import after_import

_version_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("event_version_id", default=None)


def install(clock: Clock) -> None:
    """Complete the emulator's Object Created events."""

    def hook_s3(s3: Any) -> None:
        s3._fire_s3_event_async = _accepting_first(s3._fire_s3_event_async)
        s3._fire_s3_event = _remembering_version(s3._fire_s3_event)

    def hook_eventbridge(eventbridge: Any) -> None:
        eventbridge._dispatch_event = _completing(eventbridge._dispatch_event, clock)

    after_import("ministack.services.s3", hook_s3)
    after_import("ministack.services.eventbridge", hook_eventbridge)


def _accepting_first(original: Callable[..., None]) -> Callable[..., None]:
    """A thread of its own could lose the event of a write that was acknowledged; matching rules takes a millisecond."""

    def fire(bucket_name: str, key: str, event_name: str, *details: Any, **more: Any) -> None:
        from ministack.services import s3

        if bucket_name not in s3._bucket_notifications:
            return
        if s3._parse_notification_config(bucket_name):
            original(bucket_name, key, event_name, *details, **more)  # also has queues, topics or functions to call
            return
        more["sequencer"] = s3._next_event_sequencer(event_name)
        s3._fire_s3_event(bucket_name, key, event_name, *details, **more)

    return fire


def _remembering_version(original: Callable[..., None]) -> Callable[..., None]:
    def fire(*details: Any, **more: Any) -> None:
        before = _version_id.set(more.get("version_id"))
        try:
            original(*details, **more)
        finally:
            _version_id.reset(before)

    return fire


def _completing(original: Callable[..., Any], clock: Clock) -> Callable[..., Any]:
    def dispatch(event: dict[str, Any], view: Any = None) -> Any:
        if event.get("Source") == "aws.s3" and view is None:
            event = {**event, "Time": clock.datetime().strftime("%Y-%m-%dT%H:%M:%SZ")}
            detail = json.loads(event["Detail"])
            if (version := _version_id.get()) and "object" in detail:
                detail["object"]["version-id"] = version
                event["Detail"] = json.dumps(detail)
        return original(event, view)

    return dispatch
