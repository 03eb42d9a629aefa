"""Lambda functions: what they see, and how their errors read."""

import contextlib
import json
import os
import resource
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.gateway.function_process import FunctionProcess
from local.gateway.functions import end_idle
from local.processes import stop
from tests.local.cloud_process import REGION, CloudProcess, allow, until, zipped

SOURCE = """
import os, sys, time

class DatasetRejected(Exception):
    pass

def handle(event, context):
    print("asked for", event["do"])
    return globals()[event["do"]](event, context)

def imports(event, context):
    found = []
    for name in event["modules"]:
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            pass
    return found

def reject(event, context):
    raise DatasetRejected("row 3: 4 fields instead of 5")

def environment(event, context):
    return dict(os.environ)

def remaining(event, context):
    return context.get_remaining_time_in_millis(), context.aws_request_id, context.invoked_function_arn

def process(event, context):
    return os.getpid()

def sleep(event, context):
    time.sleep(30)

def leave(event, context):
    os._exit(7)

def unserialisable(event, context):
    return {1, 2}

def large(event, context):
    return "x" * 7_000_000

def standard_input(event, context):
    return sys.stdin.read()

def identity(event, context):
    import boto3
    return boto3.client("sts").get_caller_identity()["Arn"]

def tables(event, context):
    import boto3
    return boto3.client("dynamodb").list_tables()["TableNames"]
"""


@pytest.fixture(scope="module")
def function(shared_cloud: CloudProcess) -> str:
    name = f"task-{uuid.uuid4().hex[:8]}"
    shared_cloud.function(name, SOURCE, Timeout=2, Environment={"Variables": {"BUCKET": "b"}})
    return name


def invoke(cloud: CloudProcess, function: str, do: str, **event: Any) -> tuple[str | None, Any]:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps({"do": do, **event}))
    return answer.get("FunctionError"), json.load(answer["Payload"])


def test_sees_the_sdk_and_nothing_else_of_our_packages(shared_cloud: CloudProcess, function: str) -> None:
    theirs = ["boto3", "botocore", "urllib3", "dateutil", "jmespath", "s3transfer", "six"]
    ours = ["moto", "sklearn", "numpy", "ministack", "hypercorn", "yaml", "pydantic", "local", "jinja2", "pip"]
    assert invoke(shared_cloud, function, "imports", modules=[*theirs, *ours]) == (None, theirs)


def test_has_its_own_environment_and_lambdas(shared_cloud: CloudProcess, function: str) -> None:
    _, environment = invoke(shared_cloud, function, "environment")
    assert environment["BUCKET"] == "b"
    assert environment["AWS_REGION"] == REGION
    assert environment["AWS_ENDPOINT_URL"] == shared_cloud.endpoint
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == function
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert not {"HOME", "STATE_DIR", "GATEWAY_PORT", "PYTHONPATH", "VIRTUAL_ENV"} & environment.keys()


def test_an_error_keeps_its_class_message_and_stack(shared_cloud: CloudProcess, function: str) -> None:
    kind, error = invoke(shared_cloud, function, "reject")
    assert kind == "Unhandled"
    assert error["errorType"] == "DatasetRejected"
    assert error["errorMessage"] == "row 3: 4 fields instead of 5"
    assert 'File "/var/task/task.py"' in error["stackTrace"][-1]
    assert not [
        frame for frame in error["stackTrace"] if "lambda_worker" in frame or "sandbox" in frame or "/tmp" in frame
    ]


def test_an_error_does_not_cost_the_environment(shared_cloud: CloudProcess, function: str) -> None:
    before = invoke(shared_cloud, function, "process")
    invoke(shared_cloud, function, "reject")
    assert invoke(shared_cloud, function, "process") == before


