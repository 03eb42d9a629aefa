"""What the alarms of an AutoRollbackConfiguration say, read as SageMaker reads them: under the model's role.

"Ensure that your IAM execution role has permission to perform the cloudwatch:DescribeAlarms action on the auto-rollback
alarms you specify": https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
"""

import logging
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.front_door import FrontDoor, RoleRefused

log = logging.getLogger(__name__)

_DENIED = ("AccessDenied", "AccessDeniedException")


class AlarmsUnreadable(Exception):
    """An alarm does not exist or must not be read; the message says which and why."""


class RollbackAlarms:
    """Reads states from CloudWatch, each time anew."""

    def __init__(self, front_door: FrontDoor) -> None:
        self._front_door = front_door

    def sounding(self, names: Sequence[str], role_arn: str) -> list[str]:
        """Those in state ALARM. Raises AlarmsUnreadable.

        None while CloudWatch does not answer: that passes, and they are read again.
        """
        if not names:
            return []
        try:
            client = self._front_door.client("cloudwatch", self._front_door.assume(role_arn, "SageMaker"))
            answer = client.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        except RoleRefused as refusal:
            raise AlarmsUnreadable(str(refusal)) from refusal
        except ClientError as fault:
            if fault.response["Error"]["Code"] in _DENIED:
                raise AlarmsUnreadable(f"Role {role_arn} cannot describe alarms: {fault}") from fault
            log.warning("alarms are not read: %s", fault)
            return []
        except BotoCoreError as fault:
            log.warning("alarms are not read: %s", fault)
            return []
        alarms = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
        if missing := sorted(set(names) - {alarm["AlarmName"] for alarm in alarms}):
            raise AlarmsUnreadable(f"Could not find CloudWatch alarm(s) {', '.join(missing)}.")
        return [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]
