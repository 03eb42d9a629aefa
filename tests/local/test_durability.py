"""What was acknowledged is there after `kill -9`, at once."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.journal import service_states, table_items
from local.journal.large_values import LARGE_BYTES
from local.journal.mutations import mutates, operation_name
from local.journal.service_states import ServiceStates
from local.journal.table_items import TableItems
from local.journal.time_keeping import restored_clock
from tests.local.cloud_process import ACCOUNT, REGION, CloudProcess, until

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
}
PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


def key(pk: str, sk: str = "s") -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


# Each writes, is resumed after a `kill -9`, checks and writes again, and is resumed after a clean stop.


def objects(cloud: CloudProcess) -> Iterator[None]:
    s3, place = cloud.client("s3"), {"Bucket": "datasets", "Key": "a/b c.csv"}
    s3.create_bucket(Bucket="datasets")
    s3.put_bucket_versioning(Bucket="datasets", VersioningConfiguration={"Status": "Enabled"})
    versions = [s3.put_object(**place, Body=body)["VersionId"] for body in (b"1", b"2")]
    s3.put_object(Bucket="datasets", Key="gone", Body=b"")
    s3.delete_object(Bucket="datasets", Key="gone")
    yield
    assert s3.get_object(**place)["Body"].read() == b"2"
    assert s3.get_object(**place, VersionId=versions[0])["Body"].read() == b"1"
    assert s3.list_objects_v2(Bucket="datasets")["KeyCount"] == 1
    assert s3.get_bucket_versioning(Bucket="datasets")["Status"] == "Enabled"


def items(cloud: CloudProcess) -> Iterator[None]:
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(TableName="ledger", **TABLE)
    dynamodb.put_item(TableName="ledger", Item={**key("kept"), "n": {"N": "1"}})
    dynamodb.put_item(TableName="ledger", Item=key("removed"))
    dynamodb.create_table(TableName="again", **TABLE)
    dynamodb.put_item(TableName="again", Item=key("of the first table"))
    dynamodb.delete_table(TableName="again")
    dynamodb.create_table(TableName="again", **TABLE)
    yield
    assert dynamodb.scan(TableName="again")["Count"] == 0
    more = {"UpdateExpression": "SET n = n + :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    dynamodb.update_item(TableName="ledger", Key=key("kept"), **more)
    dynamodb.delete_item(TableName="ledger", Key=key("removed"))
    put = {"Put": {"TableName": "ledger", "Item": key("claimed"), "ConditionExpression": "attribute_not_exists(pk)"}}
    dynamodb.transact_write_items(TransactItems=[put])
    yield
    found = {item["pk"]["S"]: item for item in dynamodb.scan(TableName="ledger")["Items"]}
    assert found.keys() == {"kept", "claimed"}
    assert found["kept"]["n"] == {"N": "2"}
    assert dynamodb.describe_table(TableName="ledger")["Table"]["ItemCount"] == 2


def keys(cloud: CloudProcess) -> Iterator[None]:
    kms, context = cloud.client("kms"), {"EncryptionContext": {"run": "r"}}
    kms.create_alias(AliasName="alias/tokens", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    secret = kms.encrypt(KeyId="alias/tokens", Plaintext=b"token", **context)["CiphertextBlob"]
    yield
    assert kms.decrypt(CiphertextBlob=secret, **context)["Plaintext"] == b"token"


def functions(cloud: CloudProcess) -> Iterator[None]:
    client, iam = cloud.client("lambda"), cloud.client("iam")
    role = cloud.role("kept", "lambda.amazonaws.com", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
    cloud.function("kept", "def handle(event, context):\n    return event['n'] + 1\n", Role=role)
    url = client.create_function_url_config(FunctionName="kept", AuthType="NONE")["FunctionUrl"]
    yield
    assert iam.get_role_policy(RoleName="kept", PolicyName="rights")["PolicyDocument"]["Statement"]
    assert json.load(client.invoke(FunctionName="kept", Payload=b'{"n": 1}')["Payload"]) == 2
    assert client.get_function_url_config(FunctionName="kept")["FunctionUrl"] == url


def stacks(cloud: CloudProcess) -> Iterator[None]:
    client = cloud.client("cloudformation")
    parameter = {"Name": "/made", "Type": "String", "Value": {"Ref": "K"}}
    resources = {
        "T": {"Type": "AWS::DynamoDB::Table", "Properties": {**TABLE, "TableName": "made-table"}},
        "K": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": []}}},
        "P": {"Type": "AWS::SSM::Parameter", "Properties": parameter},
    }
    client.create_stack(StackName="made", TemplateBody=json.dumps({"Resources": resources}))
    until("the stack", lambda: _status(client, "made") == "CREATE_COMPLETE")
    yield
    assert _status(client, "made") == "CREATE_COMPLETE"
    made_key = cloud.client("ssm").get_parameter(Name="/made")["Parameter"]["Value"]
    assert cloud.client("kms").describe_key(KeyId=made_key)["KeyMetadata"]["Enabled"]
    assert cloud.client("dynamodb").describe_table(TableName="made-table")["Table"]["TableStatus"] == "ACTIVE"


def queues_rules_and_parameters(cloud: CloudProcess) -> Iterator[None]:
    sqs, rules, ssm = (cloud.client(name) for name in ("sqs", "events", "ssm"))
    queue = sqs.create_queue(QueueName="dead")["QueueUrl"]
    rules.put_rule(Name="drop", EventPattern=json.dumps({"source": ["aws.s3"]}))
    ssm.put_parameter(Name="/mlops/image", Value="image", Type="String")
    yield
    assert sqs.get_queue_url(QueueName="dead")["QueueUrl"] == queue
    assert rules.describe_rule(Name="drop")["State"] == "ENABLED"
    assert ssm.get_parameter(Name="/mlops/image")["Parameter"]["Value"] == "image"


def time_and_logs(cloud: CloudProcess) -> Iterator[None]:
    yield
    cloud.client("logs").create_log_group(logGroupName="/kept")
    before = cloud.post("/_cloud/clock", {"advance_seconds": 7 * 86_400})["now"]
    yield
    assert "/kept" in [group["logGroupName"] for group in cloud.client("logs").describe_log_groups()["logGroups"]]
    assert before <= cloud.get("/_cloud/clock")["now"] < before + 60


def mails(cloud: CloudProcess) -> Iterator[None]:
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity="releases@example.com")
    ses.send_email(
        FromEmailAddress="releases@example.com",
        Destination={"ToAddresses": ["approver@example.com"]},
        Content={"Simple": {"Subject": {"Data": "approve"}, "Body": {"Text": {"Data": "link"}}}},
    )
    yield
    assert [mail["subject"] for mail in cloud.get("/_cloud/mails")["mails"]] == ["approve"]


def test_every_service_of_the_product_survives_a_crash_and_a_stop(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud()
    # The mail comes last: nothing that would be saved a second later is between it and the crash.
    parts = (objects, items, keys, functions, stacks, queues_rules_and_parameters, time_and_logs, mails)
    running = [part(cloud) for part in parts]
    for part in running:
        next(part)
    cloud.crash()
    cloud.start()
    for part in running:
        next(part, None)
    assert cloud.stop() == 0
    cloud.start()
    for part in running:
        next(part, None)


def test_a_write_cut_short_leaves_the_version_before_it_as_it_was(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud()
    s3, place = cloud.client("s3"), {"Bucket": "datasets", "Key": "data.csv"}
    s3.create_bucket(Bucket="datasets")
    s3.put_bucket_versioning(Bucket="datasets", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(**place, Body=b"acknowledged")["VersionId"]
    cloud.crash()
    # What the emulator has written when it dies in the middle of the next write.
    assert cloud.state_dir is not None
    (content,) = (path for path in cloud.state_dir.glob("objects/*/datasets/data.csv") if path.is_file())
    displaced = content.parents[2] / ".versions" / ACCOUNT / "datasets" / version / "data.csv"
    displaced.parent.mkdir(parents=True)
    content.rename(displaced)
    content.write_bytes(b"never acknowledged")
    cloud.start()
    s3 = cloud.client("s3")
    assert s3.get_object(**place)["Body"].read() == b"acknowledged"
    s3.put_object(**place, Body=b"next")
    assert s3.get_object(**place, VersionId=version)["Body"].read() == b"acknowledged"
    assert s3.get_object(**place)["Body"].read() == b"next"


def test_an_interrupted_stack_operation_goes_on_and_no_event_is_lost(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud()
    stacks = cloud.client("cloudformation")
    # A custom resource waits for its function's answer: this one answers only after the restart.
    source = """
