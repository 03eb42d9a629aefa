"""Evaluates alarms on the cloud's clock: when data comes, and at the end of periods while that may change something.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import asyncio
import contextvars
import json
import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from local.clock import Clock
from local.cloudwatch.agenda import Agenda
from local.cloudwatch.evaluation import look, next_look
from local.cloudwatch.ports import AlarmPorts
from local.cloudwatch.rules import actions_of, dimensions_of, rule_of, scaling_policies
from scaling.alarms import AlarmRule, AlarmState, Evaluation
from scaling.reasons import reason, reason_data

# How long after a period's end its data may come, so that a look does not have to be repeated: real seconds, and no
# more of the period than this share.
_LATE_SECONDS = 1.0
_MOST_LATE = 0.25
_log = logging.getLogger(__name__)

Key = tuple[str, str, str]
"""Account, region, name of an alarm."""


@dataclass(frozen=True)
class Call:
    """A scaling policy that an alarm calls."""

    key: Key
    policy: str


class AlarmEngine:
    """``start`` once the front door is open; states change on the emulator's event loop, as all of its state does."""

    def __init__(self, clock: Clock, ports: AlarmPorts) -> None:
        self._clock = clock
        self._ports = ports
        self._agenda: Agenda[Key] = Agenda(clock)
        self._stopped = False
        self._attended: set[str] = set()
        self._lock = threading.Lock()
        ports.attend = self.attend

    def due(self) -> dict[str, Any]:
        """For people and tests: names of the alarms that will be looked at, and when (epoch seconds)."""
        return {"due": {name: when for (_, _, name), when in self._agenda.due().items()}}

    def start(self) -> None:
        """Look at every alarm: the cloud may have been down while their data grew old."""
        from ministack.services import cloudwatch

        for account, region, name in list(cloudwatch._alarms._data):
            self._agenda.add((account, region, name), self._clock.now())
        threading.Thread(target=self._run, name="alarms", daemon=True).start()

    def stop(self) -> None:
        """Evaluate no more."""
        self._stopped = True
        self._agenda.wake()

    def changed(self, alarm: dict[str, Any]) -> None:
        """An alarm was put: it is looked at now."""
        now = int(self._clock.now())
        alarm["AlarmConfigurationUpdatedTimestamp"] = now
        if alarm["StateReason"].startswith("Unchecked"):
            alarm["StateUpdatedTimestamp"] = now
        self._agenda.add(_key(alarm["AlarmName"]), now)

    def touched(self, namespace: str, metric: str, dimensions: dict[str, str], time: float) -> None:
        """Data came: alarms on it are looked at, now or when the data's period has ended."""
        from ministack.services import cloudwatch

        now, (account, region, _) = self._clock.now(), _key("")
        for (owner, place, name), alarm in list(cloudwatch._alarms._data.items()):
            if (owner, place, alarm.get("Namespace"), alarm.get("MetricName")) != (account, region, namespace, metric):
                continue
            rule = rule_of(alarm)
            if rule is not None and dimensions_of(alarm) == dimensions:
                complete = time + rule.period_seconds <= now
                self._agenda.add((owner, place, name), now if complete else next_look(rule, now, self._delay(rule)))

    def attend(self, actions: Collection[str]) -> None:
        """Look now at the alarms that have one of these actions."""
        with self._lock:
            self._attended |= set(actions)
        self._agenda.wake()

    def call(self, alarm: dict[str, Any], state: str) -> None:
        """After a state was set by hand: what scales is called, and the next evaluation undoes the state again."""
        key, rule = _key(alarm["AlarmName"]), rule_of(alarm)
        if rule is not None:
            now = self._clock.now()
            self._agenda.add(key, next_look(rule, now, self._delay(rule)))
        if scaling_policies(actions_of(alarm, state)):
            threading.Thread(
                target=contextvars.copy_context().run,
                args=(self._call_all, [Call(key, arn) for arn in scaling_policies(actions_of(alarm, state))]),
                name="alarm-action",
                daemon=True,
            ).start()

    def _run(self) -> None:
        while not self._stopped:
            keys = self._agenda.next_keys()
            with self._lock:
                attended, self._attended = self._attended, set()
            if self._stopped or not (keys or attended):
                continue
            try:
                self._call_all(self._on_loop(keys, attended))
            except Exception:
                _log.exception("Alarms were not evaluated")

    def _on_loop(self, keys: list[Key], attended: set[str]) -> list[Call]:
        from ministack import app

        async def evaluate() -> list[Call]:
            calls: list[Call] = []
            for key in dict.fromkeys([*keys, *_with_actions(attended)]):
                try:
                    calls += self._evaluate(key)
                except Exception:
                    _log.exception("The alarm %s was not evaluated", key[-1])
            return calls

        return asyncio.run_coroutine_threadsafe(evaluate(), app._MAIN_LOOP).result()

    def _evaluate(self, key: Key) -> list[Call]:
        """Runs on the event loop."""
        from ministack.core.responses import set_request_account_id, set_request_region
        from ministack.services import cloudwatch

        account, region, name = key
        set_request_account_id(account)
        set_request_region(region)
        alarm = cloudwatch._alarms.get(name)
        rule = rule_of(alarm) if alarm else None
        if alarm is None or rule is None:
            return []
        metric = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions_of(alarm)))
        now = self._clock.now()
        seen = look(alarm, rule, cloudwatch._metrics.get(metric, ()), self._ports.zeros_since, now)
        if seen.moves:
            self._agenda.add(key, next_look(rule, now, self._delay(rule)))
        former, state = AlarmState(alarm["StateValue"]), seen.evaluation.state
        if state is not former:
            self._transition(alarm, rule, former, seen.evaluation)
        return [Call(key, arn) for arn in scaling_policies(actions_of(alarm, state))]

    def _transition(self, alarm: dict[str, Any], rule: AlarmRule, former: AlarmState, evaluation: Evaluation) -> None:
        from ministack.services import cloudwatch

        now = self._clock.now()
        why, data = reason(rule, former, evaluation), reason_data(rule, evaluation, now)
        alarm["StateValue"] = evaluation.state.value
        alarm["StateReason"], alarm["StateReasonData"] = why, json.dumps(data)
        alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = int(now)
        cloudwatch._record_history(alarm["AlarmName"], former.value, evaluation.state.value, why, reason_data=data)
        cloudwatch._dispatch_alarm_actions(alarm, former.value, evaluation.state.value, why)
        cloudwatch._evaluate_parent_alarms(alarm)
        self._ports.changed()

    def _call_all(self, calls: list[Call]) -> None:
        """What scales is called "for every period that the alarm remains in the new state"."""
        from ministack.services import cloudwatch

        for call in calls:
            account, region, name = call.key
            try:
                again = self._ports.scale(call.policy, name)
            except Exception:
                _log.exception("%s could not call %s", name, call.policy)
                continue
            alarm = cloudwatch._alarms.get_scoped(account, region, name)
            if again and alarm is not None and (rule := rule_of(alarm)) is not None:
                self._agenda.add(call.key, next_look(rule, self._clock.now(), self._delay(rule)))

    def _delay(self, rule: AlarmRule) -> float:
        return min(_MOST_LATE * rule.period_seconds, _LATE_SECONDS * self._clock.factor)


def _with_actions(actions: set[str]) -> list[Key]:
    from ministack.services import cloudwatch

    if not actions:
        return []
    alarms = list(cloudwatch._alarms._data.items())
    return [key for key, alarm in alarms if actions.intersection(alarm.get("AlarmActions") or ())]


def _key(name: str) -> Key:
    """In the account and region of the call that is answered."""
    from ministack.core.responses import get_account_id, get_region

    return get_account_id(), get_region(), name
