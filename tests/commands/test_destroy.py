"""`make destroy` on a deployment that has all a deployment can have: afterwards the account is as it was before."""

import io
import json
from pathlib import Path

import pytest

from commands.account import Account
from commands.deploy.deploying import deploy
from commands.deployment import find_deployment
from commands.destroy.consent import ask
from commands.destroy.destroying import destroy
from commands.destroy.releases import remove_jobs
from commands.destroy.runs import end_runs
from commands.faults import CommandFailed
from infra.deployment_names import DeploymentNames
from infra.project import PROJECT
from local.demo.iris import iris_csv
from tests.commands.conftest import Stacks, empty_cloud
from tests.commands.inventory import inventory
from tests.flow.product import Product, until

SENDER = "mlops@example.com"
OURS = [{"Key": "mlops:deployment", "Value": "mlops"}]
THEIRS = [{"Key": "mlops:deployment", "Value": "other"}]
# Every training job of the account writes there.
SHARED_LOGS = {"log groups": {"/aws/sagemaker/TrainingJobs"}}
MODEL = {
    "Resources": {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": {"Ref": "Role"},
                "PrimaryContainer": {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-image:latest"},
            },
        }
    },
    "Parameters": {"Role": {"Type": "String"}},
}


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


def role(account: Account, name: str, service: str, actions: list[str]) -> str:
    iam = account.client("iam")
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(rights))
    return str(made["Role"]["Arn"])


def comes_to(account: Account, name: str, status: str) -> None:
    until(status, lambda: (account.stack(name) or {}).get("StackStatus") == status)


def create_stack(account: Account, name: str, deployer: str, model_role: str) -> None:
    """A stack with a model, which CloudFormation manages with a role of its own."""
    cloudformation = account.client("cloudformation")
    parameters = [{"ParameterKey": "Role", "ParameterValue": model_role}]
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(MODEL), RoleARN=deployer, Parameters=parameters, Tags=OURS
    )
    comes_to(account, name, "CREATE_COMPLETE")


def break_stack(account: Account, name: str, deployer: str, model_role: str) -> None:
    """A stack in DELETE_FAILED, whose role will never be able to delete what is in it."""
    create_stack(account, name, deployer, model_role)
    account.client("cloudformation").delete_stack(StackName=name)
    comes_to(account, name, "DELETE_FAILED")


def neighbours(account: Account, model_role: str) -> None:
    """What other teams have, under names that begin as ours do or are what ours would be."""
    ssm, logs, sagemaker = (account.client(service) for service in ("ssm", "logs", "sagemaker"))
    stack = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    account.client("cloudformation").create_stack(
        StackName="mlops-deploy-theirs-prd", TemplateBody=json.dumps(stack), Tags=[{"Key": "team", "Value": "theirs"}]
    )
    comes_to(account, "mlops-deploy-theirs-prd", "CREATE_COMPLETE")
    for name, value in {"/mlops/theirs": "x", "/mlops/models/theirs": "no pointer"}.items():
        ssm.put_parameter(Name=name, Value=value, Type="String")
    stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": "iris-model-0123456789ab-1-1/algo-1"}
    for group in ("/aws/lambda/mlops-theirs", "/aws/sagemaker/Endpoints/iris-model-production-theirs"):
        logs.create_log_group(logGroupName=group)
    logs.create_log_group(logGroupName=stream["logGroupName"])
    logs.create_log_stream(**stream)
    sagemaker.create_model(
        ModelName="theirs",
        ExecutionRoleArn=model_role,
        PrimaryContainer={"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/theirs:latest"},
    )
    variant = {"VariantName": "a", "ModelName": "theirs", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=[variant])
    # What a model of ours is not deployed to yet, and so may be another team's.
    sagemaker.create_endpoint(EndpointName="iris-model-production", EndpointConfigName="theirs")


def namesakes(account: Account) -> None:
    """What other teams may have as long as nothing of ours is there: the very names that ours would have."""
    names = account.names
    s3, dynamodb, sagemaker = (account.client(service) for service in ("s3", "dynamodb", "sagemaker"))
    s3.create_bucket(Bucket=names.bucket)
    s3.put_object(Bucket=names.bucket, Key="datasets/theirs.csv", Body=b"1")
    for table in (names.ledger_table, names.approvals_table, names.audit_table):
        key = {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "pk", "KeyType": "HASH"}
        dynamodb.create_table(
            TableName=table, AttributeDefinitions=[key[0]], KeySchema=[key[1]], BillingMode="PAY_PER_REQUEST"
        )
    account.client("ecr").create_repository(repositoryName=names.image, tags=THEIRS)
    account.client("ssm").put_parameter(Name=names.image_parameter, Value="theirs@sha256:1", Type="String")
    account.client("logs").create_log_group(logGroupName="/aws/lambda/mlops-validate-dataset")
    account.client("events").put_rule(Name="mlops-dataset-dropped", ScheduleExpression="rate(1 day)")
    sagemaker.create_model_package_group(ModelPackageGroupName="iris-model", Tags=THEIRS)
    stack = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    for concern in ("storage", "workflow"):
        name = names.stack(concern)
        account.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(stack))
        comes_to(account, name, "CREATE_COMPLETE")


