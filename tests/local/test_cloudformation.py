"""Stacks: our resource types, replacement and rollback, as whom CloudFormation acts, templates in S3."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloudformation.templates import NotAnObject, object_of_url
from tests.local.cloud_process import ACCOUNT, REGION, CloudProcess, allow, until

MACHINE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "${Note}", "End": True}}})


def unique(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def settle(client: Any, stack: str) -> str:
    def status() -> str | None:
        found = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        return None if found.endswith("IN_PROGRESS") else found

    return until(f"the end of the operation on {stack}", status)


def reasons(client: Any, stack: str) -> list[str]:
    events = client.describe_stack_events(StackName=stack)["StackEvents"]
    return [event.get("ResourceStatusReason", "") for event in events if event["ResourceStatus"].endswith("_FAILED")]


def deploy(client: Any, stack: str, template: dict[str, Any], **settings: Any) -> str:
    """Through a change set, as the workflow does; the final status."""
    kind = settings.pop("kind", "CREATE")
    change_set = client.create_change_set(
        StackName=stack,
        ChangeSetName=unique("change"),
        ChangeSetType=kind,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **({"TemplateBody": json.dumps(template)} if "TemplateURL" not in settings else {}),
        **settings,
    )["Id"]
    client.execute_change_set(ChangeSetName=change_set)
    return settle(client, stack)


def outputs(client: Any, stack: str) -> dict[str, str]:
    found = client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in found}


def machine_template(note: str, role: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "M": resource(
                "StepFunctions::StateMachine",
                DefinitionString=MACHINE,
                DefinitionSubstitutions={"Note": note},
                RoleArn=role,
                **more,
            )
        },
        "Outputs": {
            "Ref": {"Value": {"Ref": "M"}},
            "Arn": {"Value": {"Fn::GetAtt": ["M", "Arn"]}},
            "Name": {"Value": {"Fn::GetAtt": ["M", "Name"]}},
        },
    }


def test_a_state_machine_is_created_updated_in_place_and_deleted(shared_cloud: CloudProcess) -> None:
    cloudformation, states = shared_cloud.client("cloudformation"), shared_cloud.client("stepfunctions")
    stack, role = unique("machine"), shared_cloud.role(unique("machine"), "states.amazonaws.com")
    assert deploy(cloudformation, stack, machine_template("first", role)) == "CREATE_COMPLETE"
    first = outputs(cloudformation, stack)
    assert first["Ref"] == first["Arn"]
    assert first["Arn"].endswith(f":stateMachine:{first['Name']}")
    assert "first" in states.describe_state_machine(stateMachineArn=first["Arn"])["definition"]
    assert deploy(cloudformation, stack, machine_template("second", role), kind="UPDATE") == "UPDATE_COMPLETE"
    assert outputs(cloudformation, stack) == first
    assert "second" in states.describe_state_machine(stateMachineArn=first["Arn"])["definition"]
    cloudformation.delete_stack(StackName=stack)
    until(
        "the end of the stack",
        lambda: stack not in [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]],
    )
    machines = states.list_state_machines()["stateMachines"]
    assert first["Arn"] not in [each["stateMachineArn"] for each in machines]


def test_a_machine_whose_role_does_not_trust_states_fails_the_stack(shared_cloud: CloudProcess) -> None:
    cloudformation = shared_cloud.client("cloudformation")
    stack, role = unique("distrust"), shared_cloud.role(unique("machine"), "lambda.amazonaws.com")
    assert deploy(cloudformation, stack, machine_template("x", role)) == "ROLLBACK_COMPLETE"
    assert "authorized to assume the provided role" in reasons(cloudformation, stack)[0]
    assert "HandlerErrorCode: " in reasons(cloudformation, stack)[0]


def test_model_and_configuration_are_replaced_under_new_names(shared_cloud: CloudProcess) -> None:
    cloudformation, sagemaker = shared_cloud.client("cloudformation"), shared_cloud.client("sagemaker")
    stack, role = unique("model"), shared_cloud.role(unique("model"), "sagemaker.amazonaws.com", [allow("s3:*")])
    s3, bucket = shared_cloud.client("s3"), unique("artefacts")
    s3.create_bucket(Bucket=bucket)
    for run in ("run-1", "run-2"):
        s3.put_object(Bucket=bucket, Key=f"{run}/model.tar.gz", Body=b"")

    def template(artefact: str) -> dict[str, Any]:
        container = {
            "Image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/image@sha256:{'a' * 64}",
            "ModelDataUrl": f"s3://{bucket}/{artefact}/model.tar.gz",
        }
        variant = {
            "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
            "VariantName": "model-a",
            "InitialInstanceCount": "1",
            "InstanceType": "ml.t2.medium",
            "InitialVariantWeight": "1",
        }
        return {
            "Resources": {
                "Model": resource("SageMaker::Model", ExecutionRoleArn=role, PrimaryContainer=container),
                "Config": resource("SageMaker::EndpointConfig", ProductionVariants=[variant]),
                "Group": resource("SageMaker::ModelPackageGroup", ModelPackageGroupName=unique("group")),
            },
            "Outputs": {
                "Model": {"Value": {"Ref": "Model"}},
                "Config": {"Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
                "Group": {"Value": {"Ref": "Group"}},
            },
        }

    first_template = template("run-1")
    assert deploy(cloudformation, stack, first_template) == "CREATE_COMPLETE", reasons(cloudformation, stack)
    first = outputs(cloudformation, stack)
    assert first["Model"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/")
    assert first["Group"].startswith(f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package-group/")
    second_template = template("run-2")
    second_template["Resources"]["Group"] = first_template["Resources"]["Group"]
    assert deploy(cloudformation, stack, second_template, kind="UPDATE") == "UPDATE_COMPLETE"
    second = outputs(cloudformation, stack)
    assert second["Model"] != first["Model"]
    assert second["Config"] != first["Config"]
    assert second["Group"] == first["Group"]
    configuration = sagemaker.describe_endpoint_config(EndpointConfigName=second["Config"])
    assert configuration["ProductionVariants"][0]["InitialInstanceCount"] == 1
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_endpoint_config(EndpointConfigName=first["Config"])
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=second["Model"])["Tags"]}
    assert tags["aws:cloudformation:stack-name"] == stack


def test_a_stack_acts_under_its_role_and_keeps_it(shared_cloud: CloudProcess) -> None:
    cloudformation = shared_cloud.client("cloudformation")
    machine_role = shared_cloud.role(unique("machine"), "states.amazonaws.com")
    may_name, stack = unique("deployer"), unique("role")
    rights = [allow(["states:*"]), allow("iam:PassRole", machine_role)]
    may = shared_cloud.role(may_name, "cloudformation.amazonaws.com", rights)
    assert deploy(cloudformation, stack, machine_template("a", machine_role), RoleARN=may) == "CREATE_COMPLETE"
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    assert described["RoleARN"] == may
    assert deploy(cloudformation, stack, machine_template("b", machine_role), kind="UPDATE") == "UPDATE_COMPLETE"
    acted = {each["action"] for each in shared_cloud.decisions(role=may_name)}
    assert {"states:CreateStateMachine", "states:UpdateStateMachine", "iam:PassRole"} <= acted


def test_a_role_without_the_right_fails_the_resource_and_rolls_back(shared_cloud: CloudProcess) -> None:
    cloudformation = shared_cloud.client("cloudformation")
    may_not = shared_cloud.role(unique("deployer"), "cloudformation.amazonaws.com", [allow("sqs:*")])
    machine_role, stack = shared_cloud.role(unique("machine"), "states.amazonaws.com"), unique("refused")
    template = machine_template("a", machine_role)
    template["Resources"]["A"] = resource("SQS::Queue", QueueName=unique("queue"))
    assert deploy(cloudformation, stack, template, RoleARN=may_not) == "ROLLBACK_COMPLETE"
    assert any(
        "not authorized to perform: states:CreateStateMachine" in reason for reason in reasons(cloudformation, stack)
    )
    assert any("HandlerErrorCode: AccessDenied" in reason for reason in reasons(cloudformation, stack))


def test_the_emulators_own_types_need_the_right_as_well(shared_cloud: CloudProcess) -> None:
    cloudformation = shared_cloud.client("cloudformation")
    role = shared_cloud.role(unique("deployer"), "cloudformation.amazonaws.com", [allow("sqs:*")])
    for kind, properties, action in (
        ("DynamoDB::Table", _table(), "dynamodb:CreateTable"),
        ("SNS::Topic", {}, "sns:CreateTopic"),
        ("Cognito::UserPool", {}, "cognito:UnlistedOperation"),
    ):
        stack = unique("denied")
        template = {"Resources": {"R": resource(kind, **properties)}}
        assert deploy(cloudformation, stack, template, RoleARN=role) == "ROLLBACK_COMPLETE"
        assert action in reasons(cloudformation, stack)[0]
    stack = unique("granted")
    assert (
        deploy(cloudformation, stack, {"Resources": {"Q": resource("SQS::Queue")}}, RoleARN=role) == "CREATE_COMPLETE"
    )


def test_a_role_that_cloudformation_may_not_assume_is_refused_at_once(shared_cloud: CloudProcess) -> None:
    cloudformation = shared_cloud.client("cloudformation")
    role = shared_cloud.role(unique("other"), "lambda.amazonaws.com")
    with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
        deploy(cloudformation, unique("distrust"), {"Resources": {"Q": resource("SQS::Queue")}}, RoleARN=role)


def test_without_a_role_the_caller_acts_and_may_pass_only_what_it_may(shared_cloud: CloudProcess) -> None:
    execution = shared_cloud.role(unique("function"), "lambda.amazonaws.com")
    caller_role = unique("caller")
    rights = [allow(["cloudformation:*", "lambda:*", "s3:*"])]
    caller = shared_cloud.assume(shared_cloud.role(caller_role, "account", rights))
    cloudformation, stack = shared_cloud.client("cloudformation", caller), unique("caller")
    code = {"ZipFile": "def handle(event, context):\n    return 1\n"}
    function = resource("Lambda::Function", Runtime="python3.13", Handler="index.handle", Role=execution, Code=code)
    assert deploy(cloudformation, stack, {"Resources": {"F": function}}) == "ROLLBACK_COMPLETE"
    assert "iam:PassRole" in reasons(cloudformation, stack)[0]
    allowed = [each["action"] for each in shared_cloud.decisions(role=caller_role, allowed="true")]
    assert "lambda:CreateFunction" in allowed


@pytest.mark.parametrize(
    "form",
    [
        "https://s3.{region}.amazonaws.com/{bucket}/{key}",
        "https://s3.amazonaws.com/{bucket}/{key}",
        "https://{bucket}.s3.{region}.amazonaws.com/{key}",
        "https://{bucket}.s3.amazonaws.com/{key}",
        "{endpoint}/{bucket}/{key}",
    ],
)
def test_templates_are_read_from_the_clouds_own_s3(shared_cloud: CloudProcess, form: str) -> None:
    bucket, key = unique("templates"), "a folder/template.json"
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({"Resources": {"Q": resource("SQS::Queue")}}))
    url = form.format(region=REGION, bucket=bucket, key=key.replace(" ", "%20"), endpoint=shared_cloud.endpoint)
    cloudformation = shared_cloud.client("cloudformation")
    assert deploy(cloudformation, unique("url"), {}, TemplateURL=url) == "CREATE_COMPLETE"


def test_templates_are_read_with_the_callers_rights(shared_cloud: CloudProcess) -> None:
    bucket = unique("private")
    s3 = shared_cloud.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="t.json", Body=json.dumps({"Resources": {"Q": resource("SQS::Queue")}}))
    caller = shared_cloud.assume(shared_cloud.role(unique("caller"), "account", [allow(["cloudformation:*", "sqs:*"])]))
    cloudformation = shared_cloud.client("cloudformation", caller)
    with pytest.raises(ClientError, match="S3 error: Access Denied"):
        deploy(cloudformation, unique("url"), {}, TemplateURL=f"https://{bucket}.s3.{REGION}.amazonaws.com/t.json")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://s3.eu-west-1.amazonaws.com/b/k/l", ("b", "k/l")),
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/k%2Bl", ("my.bucket", "k+l")),
        ("http://localhost:4599/b/k", ("b", "k")),
        ("http://my-bucket.localhost:4599/k", ("my-bucket", "k")),
        ("http://127.0.0.1:4599/b/k", ("b", "k")),
    ],
)
def test_forms_of_template_urls(url: str, place: tuple[str, str]) -> None:
    assert object_of_url(url) == place


@pytest.mark.parametrize(
    "url", ["https://example.com/b/k", "file:///etc/passwd", "https://s3.amazonaws.com/b", "s3://b/k", "nonsense"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(NotAnObject):
        object_of_url(url)


def test_conditions_join_and_know_the_pseudo_parameters(shared_cloud: CloudProcess) -> None:
    template = {
        "Parameters": {"Policies": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {
            "HasPolicies": {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Policies"}]}]}]},
            "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, REGION]},
            "Both": {"Fn::And": [{"Condition": "Here"}, {"Fn::Not": [{"Condition": "HasPolicies"}]}]},
        },
        "Resources": {"Q": resource("SQS::Queue") | {"Condition": "Both"}, "R": resource("SQS::Queue")},
        "Outputs": {"Q": {"Condition": "Both", "Value": {"Ref": "Q"}}},
    }
    cloudformation, stack = shared_cloud.client("cloudformation"), unique("conditions")
    assert deploy(cloudformation, stack, template) == "CREATE_COMPLETE"
    assert "Q" in outputs(cloudformation, stack)


def test_a_service_that_refuses_fails_the_resource_in_its_own_words(shared_cloud: CloudProcess) -> None:
    target = resource(
        "ApplicationAutoScaling::ScalableTarget",
        ResourceId=f"endpoint/{unique('absent')}/variant/model-a",
        MinCapacity="1",
        MaxCapacity="4",
        ServiceNamespace="sagemaker",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
    )
    cloudformation, stack = shared_cloud.client("cloudformation"), unique("scaling")
    assert deploy(cloudformation, stack, {"Resources": {"Target": target}}) == "ROLLBACK_COMPLETE"
    assert "(Service: ApplicationAutoScaling, Status Code: 400" in reasons(cloudformation, stack)[0]


def test_an_unknown_type_is_refused_not_skipped(shared_cloud: CloudProcess) -> None:
    template = {"Resources": {"R": resource("QuickSight::Dashboard")}}
    with pytest.raises(ClientError, match="Unrecognized resource types.*AWS::QuickSight::Dashboard"):
        deploy(shared_cloud.client("cloudformation"), unique("unknown"), template)


def _table() -> dict[str, Any]:
    return {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