import json, os, urllib.request
def handle(event, context):
    if not os.path.exists(os.environ["GATE"]):
        os._exit(1)
    body = {"Status": "SUCCESS", "RequestId": event["RequestId"], "StackId": event["StackId"],
            "LogicalResourceId": event["LogicalResourceId"], "PhysicalResourceId": "custom"}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT"))
"""
    assert cloud.state_dir is not None
    gate = cloud.state_dir.parent / "gate"
    arn = cloud.function("custom", source, Environment={"Variables": {"GATE": str(gate)}}, Timeout=30)
    template = {
        "Resources": {
            "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "first"}},
            "C": {"Type": "Custom::Gate", "DependsOn": "Q", "Properties": {"ServiceToken": arn}},
            "P": {
                "Type": "AWS::SSM::Parameter",
                "DependsOn": "C",
                "Properties": {"Name": "/last", "Type": "String", "Value": {"Ref": "C"}},
            },
        }
    }
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(
        name="kept", roleArn=cloud.role("machine", "states.amazonaws.com"), definition=PASS
    )["stateMachineArn"]
    start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    role = cloud.role("events", "events.amazonaws.com", [start])
    cloud.client("events").put_rule(Name="drop", EventPattern=json.dumps({"source": ["aws.s3"]}))
    cloud.client("events").put_targets(Rule="drop", Targets=[{"Id": "1", "Arn": machine, "RoleArn": role}])
    cloud.client("s3").create_bucket(Bucket="drops")
    cloud.client("s3").put_bucket_notification_configuration(
        Bucket="drops", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    stacks.create_stack(StackName="long", TemplateBody=json.dumps(template))
    saved = cloud.state_dir / "services" / "cloudformation.json"
    until("the record of the operation", lambda: saved.exists() and '"_operation"' in saved.read_text())
    until("the first resource in the record", lambda: '"PhysicalResourceId": "http' in saved.read_text())
    assert _status(stacks, "long") == "CREATE_IN_PROGRESS"
    cloud.client("s3").put_object(Bucket="drops", Key="a", Body=b"")
    cloud.crash()
    gate.touch()
    cloud.start()
    until("the end of the operation", lambda: not _status(stacks, "long").endswith("IN_PROGRESS"))
    assert _status(stacks, "long") == "CREATE_COMPLETE"
    assert cloud.client("ssm").get_parameter(Name="/last")["Parameter"]["Value"] == "custom"
    assert len(cloud.client("sqs").list_queues()["QueueUrls"]) == 1
    found = until("the execution", lambda: states.list_executions(stateMachineArn=machine)["executions"])
    described = states.describe_execution(executionArn=found[0]["executionArn"])
    assert json.loads(described["input"])["detail"]["object"]["key"] == "a"


def test_a_creation_that_fails_leaves_nothing_however_often_it_was_interrupted(
    make_cloud: Callable[..., CloudProcess],
) -> None:
    cloud = make_cloud()
    stacks = cloud.client("cloudformation")
    # Answers to the creation of the second resource, and to all deletions, as the files say.
    source = """
