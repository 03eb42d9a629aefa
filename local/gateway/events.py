"""EventBridge → state machine or pipeline: started under the target's role, at least once, with retries.

What no retry mends goes to the target's dead-letter queue.

The emulator starts its own Step Functions, ignores the role, swallows failures and knows no pipelines. Deliveries here
leave the event loop, because the start comes back through it.
"""

import contextvars
import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import credentials
from local.clock import Clock
from local.context import Cloud
from local.gateway.loading import after_import

# How often rules with a schedule are looked at; a cloud whose clock runs fast has many of its minutes in that.
_TICK_SECONDS = 0.5
_PRINCIPAL = "events.amazonaws.com"
# EventBridge's defaults: 185 attempts in 24 hours. The steps grow to a few minutes, with jitter on AWS.
_DEFAULT_ATTEMPTS = 185
_DEFAULT_AGE_SECONDS = 86_400
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
# Errors that no retry mends go to the dead-letter queue at once.
_PERMANENT = {
    "AccessDenied": "NO_PERMISSIONS",
    "AccessDeniedException": "NO_PERMISSIONS",
    "StateMachineDoesNotExist": "NO_RESOURCE",
    "PipelineNotFoundException": "NO_RESOURCE",
    "InvalidArn": "NO_RESOURCE",
    "InvalidExecutionInput": "SDK_CLIENT_ERROR",
    "ValidationException": "SDK_CLIENT_ERROR",
    "InvalidClientTokenId": "NO_PERMISSIONS",
}
_log = logging.getLogger(__name__)
_target: contextvars.ContextVar[tuple[dict[str, Any], str]] = contextvars.ContextVar("event_target", default=({}, ""))


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target. ``accepted_at`` is in the cloud's epoch seconds."""

    delivery_id: str
    rule_arn: str
    target_arn: str
    role_arn: str
    payload: str
    accepted_at: float
    attempts: int
    age_seconds: int
    dead_letter_arn: str


