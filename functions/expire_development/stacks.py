"""Development stacks, as CloudFormation shows and deletes them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from functions.expire_development.expiry import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_LOOKS = 10
_PAUSE_SECONDS = 1.0


class Stacks:
    """`role_arn` is whom CloudFormation deletes as; `pause` waits so many seconds."""

    def __init__(self, cloudformation: "CloudFormationClient", role_arn: str, pause: Callable[[float], None]) -> None:
        self._cloudformation = cloudformation
        self._role_arn = role_arn
        self._pause = pause

    def look(self, stack: str) -> Stack | None:
        """A stack by name or id; None when there is none of that name."""
        try:
            (found,) = self._cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as fault:
            # CloudFormation reports a missing stack as a general validation error: only the text tells.
            if "does not exist" in str(fault):
                return None
            raise
        deployed_at = found.get("LastUpdatedTime", found["CreationTime"])
        return Stack(found["StackId"], found["StackStatus"], deployed_at.timestamp())

    def remove(self, stack_id: str) -> bool:
        """Begin to delete; whether everybody sees by now that the stack goes.

        By its id: a call that comes late, when the stack has been made anew, must not meet the new one.
        """
        self._cloudformation.delete_stack(StackName=stack_id, RoleARN=self._role_arn)
        for _ in range(_LOOKS):
            seen = self.look(stack_id)
            if seen is None or seen.goes:
                return True
            self._pause(_PAUSE_SECONDS)
        return False