import json, os, pathlib, urllib.request
def handle(event, context):
    kind, name = event["RequestType"], event["LogicalResourceId"]
    told = kind == "Delete" or name == "Second"
    answer = pathlib.Path(os.environ["TOLD"], kind).read_text() if told else "SUCCESS"
    if answer == "NONE":
        os._exit(1)
    body = {"Status": answer, "Reason": "as told", "RequestId": event["RequestId"], "StackId": event["StackId"],
            "LogicalResourceId": name, "PhysicalResourceId": name}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT"))
"""
    assert cloud.state_dir is not None
    told = cloud.state_dir.parent
    (told / "Create").write_text("NONE")
    (told / "Delete").write_text("NONE")
    arn = cloud.function("custom", source, Environment={"Variables": {"TOLD": str(told)}}, Timeout=30)
    custom = {"Type": "Custom::Told", "Properties": {"ServiceToken": arn}}
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue"},
            "First": {**custom, "DependsOn": "Queue"},
            "Second": {**custom, "DependsOn": "First"},
        }
    }

    def reaches(status: str, times: int) -> None:
        """As often as that the second resource was begun, or the stack's own status was reached."""
        name = "Second" if "ROLLBACK" not in status else "failing"

        def count() -> int:
            events = cloud.client("cloudformation").describe_stack_events(StackName="failing")["StackEvents"]
            found = [each for each in events if each["LogicalResourceId"] == name]
            return sum(each["ResourceStatus"].endswith(status) for each in found)

        until(f"{name} {status}", lambda: count() >= times)

    def dies() -> None:
        cloud.crash()
        cloud.start()

    stacks.create_stack(StackName="failing", TemplateBody=json.dumps(template))
    reaches("IN_PROGRESS", 1)
    saved = cloud.state_dir / "services" / "cloudformation.json"
    until("the first resource in the record", lambda: '"PhysicalResourceId": "First"' in saved.read_text())
    dies()
    reaches("IN_PROGRESS", 2)
    (told / "Create").write_text("FAILED")
    dies()
    reaches("ROLLBACK_IN_PROGRESS", 1)
    dies()
    (told / "Delete").write_text("SUCCESS")
    dies()
    until("the end of the operation", lambda: not _status(stacks, "failing").endswith("IN_PROGRESS"))
    assert _status(stacks, "failing") == "ROLLBACK_COMPLETE"
    assert cloud.client("sqs").list_queues().get("QueueUrls", []) == []
    left = stacks.describe_stack_resources(StackName="failing")["StackResources"]
    assert [each for each in left if each["ResourceStatus"] != "DELETE_COMPLETE"] == []