def fill(account: Account, product: Product) -> tuple[str, str]:
    """A released model, runs that wait for people, and what is easily overlooked. The ids of the waiting runs."""
    product.drop("iris-model", iris_csv()).approve()
    waiting = product.drop("iris-model", iris_csv(), "next.csv").reaches("Request Approval")
    product.model("unlisted-model")
    another = product.drop("unlisted-model", iris_csv()).reaches("Request Approval")
    s3, bucket = account.client("s3"), account.names.bucket
    s3.create_multipart_upload(Bucket=bucket, Key="datasets/iris-model/half.csv")
    s3.delete_object(Bucket=bucket, Key="datasets/iris-model/next.csv")
    return waiting.id, another.id


@pytest.mark.full
@pytest.mark.timeout(600)
def test_nothing_is_left_behind_however_often_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (cloud, account):
        account.client("sesv2").create_email_identity(EmailIdentity=SENDER)
        deployer = role(
            account,
            "narrow",
            "cloudformation.amazonaws.com",
            ["sagemaker:CreateModel", "sagemaker:DescribeModel", "sagemaker:AddTags", "iam:PassRole"],
        )
        model_role = role(account, "model", "sagemaker.amazonaws.com", ["s3:GetObject"])
        before = inventory(account.session)
        assert deploy(account, PROJECT, Stacks(account), lambda _: None).sound
        product = Product(cloud, find_deployment(account.session))
        stopped = fill(account, product)
        break_stack(account, "mlops-deploy-broken-model-prd", deployer, model_role)
        there = inventory(account.session)
        assert all(there[kind] - before[kind] for kind in ("endpoints", "scalable targets", "packages", "log streams"))

        # Every line that is said for the first time is the last of its attempt.
        said: list[str] = []

        def say(line: str) -> None:
            if line not in said:
                said.append(line)
                raise Interrupted(line)

        while True:
            try:
                kept = destroy(account, PROJECT, say)
                break
            except Interrupted:
                continue

        assert "Stopped 2 runs" in said
        after = inventory(account.session)
        left = {kind: names - before[kind] for kind, names in after.items() if names - before[kind]}
        assert left == SHARED_LOGS, said
        assert "KMS keys" in kept
        told = "\n".join(mail.text for mail in product.mails() if not mail.asks)
        assert all(run in told for run in stopped)
        # And from nothing again.
        assert deploy(account, PROJECT, Stacks(account), lambda _: None).sound


