"""Gives a decision to the run that waits for it."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from contracts.approval import ApprovalRequest, Delivery, encryption_context

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_stepfunctions import SFNClient

_NO_LONGER_WAITING = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class Callback:
    """The only place where a token is decrypted. It never leaves `deliver`, and AWS's messages, which may quote it,
    are dropped: only their codes are logged.
    """

    def __init__(self, kms: "KMSClient", stepfunctions: "SFNClient", key_id: str, logger: "Logger") -> None:
        self._kms = kms
        self._stepfunctions = stepfunctions
        self._key_id = key_id
        self._logger = logger

    def deliver(self, request: ApprovalRequest) -> Delivery:
        """Send the request's decision. `PENDING` means that it is worth trying again."""
        self._logger.append_keys(run=request.run, model=request.release.model, release=request.release.name)
        try:
            self._send(request)
        except ClientError as fault:
            code = fault.response["Error"]["Code"]
            if code not in _NO_LONGER_WAITING:
                self._logger.warning("decision not delivered", error=code)
                return Delivery.PENDING
            # The run waits no more because an earlier try of this very call has reached it and the reply was lost.
            arrived = fault.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
            self._logger.warning("run no longer waits", error=code, arrived=arrived)
            return Delivery.DELIVERED if arrived else Delivery.REFUSED
        except BotoCoreError as fault:
            self._logger.warning("decision not delivered", error=type(fault).__name__)
            return Delivery.PENDING
        self._logger.info("decision delivered")
        return Delivery.DELIVERED

    def _send(self, request: ApprovalRequest) -> None:
        decision = request.decision
        if decision is None:
            raise ValueError("nothing was decided")
        token = self._kms.decrypt(
            KeyId=self._key_id,
            CiphertextBlob=request.encrypted_token,
            EncryptionContext=encryption_context(request.run),
        )["Plaintext"].decode()
        if decision.approved:
            self._stepfunctions.send_task_success(taskToken=token, output=request.output())
        else:
            self._stepfunctions.send_task_failure(taskToken=token, error=decision.error, cause=decision.cause())
