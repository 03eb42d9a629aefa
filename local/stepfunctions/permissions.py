"""What AWS checks of a state machine's role when the machine is created or changed."""

from collections.abc import Callable
from typing import Any, Final

import botocore.exceptions

from local.stepfunctions.definition import resources
from local.stepfunctions.faults import access_denied

PRINCIPAL: Final = "states.amazonaws.com"
_CHILD_RULE: Final = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
_RULE_ACTIONS: Final = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
_PREFIX: Final = "arn:aws:states:::"

Assume = Callable[[str, str], Any]
"""(role ARN, state machine ARN) → credentials. Raises ClientError when the role does not trust Step Functions."""
Authorize = Callable[[Any, str, str, str], None]
"""(credentials, action, resource, region). Raises PermissionError."""


class Permissions:
    """Asks whether a role can do what its machine's `.sync` tasks need."""

    def __init__(self, assume: Assume, authorize: Authorize) -> None:
        self._assume = assume
        self._authorize = authorize

    def check_role(self, role_arn: str, definition: str, machine_arn: str, region: str) -> None:
        """Raises StatesFault AccessDeniedException.

        The role must trust Step Functions, and have the rights on the managed rule by which AWS hears of the end of
        each kind of job that the definition waits for.
        """
        try:
            credentials = self._assume(role_arn, machine_arn)
        except botocore.exceptions.ClientError as fault:
            raise access_denied(
                f"Neither the global service principal {PRINCIPAL}, nor the regional one is authorized to assume the "
                "provided role."
            ) from fault
        account = machine_arn.split(":")[4]
        for rule in sorted(_managed_rules(definition)):
            for action in _RULE_ACTIONS:
                try:
                    self._authorize(credentials, action, f"arn:aws:events:{region}:{account}:rule/{rule}", region)
                except PermissionError as fault:
                    raise access_denied(f"'{role_arn}' is not authorized to create managed-rule.") from fault


def _managed_rules(definition: str) -> set[str]:
    from local.stepfunctions.integrations.sagemaker_jobs import JOB_KINDS

    rules = set()
    for resource in resources(definition):
        service, _, action = resource.removeprefix(_PREFIX).partition(":")
        action, _, condition = action.partition(".")
        if not condition.startswith("sync"):
            continue
        if service == "states":
            rules.add(_CHILD_RULE)
        elif service == "sagemaker" and action in JOB_KINDS:
            rules.add(JOB_KINDS[action].managed_rule)
    return rules
