"""Which calls change a service's state. What is not known to only read counts as a change: saving too often is safe."""

import re
from collections.abc import Mapping

_READS = re.compile(
    r"^(?:BatchGet|Check|Decrypt|Describe|DryRun|Encrypt|Estimate|Filter|Generate|Get|Head|List|Lookup|Query|ReEncrypt"
    r"|ReceiveMessage|Scan|Search|Select|Sign|Simulate|Test|TransactGet|Validate|Verify)"
)
# Logs and metrics come in bulk and are no records of the workflow: they are saved a few seconds later.
LAZY_MODULES = frozenset({"cloudwatch_logs", "cloudwatch"})
# But an alarm that was acknowledged is there, and gone when it was deleted.
_ALARM_CHANGES = frozenset(
    {
        "DeleteAlarms",
        "DisableAlarmActions",
        "EnableAlarmActions",
        "PutCompositeAlarm",
        "PutMetricAlarm",
        "TagResource",
        "UntagResource",
    }
)


def mutates(module: str, method: str, path: str, operation: str) -> bool:
    """Whether the emulator module ``module`` has to be saved before this call is answered.

    ``operation`` is the name of a JSON or query call, "" for REST.
    """
    if module == "cloudwatch":
        return (operation or path.rpartition("/operation/")[2]) in _ALARM_CHANGES
    if module in LAZY_MODULES:
        return False
    if operation:
        return _READS.match(operation) is None
    if method in ("GET", "HEAD", "OPTIONS"):
        return False
    if module == "lambda_svc":
        return not path.rstrip("/").endswith("/invocations")
    return True


def operation_name(headers: Mapping[str, str], query: Mapping[str, list[str]], body: bytes) -> str:
    """The operation of a JSON call (target header) or query call (Action, in the query or the form)."""
    if target := headers.get("x-amz-target", ""):
        return target.rpartition(".")[2]
    if action := query.get("Action"):
        return action[0]
    if "form" in headers.get("content-type", "") and (found := re.search(rb"(?:^|&)Action=(\w+)", body or b"")):
        return found[1].decode()
    return ""
