"""CloudWatch's metrics and alarms: the emulator keeps them, what they say and when they sound is decided here."""

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from local.clock import Clock
from local.cloudwatch import points, queries
from local.cloudwatch.engine import AlarmEngine
from local.gateway.loading import after_import

if TYPE_CHECKING:
    from local.context import Cloud


def install(cloud: "Cloud") -> None:
    """Alarms are evaluated from the stored metrics, at the cloud's time, from when the cloud is ready."""
    engine = AlarmEngine(cloud.clock, cloud.alarms)
    after_import("ministack.services.cloudwatch", functools.partial(_replace, cloud.clock, engine))
    cloud.pages["alarms"] = engine.due
    cloud.on_ready.append(engine.start)
    cloud.on_stop.append(engine.stop)


def _replace(clock: Clock, engine: AlarmEngine, cloudwatch: Any) -> None:
    cloudwatch.time = SimpleNamespace(time=clock.now)
    points.install(cloudwatch, engine.touched)
    queries.install(cloudwatch)
    cloudwatch._evaluate_all_alarms = lambda: None
    cloudwatch._evaluate_alarm = engine.changed
    cloudwatch._set_alarm_state = _calling(cloudwatch._set_alarm_state, engine, cloudwatch)


def _calling(original: Callable[..., Any], engine: AlarmEngine, cloudwatch: Any) -> Callable[..., Any]:
    """A state that is set by hand calls what scales, too."""

    def set_alarm_state(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = original(params, cbor_data, is_cbor, is_json)
        name = cbor_data.get("AlarmName") or cloudwatch._p(params, "AlarmName")
        if answer[0] < 400 and (alarm := cloudwatch._alarms.get(name)):
            engine.call(alarm, alarm["StateValue"])
        return answer

    return set_alarm_state
