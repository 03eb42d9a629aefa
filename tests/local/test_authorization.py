"""IAM at the front door: nothing without a name is allowed, roles are passed knowingly, decisions can be read."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from local.gateway import resources
from local.gateway.dependent_actions import Check, dependent_actions, passed_roles
from tests.local.cloud_process import ACCOUNT, REGION, CloudProcess, allow

PREFIX = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


def name(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def refused(error: ClientError) -> tuple[str, str]:
    return error.response["Error"]["Code"], error.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("operation", "parameters", "resource"),
    [
        ("CreateTrainingJob", {"TrainingJobName": "Iris-Run-1"}, f"{PREFIX}:training-job/iris-run-1"),
        ("CreateModel", {"ModelName": "M"}, f"{PREFIX}:model/m"),
        ("CreateEndpointConfig", {"EndpointConfigName": "C"}, f"{PREFIX}:endpoint-config/c"),
        ("CreateEndpoint", {"EndpointName": "E", "EndpointConfigName": "C"}, f"{PREFIX}:endpoint/e"),
        ("UpdateEndpoint", {"EndpointConfigName": "C", "EndpointName": "E"}, f"{PREFIX}:endpoint/e"),
        ("DescribeEndpointConfig", {"EndpointConfigName": "C"}, f"{PREFIX}:endpoint-config/c"),
        ("CreateModelPackageGroup", {"ModelPackageGroupName": "G"}, f"{PREFIX}:model-package-group/g"),
        ("DescribeModelPackage", {"ModelPackageName": f"{PREFIX}:model-package/g/1"}, f"{PREFIX}:model-package/g/1"),
        ("AddTags", {"ResourceArn": f"{PREFIX}:model/m", "Tags": []}, f"{PREFIX}:model/m"),
        ("ListTrainingJobs", {}, "*"),
    ],
)
def test_sagemaker_calls_are_authorised_on_the_resource_they_name(
    operation: str, parameters: dict[str, object], resource: str
) -> None:
    assert resources.sagemaker_resource(operation, "/", parameters, REGION, ACCOUNT) == resource


def test_an_invocation_is_authorised_on_its_endpoint() -> None:
    path = "/endpoints/Iris%2Dmodel/invocations"
    assert resources.sagemaker_resource("InvokeEndpoint", path, {}, REGION, ACCOUNT) == f"{PREFIX}:endpoint/iris-model"


def test_states_and_scaling_resources() -> None:
    machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
    assert resources.states_resource("StartExecution", {"stateMachineArn": machine}, REGION, ACCOUNT) == machine
    assert resources.states_resource("CreateStateMachine", {"name": "m"}, REGION, ACCOUNT) == machine
    assert resources.states_resource("ListStateMachines", {}, REGION, ACCOUNT) == "*"
    target = resources.autoscaling_resource("RegisterScalableTarget", {}, REGION, ACCOUNT)
    assert target == f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/*"


def test_passed_roles_are_found_wherever_the_call_carries_them() -> None:
    targets = {"Targets": [{"Arn": "a", "RoleArn": "r1"}, {"Arn": "b"}, {"Arn": "c", "RoleArn": "r2"}]}
    assert passed_roles("events", "PutTargets", targets) == [
        ("r1", "events.amazonaws.com"),
        ("r2", "events.amazonaws.com"),
    ]
    schedule = {"MonitoringScheduleConfig": {"MonitoringJobDefinition": {"RoleArn": "r"}}}
    assert passed_roles("sagemaker", "CreateMonitoringSchedule", schedule) == [("r", "sagemaker.amazonaws.com")]
    assert passed_roles("sagemaker", "ListModels", {"RoleArn": "r"}) == []


def test_tags_and_the_first_scaling_target_take_rights_of_their_own() -> None:
    model, tags = f"{PREFIX}:model/m", {"ModelName": "m", "Tags": [{"Key": "a", "Value": "b"}]}
    assert dependent_actions("sagemaker", "CreateModel", tags, model, ACCOUNT) == (Check("sagemaker:AddTags", model),)
    assert dependent_actions("sagemaker", "CreateModel", {"ModelName": "m"}, model, ACCOUNT) == ()
    target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/E/variant/v"}
    scaling = resources.autoscaling_resource("RegisterScalableTarget", target, REGION, ACCOUNT)
    made, *on_endpoint = dependent_actions(
        "application-autoscaling", "RegisterScalableTarget", target, scaling, ACCOUNT
    )
    assert made.action == "iam:CreateServiceLinkedRole"
    assert made.context == {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}
    assert made.resource.startswith(f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling")
    assert on_endpoint == [
        Check("sagemaker:DescribeEndpoint", f"{PREFIX}:endpoint/e"),
        Check("sagemaker:UpdateEndpointWeightsAndCapacities", f"{PREFIX}:endpoint/e"),
    ]


def test_a_scaling_policy_takes_the_rights_on_its_alarms() -> None:
    policy = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/v",
        "PolicyType": "TargetTrackingScaling",
    }
    scaling = resources.autoscaling_resource("PutScalingPolicy", policy, REGION, ACCOUNT)
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:TargetTracking-endpoint/e/variant/v"

    def on_alarm(operation: str) -> list[str]:
        checks = dependent_actions("application-autoscaling", operation, policy, scaling, ACCOUNT)
        assert {check.resource for check in checks} == {alarm}
        return [check.action for check in checks]

    assert on_alarm("PutScalingPolicy") == ["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"]
    assert on_alarm("DeleteScalingPolicy") == ["cloudwatch:DeleteAlarms"]


def test_alarms_that_are_asked_for_by_name_are_authorised_one_by_one(shared_cloud: CloudProcess) -> None:
    first, second = (f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}" for name in ("a", "b"))
    (check,) = dependent_actions("monitoring", "DescribeAlarms", {"AlarmNames": ["a", "b"]}, first, ACCOUNT)
    assert check == Check("cloudwatch:DescribeAlarms", second)
    may_read = shared_cloud.role(name("reader"), "account", [allow("cloudwatch:DescribeAlarms", first)])
    reader = shared_cloud.client("cloudwatch", shared_cloud.assume(may_read))
    assert reader.describe_alarms(AlarmNames=["a"])["MetricAlarms"] == []
    for names in (["a", "b"], ["b"], []):
        with pytest.raises(ClientError, match="not authorized"):
            reader.describe_alarms(AlarmNames=names)


def test_parameters_under_a_path_are_read_with_the_right_on_the_path(shared_cloud: CloudProcess) -> None:
    path = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/mine"
    may_read = shared_cloud.role(name("reader"), "account", [allow("ssm:GetParametersByPath", path)])
    reader = shared_cloud.client("ssm", shared_cloud.assume(may_read))
    assert reader.get_parameters_by_path(Path="/mine/")["Parameters"] == []
    for others in ("/yours/", "/"):
        with pytest.raises(ClientError, match="not authorized"):
            reader.get_parameters_by_path(Path=others)


def test_an_endpoint_is_made_and_changed_with_rights_on_its_configuration_too() -> None:
    endpoint = {"EndpointName": "E", "EndpointConfigName": "C"}
    for operation in ("CreateEndpoint", "UpdateEndpoint"):
        checks = dependent_actions("sagemaker", operation, endpoint, f"{PREFIX}:endpoint/e", ACCOUNT)
        assert checks == (Check(f"sagemaker:{operation}", f"{PREFIX}:endpoint-config/c"),)


def test_a_right_may_hold_for_what_carries_a_tag(shared_cloud: CloudProcess) -> None:
    tag = {"StringEquals": {"aws:ResourceTag/owner": "ours"}}
    rights = [allow("sagemaker:DeleteModelPackageGroup", f"{PREFIX}:model-package-group/*", condition=tag)]
    owner = shared_cloud.client("sagemaker", shared_cloud.assume(shared_cloud.role(name("owner"), "account", rights)))
    sagemaker, ours, theirs = shared_cloud.client("sagemaker"), name("ours"), name("theirs")
    for group, value in {ours: "ours", theirs: "theirs"}.items():
        sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=[{"Key": "owner", "Value": value}])
    owner.delete_model_package_group(ModelPackageGroupName=ours)
    with pytest.raises(ClientError, match="not authorized to perform: sagemaker:DeleteModelPackageGroup"):
        owner.delete_model_package_group(ModelPackageGroupName=theirs)


def test_a_mail_needs_the_right_on_its_configuration_set_too() -> None:
    identity = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/mlops@example.com"
    mail = {"FromEmailAddress": "mlops@example.com", "ConfigurationSetName": "tracked"}
    (check,) = dependent_actions("ses", "SendEmail", mail, identity, ACCOUNT)
    assert check.resource == f"arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/tracked"
    assert (check.action, check.context) == ("ses:SendEmail", {"ses:FromAddress": "mlops@example.com"})
    assert dependent_actions("ses", "SendEmail", {"FromEmailAddress": "mlops@example.com"}, identity, ACCOUNT) == ()


def test_a_mail_is_decided_by_its_sender_and_log_events_by_their_stream(shared_cloud: CloudProcess) -> None:
    sender = {"StringEquals": {"ses:FromAddress": "mlops@example.com"}}
    group = name("group")
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:*"
    rights = [
        allow("ses:SendEmail", f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/*", condition=sender),
        allow("logs:PutLogEvents", stream),
    ]
    role = name("writer")
    writer = shared_cloud.assume(shared_cloud.role(role, "account", rights))
    mails, logs = shared_cloud.client("sesv2", writer), shared_cloud.client("logs", writer)
    shared_cloud.client("sesv2").create_email_identity(EmailIdentity="example.com")
    text = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}

    def send(address: str) -> None:
        mails.send_email(
            FromEmailAddress=address, Destination={"ToAddresses": ["a@example.com"]}, Content={"Simple": text}
        )

    send("mlops@example.com")
    with pytest.raises(ClientError, match="ses:SendEmail"):
        send("chief@example.com")
    shared_cloud.client("logs").create_log_group(logGroupName=group)
    shared_cloud.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[{"timestamp": 1, "message": "m"}])
    assert shared_cloud.decisions(role=role, action="ses:SendEmail")[0]["context"] == {
        "ses:fromaddress": "mlops@example.com"
    }


def test_creating_with_tags_needs_the_right_to_tag(shared_cloud: CloudProcess) -> None:
    role = name("untagged")
    author = shared_cloud.assume(shared_cloud.role(role, "account", [allow("sagemaker:CreateModelPackageGroup")]))
    client, group = shared_cloud.client("sagemaker", author), name("group")
    with pytest.raises(ClientError, match="sagemaker:AddTags"):
        client.create_model_package_group(ModelPackageGroupName=group, Tags=[{"Key": "a", "Value": "b"}])
    client.create_model_package_group(ModelPackageGroupName=group)


@pytest.mark.parametrize("service", ["stepfunctions", "sagemaker", "application-autoscaling"])
def test_our_services_refuse_who_has_no_rights(shared_cloud: CloudProcess, service: str) -> None:
    nobody = shared_cloud.assume(shared_cloud.role(name("nobody"), "account"))
    client = shared_cloud.client(service, nobody)
    calls = {
        "stepfunctions": ("list_state_machines", {}),
        "sagemaker": ("list_endpoints", {}),
        "application-autoscaling": ("describe_scalable_targets", {"ServiceNamespace": "sagemaker"}),
    }
    operation, parameters = calls[service]
    with pytest.raises(ClientError) as raised:
        getattr(client, operation)(**parameters)
    code, message = refused(raised.value)
    assert code == "AccessDeniedException"
    assert "is not authorized to perform" in message
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert raised.value.response["ResponseMetadata"]["RequestId"]


def test_a_call_the_emulator_cannot_name_is_for_administrators(shared_cloud: CloudProcess) -> None:
    trust = name("limited")
    limited = shared_cloud.assume(shared_cloud.role(trust, "account", [allow("s3:*")]))
    with pytest.raises(ClientError) as raised:
        shared_cloud.client("pinpoint", limited).get_apps()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    assert shared_cloud.decisions(role=trust, allowed="false")


def test_a_role_is_passed_only_by_who_may_pass_it_to_that_service(shared_cloud: CloudProcess) -> None:
    passed = shared_cloud.role(name("machine"), "states.amazonaws.com")
    may_not = shared_cloud.assume(shared_cloud.role(name("author"), "account", [allow("states:*")]))
    to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    elsewhere = shared_cloud.assume(
        shared_cloud.role(
            name("author"), "account", [allow("states:*"), allow("iam:PassRole", passed, condition=to_lambda)]
        )
    )
    to_states = {"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}
    author = name("author")
    may = shared_cloud.assume(
        shared_cloud.role(author, "account", [allow("states:*"), allow("iam:PassRole", passed, condition=to_states)])
    )
    machine = {
        "name": name("machine"),
        "roleArn": passed,
        "definition": json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
    }
    for credentials in (may_not, elsewhere):
        with pytest.raises(ClientError) as raised:
            shared_cloud.client("stepfunctions", credentials).create_state_machine(**machine)
        code, message = refused(raised.value)
        assert code == "AccessDeniedException"
        assert "iam:PassRole" in message
        assert passed in message
    arn = shared_cloud.client("stepfunctions", may).create_state_machine(**machine)["stateMachineArn"]
    shared_cloud.client("stepfunctions").delete_state_machine(stateMachineArn=arn)
    decided = shared_cloud.decisions(role=author, action="iam:PassRole")[-1]
    assert decided["allowed"] is True
    assert decided["resource"] == passed
    assert decided["statement"]["Condition"] == to_states


def test_the_decision_log_names_role_action_resource_and_statement(shared_cloud: CloudProcess) -> None:
    role, bucket = name("reader"), name("bucket")
    shared_cloud.client("s3").create_bucket(Bucket=bucket)
    reader = shared_cloud.assume(shared_cloud.role(role, "account", [allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")]))
    client = shared_cloud.client("s3", reader)
    client.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError):
        client.get_object(Bucket=bucket, Key="a")
    listed, got = shared_cloud.decisions(role=role)
    assert (listed["action"], listed["resource"]) == ("s3:ListBucket", f"arn:aws:s3:::{bucket}")
    assert listed["allowed"] is True
    assert listed["statement"] == {
        "Effect": "Allow",
        "Action": ["s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}"],
    }
    assert (got["action"], got["allowed"], got["statement"]) == ("s3:GetObject", False, None)
    assert got["role"] == role
    assert shared_cloud.decisions(role=role, allowed="false", limit="5") == [got]
    # Page by page: what was read before is left out.
    assert got["number"] > listed["number"]
    assert shared_cloud.decisions(role=role, after=str(listed["number"])) == [got]


def test_a_published_version_is_authorised_as_itself(shared_cloud: CloudProcess) -> None:
    function = name("versioned")
    arn = shared_cloud.function(function, "def handle(event, context):\n    return context.function_version\n")
    shared_cloud.client("lambda").publish_version(FunctionName=function)
    caller = shared_cloud.assume(
        shared_cloud.role(name("caller"), "account", [allow("lambda:InvokeFunction", f"{arn}:1")])
    )
    client = shared_cloud.client("lambda", caller)
    assert json.load(client.invoke(FunctionName=f"{arn}:1")["Payload"]) == "1"
    assert json.load(client.invoke(FunctionName=function, Qualifier="1")["Payload"]) == "1"
    with pytest.raises(ClientError, match="not authorized"):
        client.invoke(FunctionName=function)


def test_buckets_may_demand_secure_transport(shared_cloud: CloudProcess) -> None:
    bucket = name("secure")
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    writer = shared_cloud.assume(shared_cloud.role(name("writer"), "account", [allow("s3:PutObject")]))
    shared_cloud.client("s3", writer).put_object(Bucket=bucket, Key="a", Body=b"a")
