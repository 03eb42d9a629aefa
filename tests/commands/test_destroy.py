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
from commands.faults import CommandFailed
from infra.project import PROJECT
from local.demo.iris import iris_csv
from tests.commands.conftest import Stacks, empty_cloud
from tests.commands.inventory import inventory
from tests.flow.product import Product, until

SENDER = "mlops@example.com"
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
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(MODEL), RoleARN=deployer, Parameters=parameters)
    comes_to(account, name, "CREATE_COMPLETE")


def break_stack(account: Account, name: str, deployer: str, model_role: str) -> None:
    """A stack in DELETE_FAILED, whose role will never be able to delete what is in it."""
    create_stack(account, name, deployer, model_role)
    account.client("cloudformation").delete_stack(StackName=name)
    comes_to(account, name, "DELETE_FAILED")


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
        assert left == {}, said
        assert "KMS keys" in kept
        told = "\n".join(mail.text for mail in product.mails() if not mail.asks)
        assert all(run in told for run in stopped)
        # And from nothing again.
        assert deploy(account, PROJECT, Stacks(account), lambda _: None).sound


def test_what_is_missing_already_hinders_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The workflow's stack went first, and with it the role of an endpoint's stack; half of the rest by hand."""
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (_, account):
        before = inventory(account.session)
        deploy(account, PROJECT, Stacks(account), lambda _: None)
        cloudformation = account.client("cloudformation")
        roles = account.client("iam").list_roles()["Roles"]
        deployer, model_role = (
            next(each["Arn"] for each in roles if f"workflow-{kind}" in each["RoleName"])
            for kind in ("DeploymentRole", "EndpointRole")
        )
        create_stack(account, "mlops-deploy-iris-model-prd", deployer, model_role)
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
    """SageMaker with one training job that takes a while to stop, and one that is not a run's."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)
        self.asked: list[str] = []

    def client(self, _service: str) -> "Jobs":
        return self

    def get_paginator(self, _operation: str) -> "Jobs":
        return self

    def paginate(self, NameContains: str) -> list[dict]:  # noqa: N803 -- boto3's name
        names = ("iris-model-0123456789ab-1-1", "iris-model-of-somebody-else")
        assert all(NameContains in name for name in names)
        return [
            {"TrainingJobSummaries": [{"TrainingJobName": name, "TrainingJobStatus": "InProgress"} for name in names]}
        ]

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
    assert jobs.asked == ["stop iris-model-0123456789ab-1-1", "delete iris-model-0123456789ab-1-1"]
    assert said == [
        "Training job iris-model-0123456789ab-1-1 is InProgress; waiting for its end",
        "Deleted 1 training jobs",
    ]


def test_a_job_that_does_not_end_is_left_for_later(say, monkeypatch):
    monkeypatch.setattr("commands.destroy.releases._POLL_SECONDS", 0)
    monkeypatch.setattr("commands.destroy.releases._ENDING_SECONDS", -1)
    with pytest.raises(CommandFailed, match="still Stopping. Run `make destroy` again"):
        remove_jobs(Jobs("Stopping"), ["iris-model"], say)
