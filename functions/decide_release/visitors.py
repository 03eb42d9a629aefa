"""What the approvals table remembers of visits: nonces that were used, and how often somebody may still come."""

import hashlib
import math
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.decide_release.nonce import LIFETIME_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_SECONDS: Final = 3_600


@dataclass(frozen=True)
class Rate:
    """A token bucket: it holds `burst`, and gets one more every `seconds`."""

    burst: int
    seconds: float


# A person looks at a page a few times, and a scanner of the mail a few times more; both lists are long.
PER_LINK: Final = Rate(burst=60, seconds=1.0)
# A company's people may all come from one address.
PER_SOURCE: Final = Rate(burst=120, seconds=0.5)


class Visitors:
    """Conditional writes, so that two visits at once never take the same token, nor use the same nonce."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def use(self, digest: str, now: float) -> bool:
        """Whether this is the first use of a nonce."""
        key = {"pk": {"S": f"nonce#{digest}"}, "sk": {"S": "nonce"}}
        # boto3 sends a request again whose answer was lost: that is the same use.
        values = {":use": {"S": uuid.uuid4().hex}, ":purge_at": {"N": str(int(now) + LIFETIME_SECONDS)}}
        unused = "attribute_not_exists(pk) OR used_by = :use"
        return self._holds("SET used_by = :use, purge_at = :purge_at", unused, key, values)

    def may_come(self, whose: str, rate: Rate, now: float) -> bool:
        """Takes a token from the bucket of this name, if there is one.

        The bucket is the time at which it will be full again (GCRA, the generic cell rate algorithm): one number, and
        two updates of which one fits.
        """
        key = {"pk": {"S": f"bucket#{hashlib.sha256(whose.encode()).hexdigest()}"}, "sk": {"S": "bucket"}}
        purge_at = {"N": str(math.ceil(now + rate.burst * rate.seconds + _KEPT_SECONDS))}
        full = {":now": _number(now), ":full_at": _number(now + rate.seconds), ":purge_at": purge_at}
        used = {
            ":now": _number(now),
            ":one": _number(rate.seconds),
            ":purge_at": purge_at,
            ":last": _number(now + rate.seconds * (rate.burst - 1)),
        }
        return self._holds(
            "SET full_at = :full_at, purge_at = :purge_at", "attribute_not_exists(pk) OR full_at <= :now", key, full
        ) or self._holds(
            "SET full_at = full_at + :one, purge_at = :purge_at", "full_at > :now AND full_at <= :last", key, used
        )

    def _holds(self, update: str, condition: str, key: dict[str, Any], values: dict[str, Any]) -> bool:
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _number(value: float) -> dict[str, str]:
    return {"N": f"{value:.3f}"}