def test_what_is_missing_already_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The machines went first, then the workflow's stack, and with it the role of an endpoint's stack; half of the
    rest by hand.
    """
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (_, account):
        neighbours(account, role(account, "theirs", "sagemaker.amazonaws.com", ["s3:GetObject"]))
        before = inventory(account.session)
        deploy(account, PROJECT, Stacks(account), lambda _: None)
        cloudformation = account.client("cloudformation")
        roles = account.client("iam").list_roles()["Roles"]
        deployer, model_role = (
            next(each["Arn"] for each in roles if f"workflow-{kind}" in each["RoleName"])
            for kind in ("DeploymentRole", "EndpointRole")
        )
        create_stack(account, "mlops-deploy-iris-model-prd", deployer, model_role)
        stepfunctions = account.client("stepfunctions")
        for machine in stepfunctions.list_state_machines()["stateMachines"]:
            stepfunctions.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
        end_runs(account, lambda _: None)
        for stack in ("mlops-workflow", "mlops-models"):
            cloudformation.delete_stack(StackName=stack)
            until("the deletion", lambda name=stack: account.stack(name) is None)
        account.client("ecr").delete_repository(repositoryName="mlops-image", force=True)
        account.client("codepipeline").delete_pipeline(name="mlops-image")
        account.client("dynamodb").delete_table(TableName="mlops-ledger")
        account.client("ssm").delete_parameter(Name="/mlops/image")
        destroy(account, PROJECT, lambda _: None)
        after = inventory(account.session)
        assert {kind: names - before[kind] for kind, names in after.items() if names - before[kind]} == {}
        # And nothing of anybody else's went with it.
        assert {kind: names - after[kind] for kind, names in before.items() if names - after[kind]} == {}


def test_what_only_bears_our_names_is_left_alone(empty, said, say):
    account = empty[1]
    namesakes(account)
    before = inventory(account.session)
    destroy(account, PROJECT, say)
    assert inventory(account.session) == before
    assert account.client("events").describe_rule(Name="mlops-dataset-dropped")["State"] == "ENABLED"
    objects = account.client("s3").list_objects_v2(Bucket=account.names.bucket)["Contents"]
    assert [each["Key"] for each in objects] == ["datasets/theirs.csv"]
    left = ("bucket", "table", "repository", "model package group")
    assert all(any(line.startswith(f"Left {kind}") for line in said) for kind in left), said


def test_nothing_at_all_is_removed_as_well(empty):
    before = inventory(empty[1].session)
    assert "is removed" in destroy(empty[1], PROJECT, lambda _: None)
    assert inventory(empty[1].session) == before


@pytest.mark.parametrize(("given", "says"), [("", "YES=mlops"), ("prod", "nothing was removed")])
def test_without_a_terminal_only_the_deployments_name_will_do(given, says, empty):
    with pytest.raises(CommandFailed, match=says):
        ask(empty[1], given, io.StringIO())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_is_told_what_goes_and_types_the_name(empty, capsys):
    ask(empty[1], "", Terminal("mlops\n"))
    assert "all releases" in capsys.readouterr().out
    with pytest.raises(CommandFailed, match="nothing was removed"):
        ask(empty[1], "", Terminal("yes\n"))


class Jobs:
    """SageMaker with a training job that takes a while to stop, one that is no run's, and one of another deployment."""

    class exceptions:  # noqa: N801 -- boto3's name
        ResourceNotFoundException = KeyError

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)
        self.asked: list[str] = []

    def client(self, _service: str) -> "Jobs":
        return self

    def get_paginator(self, _operation: str) -> "Jobs":
        return self

    @property
    def names(self) -> DeploymentNames:
        return DeploymentNames("mlops", "123456789012", "us-east-1")

    def paginate(self, **asked: str) -> list[dict]:
        if "logGroupName" in asked:
            return [{"logStreams": [{"logStreamName": f"{asked['logStreamNamePrefix']}algo-1"}]}]
        if "ResourceArn" in asked:
            return [{"Tags": OURS if asked["ResourceArn"] == "arn:iris-model-0123456789ab-1-1" else THEIRS}]
        names = ("iris-model-0123456789ab-1-1", "iris-model-of-somebody-else", "iris-model-ba9876543210-1-1")
        assert all(asked["NameContains"] in name for name in names)
        listed = [
            {"TrainingJobName": name, "TrainingJobStatus": "InProgress", "TrainingJobArn": f"arn:{name}"}
            for name in names
        ]
        return [{"TrainingJobSummaries": listed}]

    def delete_log_stream(self, logGroupName: str, logStreamName: str) -> None:  # noqa: N803
        self.asked.append(f"delete {logGroupName} {logStreamName}")

    def describe_training_job(self, TrainingJobName: str) -> dict:  # noqa: N803
        assert TrainingJobName == "iris-model-0123456789ab-1-1"
        return {"TrainingJobStatus": self._statuses[0] if len(self._statuses) == 1 else self._statuses.pop(0)}

    def stop_training_job(self, TrainingJobName: str) -> None:  # noqa: N803
        self.asked.append(f"stop {TrainingJobName}")

    def delete_training_job(self, TrainingJobName: str) -> None:  # noqa: N803
        self.asked.append(f"delete {TrainingJobName}")


def test_a_job_that_is_going_on_is_stopped_and_awaited(said, say, monkeypatch):
    monkeypatch.setattr("commands.destroy.releases._POLL_SECONDS", 0)
    jobs = Jobs("InProgress", "Stopping", "Stopped")
    remove_jobs(jobs, ["iris-model"], say)
    assert jobs.asked == [
        "stop iris-model-0123456789ab-1-1",
        "delete /aws/sagemaker/TrainingJobs iris-model-0123456789ab-1-1/algo-1",
        "delete iris-model-0123456789ab-1-1",
    ]
    assert said == [
        "Training job iris-model-0123456789ab-1-1 is InProgress; waiting for its end",
        "Deleted 1 training jobs",
    ]


def test_a_job_that_does_not_end_is_left_for_later(say, monkeypatch):
    monkeypatch.setattr("commands.destroy.releases._POLL_SECONDS", 0)
    monkeypatch.setattr("commands.destroy.releases._ENDING_SECONDS", -1)
    with pytest.raises(CommandFailed, match="still Stopping. Run `make destroy` again"):
        remove_jobs(Jobs("Stopping"), ["iris-model"], say)