def test_a_roll_back_whose_continuation_was_interrupted_goes_on(make_cloud: Callable[..., CloudProcess]) -> None:
    cloud = make_cloud()
    stacks = cloud.client("cloudformation")
    # What goes back to its first value does as the file says; everything else succeeds or fails as it is told to.
    source = """
import json, os, pathlib, urllib.request
def handle(event, context):
    given = event["ResourceProperties"]
    back = event["RequestType"] == "Update" and given["Value"] == "1"
    answer = pathlib.Path(os.environ["MODE"]).read_text() if back else given["Answer"]
    if answer == "NONE":
        os._exit(1)
    body = {"Status": answer, "Reason": "as told", "RequestId": event["RequestId"], "StackId": event["StackId"],
            "LogicalResourceId": event["LogicalResourceId"], "PhysicalResourceId": event["LogicalResourceId"]}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT"))
"""
    assert cloud.state_dir is not None
    mode = cloud.state_dir.parent / "mode"
    mode.write_text("FAILED")
    arn = cloud.function("custom", source, Environment={"Variables": {"MODE": str(mode)}}, Timeout=30)

    def template(value: str, answer: str) -> str:
        first = {"ServiceToken": arn, "Value": value, "Answer": "SUCCESS"}
        second = {"ServiceToken": arn, "Value": value + "0", "Answer": answer}
        return json.dumps(
            {
                "Resources": {
                    "First": {"Type": "Custom::First", "Properties": first},
                    "Second": {"Type": "Custom::Second", "DependsOn": "First", "Properties": second},
                }
            }
        )

    stacks.create_stack(StackName="stuck", TemplateBody=template("1", "SUCCESS"))
    until("the stack", lambda: _status(stacks, "stuck") == "CREATE_COMPLETE")
    stacks.update_stack(StackName="stuck", TemplateBody=template("2", "FAILED"))
    until("the roll back to stop", lambda: _status(stacks, "stuck") == "UPDATE_ROLLBACK_FAILED")
    mode.write_text("NONE")
    stacks.continue_update_rollback(StackName="stuck")
    until("the roll back to go on", lambda: _status(stacks, "stuck") == "UPDATE_ROLLBACK_IN_PROGRESS")
    saved = cloud.state_dir / "services" / "cloudformation.json"
    until("the record of the operation", lambda: '"_operation"' in saved.read_text())
    cloud.crash()
    mode.write_text("SUCCESS")
    cloud.start()
    until("the end of the roll back", lambda: _status(stacks, "stuck") == "UPDATE_ROLLBACK_COMPLETE")


