"""Writes captured requests to S3, in the background, in batches, with bounded memory."""

import logging
import random
import threading
import uuid
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock
from local.gateway.protocol import Request
from local.sagemaker.endpoints.fleet import Lease
from local.sagemaker.endpoints.model_connections import ModelAnswer
from local.sagemaker.endpoints.specification import CaptureSpecification
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.objects import S3Uri
from local.sagemaker.runtime.capture_record import CapturedExchange, capture_key, capture_line

log = logging.getLogger(__name__)

# AWS writes within a few minutes; somebody watching a laptop should not have to wait.
_FLUSH_SECONDS = 5.0
_FULL_BATCH_BYTES = 4 * 1024**2
# Beyond this, when S3 does not take them, new captures are dropped rather than the server.
_MOST_WAITING_BYTES = 64 * 1024**2
_UNTYPED = "application/octet-stream"


@dataclass(frozen=True)
class _Destination:
    """One file: an hour of a variant of an endpoint, written under the variant's role."""

    capture: CaptureSpecification
    role_arn: str
    endpoint: str
    variant: str
    hour: str


@dataclass
class _Batch:
    exchanges: list[CapturedExchange] = field(default_factory=list)
    size_bytes: int = 0


class DataCapture:
    """Collects captured requests of all endpoints and writes them now and then."""

    def __init__(self, front_door: FrontDoor, clock: Clock, seed: int = 0) -> None:
        """``seed`` decides which requests are sampled."""
        self._front_door = front_door
        self._clock = clock
        self._sample = random.Random(f"capture/{seed}")  # noqa: S311 - chooses requests
        self._lock = threading.Lock()
        self._waiting: dict[_Destination, _Batch] = {}
        self._waiting_bytes = 0
        self._dropped = 0
        self._busy = threading.Event()
        self._hurry = threading.Event()
        self._closing = False
        self._writer = threading.Thread(target=self._run, name="data-capture", daemon=True)
        self._writer.start()

    def offer(self, endpoint: str, lease: Lease, request: Request, answer: ModelAnswer) -> None:
        """Capture the exchange if the endpoint captures and the sample says so. Cheap; writes nothing itself."""
        capture = lease.capture
        if capture is None or self._sample.random() * 100 >= capture.sampling_percentage:
            return
        now = self._clock.datetime()
        exchange = CapturedExchange(
            event_id=str(uuid.uuid4()),
            at=now,
            request_type=request.headers.get("content-type", _UNTYPED),
            request=request.body,
            response_type=answer.headers.get("content-type", _UNTYPED),
            response=answer.body,
            inference_id=request.headers.get("x-amzn-sagemaker-inference-id"),
            custom_attributes=request.headers.get("x-amzn-sagemaker-custom-attributes"),
        )
        variant = lease.variant
        self._add(_Destination(capture, variant.role_arn, endpoint, variant.name, f"{now:%Y/%m/%d/%H}"), exchange)

    def flush(self) -> None:
        """Write everything that waits; what S3 does not take waits on."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            self._waiting_bytes = 0
            self._busy.clear()
            self._hurry.clear()
            dropped, self._dropped = self._dropped, 0
        if dropped:
            log.warning("%d captured requests are lost: S3 did not take them in time", dropped)
        for destination, batch in waiting.items():
            try:
                self._write(destination, batch)
            except (ClientError, BotoCoreError, RoleRefused) as fault:
                log.warning("data capture of %s waits: %s", destination.endpoint, fault)
                for exchange in batch.exchanges:
                    self._add(destination, exchange)
                with self._lock:
                    self._hurry.clear()  # not at once again

    def close(self) -> None:
        """Write what waits and stop."""
        self._closing = True
        self._busy.set()
        self._hurry.set()
        self._writer.join()
        self.flush()

    def _run(self) -> None:
        while not self._closing:
            self._busy.wait()  # an idle cloud has no timer running
            self._clock.wait(self._hurry, _FLUSH_SECONDS)
            if not self._closing:
                self.flush()

    def _add(self, destination: _Destination, exchange: CapturedExchange) -> None:
        with self._lock:
            if self._waiting_bytes + exchange.size_bytes > _MOST_WAITING_BYTES:
                self._dropped += 1
                return
            batch = self._waiting.setdefault(destination, _Batch())
            batch.exchanges.append(exchange)
            batch.size_bytes += exchange.size_bytes
            self._waiting_bytes += exchange.size_bytes
            full = batch.size_bytes >= _FULL_BATCH_BYTES
        self._busy.set()
        if full:
            self._hurry.set()

    def _write(self, destination: _Destination, batch: _Batch) -> None:
        capture = destination.capture
        target = S3Uri.parse(capture.destination)
        key = capture_key(
            target.key, destination.endpoint, destination.variant, batch.exchanges[0].at, str(uuid.uuid4())
        )
        credentials = self._front_door.assume(destination.role_arn, "SageMaker")
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": capture.kms_key} if capture.kms_key else {}
        self._front_door.client("s3", credentials).put_object(
            Bucket=target.bucket,
            Key=key,
            Body=b"".join(capture_line(exchange, capture) for exchange in batch.exchanges),
            ContentType="application/x-sagemaker-capturedata",
            **encryption,
        )
