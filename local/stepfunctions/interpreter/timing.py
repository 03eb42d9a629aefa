"""Waiting and retrying on the cloud's clock.

Replaces `WaitFunction._eval_body`, `Timestamp._get_wait_seconds` (moto compares UTC with local time) and
`RetrierDecl._eval_body` (moto sleeps, deaf to StopExecution) with `JitterStrategyDecl._eval_body` (its random numbers
would differ on a replay). Deadlines count from the last history event, so that a replay finds the same ones.
"""

import datetime as dt
import threading
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry.jitter_strategy_decl import JitterStrategy
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome


def wait_body(self: Any, env: Any) -> None:
    """For `WaitFunction._eval_body`."""
    deadline = env.scope.time + self._get_wait_seconds(env=env)
    env.wait(threading.Event(), deadline)


def timestamp_seconds(self: Any, env: Any) -> float:
    """For `Timestamp._get_wait_seconds`: from the moment the state was entered."""
    self.string.eval(env=env)
    text = env.stack.pop()
    moment = _moment(text)
    if moment is None:
        from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException

        raise FailureEventException(self._create_failure_event(env, text))
    return moment.timestamp() - float(env.scope.time)


def _moment(text: Any) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None and "T" in text else None


def valid_timestamp(text: str) -> dt.datetime | None:
    """For `Timestamp._from_timestamp_string`: RFC 3339 with any offset; moto knows Z only."""
    return _moment(text)


def retrier_body(self: Any, env: Any) -> None:
    """For `RetrierDecl._eval_body`: wait out the back-off when this retrier applies and has attempts left."""
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for step in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
        step.eval(env=env)
    env.wait(threading.Event(), env.scope.time + env.stack.pop())
    env.stack.append(RetrierOutcome.Executed)


def jitter_body(self: Any, env: Any) -> None:
    """For `JitterStrategyDecl._eval_body`: FULL is anything up to the interval."""
    if self.jitter_strategy != JitterStrategy.NONE:
        env.stack.append(env.scope.chance().uniform(0, env.stack.pop()))