def _status(client: Any, stack: str) -> str:
    return str(client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


@pytest.mark.parametrize(
    ("module", "method", "path", "operation", "expected"),
    [
        ("dynamodb", "POST", "/", "PutItem", True),
        ("dynamodb", "POST", "/", "GetItem", False),
        ("dynamodb", "POST", "/", "TransactGetItems", False),
        ("iam", "POST", "/", "CreateRole", True),
        ("iam", "POST", "/", "ListRoles", False),
        ("kms", "POST", "/", "Decrypt", False),
        ("kms", "POST", "/", "DisableKey", True),
        ("s3", "PUT", "/bucket/key", "", True),
        ("s3", "GET", "/bucket/key", "", False),
        ("s3", "HEAD", "/bucket/key", "", False),
        ("lambda_svc", "POST", "/2015-03-31/functions/f/invocations", "", False),
        ("lambda_svc", "POST", "/2015-03-31/functions", "", True),
        ("cloudwatch_logs", "POST", "/", "PutLogEvents", False),
        ("ses_v2", "POST", "/v2/email/outbound-emails", "", True),
        ("ssm", "POST", "/", "SomethingNew", True),
    ],
)
def test_calls_that_change_something(module: str, method: str, path: str, operation: str, expected: bool) -> None:
    assert mutates(module, method, path, operation) is expected


def test_operation_names_of_all_protocols() -> None:
    assert operation_name({"x-amz-target": "DynamoDB_20120810.PutItem"}, {}, b"{}") == "PutItem"
    assert operation_name({}, {"Action": ["ListRoles"]}, b"") == "ListRoles"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert operation_name(form, {}, b"Version=2010-05-08&Action=CreateRole") == "CreateRole"
    assert operation_name({}, {}, b"Action=CreateRole") == ""


def test_a_line_cut_off_by_a_crash_was_never_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    items = TableItems(path)
    table = {"TableArn": f"arn:aws:dynamodb:{REGION}:1:table/t", "TableId": "i"}
    items.put(table, "p", "s", {"pk": {"S": "p"}})
    items.put(table, "p", "s", None)
    items.close()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert len(list(TableItems(path).changes())) == whole[:length].count(b"\n")


def test_the_file_of_changes_is_folded_when_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_items, "_FOLD_BYTES", 500)
    items = TableItems(tmp_path / "items.jsonl")
    table = {"TableArn": "arn", "TableId": "i"}
    while not items.fold_due:
        items.put(table, "p", "s", {"pk": {"S": "p"}})
    items.folded()
    assert not items.fold_due
    assert list(items.changes()) == []
    items.replaced()
    assert items.fold_due
    items.close()


def test_a_clock_restored_from_a_faster_one_is_ahead(tmp_path: Path) -> None:
    clock, keeper = restored_clock(tmp_path, 3600.0)
    keeper.start()
    until("the saved time", (tmp_path / "time.json").exists, 5)
    reached = clock.now()
    assert json.loads((tmp_path / "time.json").read_text())["ceiling"] > 0
    keeper.stop()
    again, _ = restored_clock(tmp_path, 1.0)
    assert again.now() >= reached


class Module:
    """An emulator module with a state."""

    def __init__(self, **state: Any) -> None:
        self.state = state

    def get_state(self) -> dict[str, Any]:
        return dict(self.state)

    def load_persisted_state(self, data: dict[str, Any]) -> None:
        if "broken" in data:
            raise KeyError("broken")
        self.state.update(data)


