"""One stream in CloudWatch Logs that a container's output goes to."""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.clock import Clock

log = logging.getLogger(__name__)


class LogStream:
    """Writes lines; made on AWS's terms: a container whose role may not write logs runs without them."""

    def __init__(self, logs: Any, clock: Clock, group: str, stream: str) -> None:
        """``logs`` is a CloudWatch Logs client under the container's role, None for none."""
        self._logs = logs
        self._clock = clock
        self._group = group
        self._stream = stream
        self._created = False
        self._lock = threading.Lock()

    def write(self, lines: Sequence[str]) -> None:
        """Never raises: the first refusal ends the stream."""
        with self._lock:
            if self._logs is None or not any(lines):
                return
            try:
                self._create_once()
                self._put(lines)
            except (ClientError, BotoCoreError) as fault:
                log.warning("no logs in %s %s: %s", self._group, self._stream, fault)
                self._logs = None

    def _put(self, lines: Sequence[str]) -> None:
        now_ms = int(self._clock.now() * 1000)
        # CloudWatch refuses empty messages.
        events = [{"timestamp": now_ms, "message": line} for line in lines if line]
        self._logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)

    def _create_once(self) -> None:
        if self._created:
            return
        create_group = (self._logs.create_log_group, {"logGroupName": self._group})
        create_stream = (
            self._logs.create_log_stream,
            {"logGroupName": self._group, "logStreamName": self._stream},
        )
        for create, arguments in (create_group, create_stream):
            try:
                create(**arguments)
            except ClientError as fault:
                if fault.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                    raise
        self._created = True