class Deliveries:
    """Delivers events on threads of their own; with a state directory, what was accepted survives a crash."""

    def __init__(self, clock: Clock, pending_dir: Path | None) -> None:
        self._clock = clock
        self._pending_dir = pending_dir
        if pending_dir is not None:
            pending_dir.mkdir(parents=True, exist_ok=True)

    def accept(self, target: dict[str, Any], rule_arn: str, target_arn: str, payload: str) -> None:
        """Take over one event; returns when it cannot get lost any more, before it is delivered."""
        retry = target.get("RetryPolicy") or {}
        delivery = Delivery(
            delivery_id=str(uuid.uuid4()),
            rule_arn=rule_arn,
            target_arn=target_arn,
            role_arn=target.get("RoleArn", ""),
            payload=payload,
            accepted_at=self._clock.now(),
            attempts=1 + int(retry.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS)),
            age_seconds=int(retry.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS)),
            dead_letter_arn=(target.get("DeadLetterConfig") or {}).get("Arn", ""),
        )
        if (path := self._path(delivery)) is not None:
            path.with_suffix(".part").write_text(json.dumps(asdict(delivery)))
            path.with_suffix(".part").rename(path)
        self._start(delivery)

    def resume(self) -> None:
        """Deliver again what a crash left undelivered: at least once, as on AWS."""
        if self._pending_dir is not None:
            for path in sorted(self._pending_dir.glob("*.json")):
                self._start(Delivery(**json.loads(path.read_text())))

    def _path(self, delivery: Delivery) -> Path | None:
        return None if self._pending_dir is None else self._pending_dir / f"{delivery.delivery_id}.json"

    def _start(self, delivery: Delivery) -> None:
        threading.Thread(target=self._deliver, args=(delivery,), name="event-delivery", daemon=True).start()

    def _deliver(self, delivery: Delivery) -> None:
        code, message, attempt = self._attempt_until_done(delivery)
        if code:
            _log.warning("Event for %s not delivered after %d attempts: %s", delivery.target_arn, attempt, message)
            if delivery.dead_letter_arn:
                _bury(delivery, code, message, attempt)
        if (path := self._path(delivery)) is not None:
            path.unlink(missing_ok=True)

    def _attempt_until_done(self, delivery: Delivery) -> tuple[str, str, int]:
        pause, attempt = _FIRST_PAUSE_SECONDS, 0
        while True:
            attempt += 1
            try:
                _start_execution(delivery)
                return "", "", attempt
            except ClientError as error:
                details = error.response["Error"]
                code, message = _PERMANENT.get(details["Code"], ""), details.get("Message", str(error))
                if code:
                    return code, message, attempt
            except Exception as error:  # the front door may be stopping or not be up yet
                message = str(error)
            expired = self._clock.now() - delivery.accepted_at >= delivery.age_seconds
            if attempt >= delivery.attempts or expired:
                return "RETRY_ATTEMPTS_EXHAUSTED" if not expired else "EVENT_AGE_EXCEEDED", message, attempt
            self._clock.wait(None, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def install(cloud: Cloud) -> Deliveries:
    """Replace the emulator's dispatch to state machines, and let rules with a schedule follow the cloud's clock."""
    state_dir = cloud.configuration.state_dir
    deliveries = Deliveries(cloud.clock, state_dir / "deliveries" if state_dir else None)

    def hook(eventbridge: Any) -> None:
        eventbridge._invoke_target = _remembering_target(eventbridge._invoke_target, deliveries)
        eventbridge._dispatch_to_stepfunctions = lambda arn, payload: _hand_over(deliveries, arn, payload)
        eventbridge._now_ts = cloud.clock.now
        eventbridge._SCHEDULER_TICK_INTERVAL = _TICK_SECONDS

    after_import("ministack.services.eventbridge", hook)
    cloud.on_ready.append(deliveries.resume)
    return deliveries


def _remembering_target(original: Callable[..., Any], deliveries: Deliveries) -> Callable[..., Any]:
    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> Any:
        if _service(target.get("Arn", "")) == "codepipeline":
            # A pipeline takes no input, so the event as it came is only what a dead-letter queue would keep.
            deliveries.accept(target, rule.get("Arn", ""), target["Arn"], json.dumps(event, default=str))
            return None
        before = _target.set((target, rule.get("Arn", "")))
        try:
            return original(target, event, rule, view)
        finally:
            _target.reset(before)

    return invoke_target


def _hand_over(deliveries: Deliveries, target_arn: str, payload: str) -> None:
    target, rule_arn = _target.get()
    deliveries.accept(target, rule_arn, target_arn, payload)


def _start_execution(delivery: Delivery) -> None:
    region = delivery.target_arn.split(":")[3]
    role = credentials.role_credentials(
        delivery.role_arn, _PRINCIPAL, delivery.rule_arn.rpartition("/")[2], source_arn=delivery.rule_arn
    )
    if _service(delivery.target_arn) == "codepipeline":
        name = delivery.target_arn.rpartition(":")[2]
        credentials.client("codepipeline", region, role).start_pipeline_execution(name=name)
        return
    credentials.client("stepfunctions", region, role).start_execution(
        stateMachineArn=delivery.target_arn, input=delivery.payload
    )


def _service(arn: str) -> str:
    return arn.split(":")[2] if arn.count(":") > 2 else ""


def _bury(delivery: Delivery, code: str, message: str, attempts: int) -> None:
    """Put the event into its dead-letter queue, if the queue's policy lets EventBridge do so."""
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
    from ministack.services import sqs

    _, _, _, region, account, queue_name = delivery.dead_letter_arn.split(":", 5)
    found = sqs.queue_policy_for_arn(delivery.dead_letter_arn)
    context = EvalContext(
        principal_arn=_PRINCIPAL,
        principal_type="Service",
        principal_account=account,
        action="sqs:SendMessage",
        resource_arn=delivery.dead_letter_arn,
        region=region,
        service_context={"aws:sourcearn": delivery.rule_arn, "aws:sourceaccount": account},
    )
    if found is None or evaluate_resource_policy(found[0], context, service=_PRINCIPAL).decision != "Allow":
        _log.warning("The queue %s has no policy that lets EventBridge send to it: event lost", queue_name)
        return
    attributes = {
        "RULE_ARN": delivery.rule_arn,
        "TARGET_ARN": delivery.target_arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:1000],
        "RETRY_ATTEMPTS": str(attempts - 1),
    }
    client = credentials.client("sqs", region)
    client.send_message(
        QueueUrl=client.get_queue_url(QueueName=queue_name)["QueueUrl"],
        MessageBody=delivery.payload,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value or "-"} for name, value in attributes.items()
        },
    )