@pytest.fixture
def saved_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ServiceStates]:
    """Makes the saved states of one run; ``loaded`` are the modules in use, each with the state key of its name."""
    monkeypatch.setattr(service_states, "_keys", lambda module: [module])

    def make(**loaded: Module) -> ServiceStates:
        monkeypatch.setattr(service_states, "_module", loaded.get)
        return ServiceStates(tmp_path)

    return make


def test_a_module_that_is_still_being_imported_is_not_saved(saved_states: Callable[..., ServiceStates]) -> None:
    full = Module(tables=["ledger"])
    states = saved_states(dynamodb=full)
    states.restore_module("dynamodb", Module())
    states.save_module("dynamodb")

    again = Module()
    states = saved_states(dynamodb=again)
    states.save_module("dynamodb")  # its state is not there yet
    assert states.loaded_modules() == []
    states.restore_module("dynamodb", again)
    assert again.state == {"tables": ["ledger"]}
    assert states.loaded_modules() == ["dynamodb"]


def test_only_a_state_that_differs_from_the_start_is_written(
    saved_states: Callable[..., ServiceStates], tmp_path: Path
) -> None:
    module = Module(defaults=1)
    states = saved_states(ec2=module)
    states.restore_module("ec2", module)
    states.save_module("ec2")
    assert not list(tmp_path.iterdir())
    module.state["vpcs"] = 1
    states.save_module("ec2")
    assert [path.name for path in tmp_path.iterdir()] == ["ec2.json"]
    assert (tmp_path / "ec2.json").stat().st_mode & 0o077 == 0


def test_large_values_are_written_once_and_removed_with_the_last_that_names_them(
    saved_states: Callable[..., ServiceStates], tmp_path: Path
) -> None:
    layer, code = b"layer" * LARGE_BYTES, b"code" * LARGE_BYTES
    module = Module(layer=layer, code=[code, b"small"])
    states = saved_states(lambda_svc=module)
    states.restore_module("lambda_svc", Module())
    states.save_module("lambda_svc")
    values = tmp_path / "lambda_svc-values"
    written = {path: path.stat().st_mtime_ns for path in values.iterdir()}
    assert sorted(path.read_bytes() for path in written) == [code, layer]
    assert (tmp_path / "lambda_svc.json").stat().st_size < LARGE_BYTES

    again = Module()
    states = saved_states(lambda_svc=again)
    states.restore_module("lambda_svc", again)
    assert again.state == {"layer": layer, "code": [code, b"small"]}
    again.state["more"] = 1
    states.save_module("lambda_svc")
    assert {path: path.stat().st_mtime_ns for path in values.iterdir()} == written
    del again.state["layer"]
    states.save_module("lambda_svc")
    assert [path.read_bytes() for path in values.iterdir()] == [code]


def test_a_state_whose_large_value_is_lost_is_kept_aside(
    saved_states: Callable[..., ServiceStates], tmp_path: Path
) -> None:
    states = saved_states(lambda_svc=Module(layer=b"layer" * LARGE_BYTES))
    states.restore_module("lambda_svc", Module())
    states.save_module("lambda_svc")
    (value,) = (tmp_path / "lambda_svc-values").iterdir()
    value.unlink()
    states = saved_states(lambda_svc=Module())
    states.restore_module("lambda_svc", Module())
    assert (tmp_path / "lambda_svc.unreadable").exists()


@pytest.mark.parametrize("content", ["{", '{"__ministack_format__": 99, "payload": {}}', '{"broken": 1}'])
def test_an_unreadable_state_is_kept_aside(
    saved_states: Callable[..., ServiceStates], tmp_path: Path, content: str
) -> None:
    (tmp_path / "kms.json").write_text(content)
    module = Module()
    states = saved_states(kms=module)
    states.restore_module("kms", module)
    module.state["keys"] = 1
    states.save_module("kms")
    assert (tmp_path / "kms.unreadable").read_text() == content
    assert json.loads((tmp_path / "kms.json").read_text())["payload"] == {"keys": 1}
