"""Tables, topics, queues and events."""

import json
from typing import Any, ClassVar, Final

from local.stepfunctions.integrations.integration import Caller, Json, Optimised
from local.stepfunctions.task_faults import TaskFault


class DynamoDb(Optimised):
    """``dynamodb:getItem``, ``putItem``, ``updateItem``, ``deleteItem``."""

    conditions: ClassVar = frozenset({None})
    prefix: ClassVar = "DynamoDB"
    base_exception: ClassVar = "AmazonDynamoDBException"
    sdk_service: ClassVar = "AmazonDynamoDBv2"
    actions: Final = frozenset({"getItem", "putItem", "updateItem", "deleteItem"})

    def supports(self, condition: str | None) -> bool:
        return self.action in self.actions and super().supports(condition)


class Sns(Optimised):
    """``sns:publish``; a message that is no text is written as JSON."""

    prefix: ClassVar = "SNS"
    base_exception: ClassVar = "AmazonSNSException"
    sdk_service: ClassVar = "AmazonSNS"

    def supports(self, condition: str | None) -> bool:
        return self.action == "publish" and super().supports(condition)


class Sqs(Optimised):
    """``sqs:sendMessage``; a body that is no text is written as JSON."""

    prefix: ClassVar = "SQS"
    base_exception: ClassVar = "AmazonSQSException"
    sdk_service: ClassVar = "AmazonSQS"

    def supports(self, condition: str | None) -> bool:
        return self.action == "sendMessage" and super().supports(condition)


class Events(Optimised):
    """``events:putEvents``; every event names the execution and its state machine among its resources."""

    prefix: ClassVar = "EventBridge"
    base_exception: ClassVar = "AmazonEventBridgeException"  # [unverified]
    sdk_service: ClassVar = "AmazonEventBridge"

    def supports(self, condition: str | None) -> bool:
        return self.action == "putEvents" and super().supports(condition)

    def request(self, arguments: Json, caller: Caller) -> Json:
        entries = arguments.get("Entries")
        if isinstance(entries, list):
            entries = [_named(entry, caller) for entry in entries]
            arguments = arguments | {"Entries": entries}
        return super().request(arguments, caller)

    def result(self, answer: Json) -> Any:
        result = super().result(answer)
        if result.get("FailedEntryCount"):
            raise TaskFault("EventBridge.FailedEntry", json.dumps(result, separators=(",", ":")))
        return result


def _named(entry: Any, caller: Caller) -> Any:
    if not isinstance(entry, dict):
        return entry
    return entry | {"Resources": [*entry.get("Resources", []), caller.machine_arn, caller.execution_arn]}