@pytest.mark.parametrize(
    ("do", "error_type", "message"),
    [
        ("sleep", "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        ("leave", "Runtime.ExitError", "exit status 7"),
        ("unserialisable", "Runtime.MarshalError", "Unable to marshal response"),
        ("large", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"),
        ("missing", "KeyError", "missing"),
    ],
)
def test_faults_have_lambdas_names(
    shared_cloud: CloudProcess, function: str, do: str, error_type: str, message: str
) -> None:
    kind, error = invoke(shared_cloud, function, do)
    assert kind == "Unhandled"
    assert (error["errorType"], message in error["errorMessage"]) == (error_type, True)
    assert invoke(shared_cloud, function, "imports", modules=[]) == (None, [])


@pytest.mark.parametrize(
    ("source", "handler", "error_type"),
    [
        ("import absent\n", "task.handle", "Runtime.ImportModuleError"),
        ("def handle(:\n", "task.handle", "Runtime.UserCodeSyntaxError"),
        ("raise ValueError('at import')\n", "task.handle", "ValueError"),
        ("", "task.handle", "Runtime.HandlerNotFound"),
        ("", "elsewhere.handle", "Runtime.ImportModuleError"),
    ],
)
def test_a_function_that_cannot_be_loaded_says_why(
    shared_cloud: CloudProcess, source: str, handler: str, error_type: str
) -> None:
    name = f"broken-{uuid.uuid4().hex[:8]}"
    shared_cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler=handler,
        Role=shared_cloud.role(f"{name}-role", "lambda.amazonaws.com"),
        Code={"ZipFile": zipped({"task.py": source})},
    )
    kind, error = invoke(shared_cloud, name, "anything")
    assert (kind, error["errorType"]) == ("Unhandled", error_type)


def test_context_and_input(shared_cloud: CloudProcess, function: str) -> None:
    _, (remaining, request_id, arn) = invoke(shared_cloud, function, "remaining")
    assert 0 < remaining <= 2000
    assert request_id
    assert arn.endswith(f":function:{function}")
    assert invoke(shared_cloud, function, "standard_input") == (None, "")


def test_acts_under_its_role(shared_cloud: CloudProcess, function: str) -> None:
    assert invoke(shared_cloud, function, "identity")[1].endswith(f":assumed-role/{function}-role/{function}")
    kind, error = invoke(shared_cloud, function, "tables")
    assert kind == "Unhandled"
    assert "is not authorized to perform: dynamodb:ListTables" in error["errorMessage"]


def test_a_role_that_does_not_trust_lambda_is_refused(shared_cloud: CloudProcess) -> None:
    name = f"distrusted-{uuid.uuid4().hex[:8]}"
    role = shared_cloud.role(f"{name}-role", "states.amazonaws.com")
    shared_cloud.function(name, "def handle(event, context):\n    return 1\n", Role=role)
    kind, error = invoke(shared_cloud, name, "anything")
    assert kind == "Unhandled"
    assert "cannot be assumed by Lambda" in error["errorMessage"]


def test_what_it_prints_is_in_its_log(shared_cloud: CloudProcess, function: str) -> None:
    invoke(shared_cloud, function, "imports", modules=[])
    logs = shared_cloud.client("logs")

    def printed() -> bool:
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")["events"]
        return any("asked for imports" in event["message"] for event in events)

    until("the line in the log", printed)


def test_layers_come_before_the_sdk_and_after_the_function(shared_cloud: CloudProcess) -> None:
    client, name = shared_cloud.client("lambda"), f"layered-{uuid.uuid4().hex[:8]}"
    layer = zipped(
        {"python/shared.py": "WHERE = 'layer'\n", "python/six.py": "WHERE = 'layer'\n", "python/task.py": "1/0\n"}
    )
    version = client.publish_layer_version(LayerName=name, Content={"ZipFile": layer})["LayerVersionArn"]
    source = "import shared, six\ndef handle(event, context):\n    return shared.WHERE, six.WHERE\n"
    shared_cloud.function(name, source, Layers=[version])
    assert invoke(shared_cloud, name, "anything") == (None, ["layer", "layer"])


def test_new_code_replaces_the_old_at_once(shared_cloud: CloudProcess) -> None:
    client, name = shared_cloud.client("lambda"), f"renewed-{uuid.uuid4().hex[:8]}"
    shared_cloud.function(name, "def handle(event, context):\n    return 1\n")
    version = client.publish_version(FunctionName=name)["FunctionArn"]
    assert invoke(shared_cloud, name, "anything") == (None, 1)
    client.update_function_code(
        FunctionName=name, ZipFile=zipped({"task.py": "def handle(event, context):\n    return 2\n"})
    )
    assert invoke(shared_cloud, name, "anything") == (None, 2)
    assert json.load(client.invoke(FunctionName=version)["Payload"]) == 1


def test_a_caller_needs_the_right_to_invoke(shared_cloud: CloudProcess, function: str) -> None:
    stranger = shared_cloud.assume(shared_cloud.role(f"stranger-{uuid.uuid4().hex[:8]}", "account", [allow("s3:*")]))
    with pytest.raises(ClientError, match="lambda:InvokeFunction"):
        shared_cloud.client("lambda", stranger).invoke(FunctionName=function)


def test_only_environments_that_have_been_idle_are_ended() -> None:
    def worker(*, in_use: bool, idle_seconds: float) -> SimpleNamespace:
        return SimpleNamespace(in_use=in_use, last_used=time.time() - idle_seconds)

    busy, fresh, idle = (
        worker(in_use=True, idle_seconds=900),
        worker(in_use=False, idle_seconds=5),
        worker(in_use=False, idle_seconds=900),
    )
    ended: list[SimpleNamespace] = []
    runtime = SimpleNamespace(
        _lock=threading.Lock(), _workers={"a": [idle, busy], "b": [fresh]}, kill_workers=ended.extend
    )
    end_idle(runtime, 600)
    assert ended == [idle]
    assert runtime._workers == {"a": [busy], "b": [fresh]}


def test_a_function_answers_a_cloud_that_has_more_than_a_thousand_descriptors_open(tmp_path: Path) -> None:
    """As it has with many clients, each of which keeps its connections for a while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    (tmp_path / "task.py").write_text("def handle(event, context):\n    return event + 1\n")
    invocation = {
        "event": 1,
        "request_id": "r",
        "trace_id": "",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "timeout_seconds": 10.0,
    }
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    with contextlib.ExitStack() as opened:
        for _ in range(1100):
            opened.enter_context(Path(os.devnull).open("rb"))
        setup = {"handler": "task.handle", "path": [str(tmp_path)], "mounts": {}}
        told = ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE", "LOG_GROUP_NAME", "LOG_STREAM_NAME")
        function = FunctionProcess(setup, tmp_path, {f"AWS_LAMBDA_{name}": "f" for name in told})
        outcome, _ = function.invoke(invocation)
        assert function.process.stdin is not None
        function.process.stdin.close()
        stop(function.process, 5)
        with function.process:
            pass  # it has ended; this closes what is left of its pipes
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert outcome == {"result": 2}
