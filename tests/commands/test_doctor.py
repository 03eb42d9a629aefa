"""`make doctor` against an embedded cloud: sound at first, then with one fault after the other."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from commands.__main__ import main
from commands.account import Account
from commands.deploy.deploying import deploy
from commands.deploy.readiness import BOOTSTRAP_PARAMETER
from commands.deploy.summary import summary
from commands.doctor.alarms import check_alarms, check_subscriptions, check_undelivered
from commands.doctor.bootstrap import check_bootstrap
from commands.doctor.examination import CHECKS, RELEASING, Report, examine, look
from commands.doctor.finding import Check, Finding, Patient, ok
from commands.doctor.image import check_image
from commands.doctor.leases import check_leases
from commands.doctor.mail import check_mail, recipients
from commands.doctor.page import check_page
from commands.doctor.quotas import check_concurrency, check_instances
from commands.doctor.region import SERVICES, check_region
from commands.doctor.settings import check_settings
from commands.doctor.stacks import check_stacks
from contracts.lease import REMOVAL, lease_key, waiting_key
from contracts.settings import load_all_settings
from infra.deployment import load_deployment
from infra.project import PROJECT
from tests.commands.conftest import Stacks
from tests.flow.product import until

DEAD = "arn:aws:states:us-east-1:123456789012:execution:promote-model:dead"


@pytest.fixture(scope="module")
def account(empty) -> Account:
    found = empty[1]
    found.client("sesv2").create_email_identity(EmailIdentity=load_deployment(PROJECT.deployment_file).sender)
    deploy(found, PROJECT, Stacks(found), lambda _: None)
    return found


@pytest.fixture
def patient(account: Account) -> Patient:
    return Patient(account, load_deployment(PROJECT.deployment_file), load_all_settings(PROJECT.models))


def found(check: Check, patient: Patient, level: str) -> list[Finding]:
    return [finding for finding in look(check, patient) if finding.level == level]


def the(check: Check, patient: Patient, level: str) -> Finding:
    """The one finding of this level; none worse beside it."""
    findings = list(look(check, patient))
    assert [finding.level for finding in findings if finding.level != "ok"] == [level], findings
    finding = next(each for each in findings if each.level == level)
    assert finding.remedy
    return finding


def is_sound(check: Check, patient: Patient) -> bool:
    levels = [finding.level for finding in look(check, patient)]
    return set(levels) == {"ok"}


def test_a_fresh_deployment_is_sound_and_every_check_has_looked(account):
    report = examine(account, PROJECT)
    assert [finding for _, finding in report.findings if finding.level != "ok"] == []
    assert {name for name, _ in report.findings} == {name for name, _ in CHECKS}
    assert report.sound
    assert len(report.text().splitlines()) == len(report.findings)


def test_a_check_that_may_not_look_hides_none_of_the_others(account, patient, empty):
    iam = account.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="powerless", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    keys = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], account.region)
    report = examine(replace(account, session=session), PROJECT)
    hindered = {name for name, finding in report.findings if "could not be looked at" in finding.what}
    # No network is asked for, so there is nothing to look at.
    assert hindered == {name for name, _ in CHECKS} - {"region", "network"}
    assert [finding.what for _, finding in report.findings if "Ask for the right" not in finding.remedy] == [
        *("us-east-1 has all 17 services", "no VPC is asked for")
    ]
    # Nothing is known to be wrong, and nothing passes for sound that was not seen.
    assert [name for name, finding in report.findings if finding.level == "ok"] == ["region", "network"]
    iam.delete_role(RoleName="powerless")


def test_a_report_says_what_to_do_below_what_is_wrong(account, patient, monkeypatch):
    def breaks(_: Patient) -> Iterator[Finding]:
        yield ok("this much was seen")
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Look")

    monkeypatch.setattr("commands.doctor.examination.CHECKS", (("first", breaks), ("second", lambda _: [ok("fine")])))
    lines = examine(account, PROJECT).text().splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "WARNING", "→", "ok"]
    assert "Rate exceeded" in lines[1]


class FarAway:
    """A session in a region that lacks some services."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    def get_partition_for_region(self, _region: str) -> str:
        return "aws"

    def get_available_regions(self, service: str, _partition: str) -> list[str]:
        return [] if service in self._missing else ["us-east-1"]


def test_services_that_a_region_lacks_are_named(patient):
    assert is_sound(check_region, patient)
    far = replace(patient, account=replace(patient.account, session=FarAway("sagemaker", "sesv2")))
    assert "no sagemaker, sesv2 in us-east-1" in the(check_region, far, "warning").what
    assert all(boto3.Session().get_available_regions(service) for service in SERVICES)


@contextmanager
def parameter(account: Account, name: str, value: str | None) -> Iterator[None]:
    """A parameter with another value, or without any."""
    ssm, former = account.client("ssm"), account.parameter(name)
    if value is None:
        ssm.delete_parameter(Name=name)
    else:
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    yield
    ssm.put_parameter(Name=name, Value=former, Type="String", Overwrite=True)


def test_an_old_or_missing_bootstrap_is_a_fault(account, patient):
    with parameter(account, BOOTSTRAP_PARAMETER, "3"):
        assert "version 3, needed is 6" in the(check_bootstrap, patient, "fault").what
    with parameter(account, BOOTSTRAP_PARAMETER, None):
        assert "make bootstrap" in the(check_bootstrap, patient, "fault").remedy
    assert is_sound(check_bootstrap, patient)


def test_little_concurrency_is_a_warning_and_next_to_none_a_fault(account, patient):
    client = account.client("lambda")
    free = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    function = f"{account.names.deployment}-smoke-test"
    for left, level in ((20, "warning"), (5, "fault")):
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=free - left)
        assert f"{left} Lambda functions" in the(check_concurrency, patient, level).what
    client.delete_function_concurrency(FunctionName=function)
    assert is_sound(check_concurrency, patient)


def grant(account: Account, name: str, value: float) -> None:
    quotas = account.client("service-quotas")
    listed = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker").build_full_result()
    code = next(each["QuotaCode"] for each in listed["Quotas"] if each["QuotaName"] == name)
    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=value)


@pytest.mark.parametrize(
    ("name", "granted", "level", "needed"),
    [
        # iris-model: one ml.m5.large trains, one is the development endpoint; 2 to 10 ml.c5.large are in production.
        ("ml.m5.large for training job usage", 0, "fault", 1),
        ("ml.m5.large for endpoint usage", 1, "fault", 2),
        ("ml.c5.large for endpoint usage", 3, "fault", 4),
        ("ml.c5.large for endpoint usage", 4, "warning", 20),
        ("ml.c5.large for endpoint usage", 19, "warning", 20),
    ],
)
def test_instances_are_needed_twice_where_a_fleet_is_replaced(account, patient, name, granted, level, needed):
    grant(account, name, granted)
    finding = the(check_instances, patient, level)
    assert f"{name}: {granted} granted, {needed} needed" in finding.what
    assert name in finding.remedy
    grant(account, name, 20)
    assert is_sound(check_instances, patient)


def test_an_instance_type_without_a_quota_is_told(patient):
    model = patient.models["iris-model"]
    gone = model.model_copy(update={"training": model.training.model_copy(update={"instance_type": "ml.x9.large"})})
    finding = the(check_instances, replace(patient, models={"iris-model": gone}), "warning")
    assert "ml.x9.large for training job usage" in finding.what


@contextmanager
def sandbox(account: Account) -> Iterator[None]:
    ses = account.client("sesv2")
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://example.com"}
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    yield
    ses.put_account_details(**details, ProductionAccessEnabled=True)


def test_in_the_sandbox_every_recipient_has_to_be_verified(account, patient):
    ses = account.client("sesv2")
    people = recipients(patient)
    assert people == ["ml-team@example.com", "mlops-operators@example.com", "release-approvers@example.com"]
    with sandbox(account):
        assert ", ".join(people) in the(check_mail, patient, "fault").what
        for person in people:
            ses.create_email_identity(EmailIdentity=person)
        assert is_sound(check_mail, patient)
        for person in people:
            ses.delete_email_identity(EmailIdentity=person)
        # Or the domain of all of them.
        ses.create_email_identity(EmailIdentity="example.com")
        assert is_sound(check_mail, patient)
        ses.delete_email_identity(EmailIdentity="example.com")


def test_a_sender_that_ses_does_not_know_is_a_fault(account, patient):
    models = {name: model.model_copy(update={"owners": ("ann@acme.io",)}) for name, model in patient.models.items()}
    models = {
        name: model.model_copy(update={"approval": model.approval.model_copy(update={"approvers": ("bob@acme.io",)})})
        for name, model in models.items()
    }
    people = {"sender": "release@ml.acme.io", "operators": ("ann@acme.io",)}
    real = replace(patient, models=models, deployment=patient.deployment.model_copy(update=people))
    assert "create-email-identity --email-identity release@ml.acme.io" in the(check_mail, real, "fault").remedy
    ses = account.client("sesv2")
    ses.create_email_identity(EmailIdentity="release@ml.acme.io")
    assert is_sound(check_mail, real)
    ses.delete_email_identity(EmailIdentity="release@ml.acme.io")


def test_placeholders_are_faults_that_name_the_settings_file(account, patient):
    ses = account.client("sesv2")
    ses.delete_email_identity(EmailIdentity=patient.deployment.sender)
    assert "infra/deployment.toml" in the(check_mail, patient, "fault").remedy
    # The sender was replaced, and the others were forgotten.
    ses.create_email_identity(EmailIdentity="release@ml.acme.io")
    real = replace(patient, deployment=patient.deployment.model_copy(update={"sender": "release@ml.acme.io"}))
    forgotten = the(check_mail, real, "fault")
    assert forgotten.what.startswith("ml-team@example.com, mlops-operators@example.com, release-approvers@example.com")
    assert "models/*.toml" in forgotten.remedy
    ses.delete_email_identity(EmailIdentity="release@ml.acme.io")
    ses.create_email_identity(EmailIdentity=patient.deployment.sender)
    assert is_sound(check_mail, patient)


@pytest.mark.parametrize(
    ("check", "hinders", "status", "says"),
    [
        ("image", ["image"], 2, "releases will fail until the faults above are mended (image)"),
        ("undelivered", [], 0, "Deployed. The faults above keep no release from succeeding."),
        (None, [], 0, "Deployed."),
    ],
)
def test_a_deployment_fails_for_what_would_make_releases_fail(check, hinders, status, says, account, monkeypatch):
    findings = [("region", ok("fine")), *([(check, Finding("fault", "broken", "mend it"))] if check else [])]
    report = Report(findings)
    assert report.hindrances == hinders
    assert says in summary(account, report).splitlines()[0]
    monkeypatch.setattr("commands.deploy.deploying.deploy", lambda *_: report)
    monkeypatch.setattr("commands.deploy.cdk.find_cdk", lambda *_: None)
    assert main(["deploy"]) == status


def test_the_checks_for_releases_are_checks():
    assert {name for name, _ in CHECKS} > RELEASING


def test_a_stack_that_does_not_stand_is_a_fault(account, patient):
    cloudformation = account.client("cloudformation")
    name = f"{account.names.endpoint_stack_prefix}iris-model-production"
    template = {"Resources": {"Model": {"Type": "AWS::SageMaker::Model", "Properties": {}}}}
    tags = [{"Key": "mlops:deployment", "Value": "mlops"}]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Tags=tags)
    until("the rollback", lambda: account.stack(name)["StackStatus"] == "ROLLBACK_COMPLETE")
    assert f"{name} is ROLLBACK_COMPLETE" in the(check_stacks, patient, "fault").what
    cloudformation.delete_stack(StackName=name)
    until("the deletion", lambda: account.stack(name) is None)
    elsewhere = replace(patient.account, names=replace(account.names, deployment="other"))
    missing = found(check_stacks, replace(patient, account=elsewhere), "fault")
    assert [finding.what for finding in missing] == [
        f"other-{concern} is not there" for concern in ("storage", "image", "workflow", "models", "operations")
    ]
    assert is_sound(check_stacks, patient)


def test_an_image_that_runs_cannot_use_is_a_fault(account, patient):
    name, repository = account.names.image_parameter, account.names.image
    address = account.parameter(name).partition("@")[0]
    with parameter(account, name, None):
        assert "no image has been built" in the(check_image, patient, "fault").what
    with parameter(account, name, f"{address}:latest"):
        assert "does not name a digest" in the(check_image, patient, "fault").what
    with parameter(account, name, f"{address}@sha256:{'0' * 64}"):
        assert f"{repository} has no image sha256:000" in the(check_image, patient, "fault").what
    ecr = account.client("ecr")
    oci = ecr.put_image(
        repositoryName=repository,
        imageManifest='{"schemaVersion": 2, "manifests": []}',
        imageManifestMediaType="application/vnd.oci.image.index.v1+json",
    )["image"]["imageId"]
    with parameter(account, name, f"{address}@{oci['imageDigest']}"):
        assert "vnd.oci.image.index" in the(check_image, patient, "fault").what
    ecr.batch_delete_image(repositoryName=repository, imageIds=[oci])
    assert is_sound(check_image, patient)


def test_settings_that_are_not_those_that_runs_use_are_told(account, patient):
    model = patient.models["iris-model"]
    dearer = model.model_copy(update={"production": model.production.model_copy(update={"instance_count": 3})})
    finding = the(check_settings, replace(patient, models={"iris-model": dearer}), "warning")
    assert "production.instance_count: 2 → 3" in finding.what
    assert "not in models/" in the(check_settings, replace(patient, models={}), "warning").what
    added = {**patient.models, "wine-model": model}
    assert "wine-model is not deployed" in the(check_settings, replace(patient, models=added), "fault").what
    pointer = json.loads(account.parameter("/mlops/models/iris-model"))
    pointer["settings"]["key"] = "absent.json"
    with parameter(account, "/mlops/models/iris-model", json.dumps(pointer)):
        assert "cannot be read" in the(check_settings, patient, "fault").what
    assert is_sound(check_settings, patient)


def test_a_page_that_the_public_may_not_open_is_a_warning(account, patient):
    client = account.client("lambda")
    function = account.outputs("workflow")["DecideReleaseFunction"]
    client.update_function_url_config(FunctionName=function, AuthType="AWS_IAM")
    assert "make approve" in the(check_page, patient, "warning").remedy
    client.update_function_url_config(FunctionName=function, AuthType="NONE")
    assert is_sound(check_page, patient)


@pytest.mark.parametrize(
    ("status", "level", "says"), [(403, "warning", "policies"), (502, "fault", "log of mlops-decide-release")]
)
def test_what_the_page_answers_tells_a_denial_from_a_fault(patient, monkeypatch, status, level, says):
    asked: list[str] = []

    def answered(url: str) -> int:
        asked.append(url)
        return status

    monkeypatch.setattr("commands.doctor.page._status", answered)
    assert says in the(check_page, patient, level).remedy
    assert re.search("[^/]/A{32}$", asked[0])


def test_a_page_that_cannot_be_reached_is_said_to_be_so(patient, monkeypatch):
    monkeypatch.setattr("commands.doctor.page._SECONDS", 1)
    monkeypatch.setattr(
        Account,
        "outputs",
        lambda *_: {"DecisionUrl": "http://127.0.0.1:9/", "DecideReleaseFunction": "mlops-decide-release"},
    )
    assert "could not be looked at" in the(check_page, patient, "warning").what


def test_an_alarm_that_rings_is_a_warning(account, patient):
    cloudwatch = account.client("cloudwatch")
    name = cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmName"]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tested")
    assert f"{name} is in ALARM" in the(check_alarms, patient, "warning").what
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="tested")
    # Another team's, whose name begins as ours do.
    metric = {"Namespace": "theirs", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(
        AlarmName="mlops-theirs", Threshold=1.0, ComparisonOperator="GreaterThanThreshold", **metric
    )
    cloudwatch.set_alarm_state(AlarmName="mlops-theirs", StateValue="ALARM", StateReason="tested")
    assert is_sound(check_alarms, patient)
    cloudwatch.delete_alarms(AlarmNames=["mlops-theirs"])


def test_events_that_started_nothing_are_a_fault(account, patient):
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName="mlops-undelivered-events")["QueueUrl"]
    # Another team's, whose name begins as ours do.
    theirs = sqs.create_queue(QueueName="mlops-undelivered-events-of-others")["QueueUrl"]
    sqs.send_message(QueueUrl=theirs, MessageBody="{}")
    assert is_sound(check_undelivered, patient)
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    assert "mlops-undelivered-events holds 1 event" in the(check_undelivered, patient, "fault").what
    sqs.purge_queue(QueueUrl=url)
    assert is_sound(check_undelivered, patient)
    sqs.delete_queue(QueueUrl=theirs)
    elsewhere = replace(patient.account, names=replace(account.names, deployment="other"))
    absent = the(check_undelivered, replace(patient, account=elsewhere), "fault")
    assert absent.what == "the queue other-undelivered-events is not there"


class Topics:
    """SNS with subscriptions in every state: the embedded cloud confirms every one at once."""

    def __init__(self, topic: str = "mlops-operators", **arns: str) -> None:
        self._topic, self._arns = topic, arns

    def client(self, _service: str) -> "Topics":
        return self

    def get_paginator(self, _operation: str) -> "Topics":
        return self

    def get_partition_for_region(self, _region: str) -> str:
        return "aws"

    def paginate(self) -> list[dict[str, Any]]:
        topic = f"arn:aws:sns:us-east-1:123456789012:{self._topic}"
        # Another team's, whose name begins as ours do.
        others = {
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:mlops-others",
            "Endpoint": "x",
            "SubscriptionArn": "PendingConfirmation",
        }
        ours = [
            {"TopicArn": topic, "Endpoint": f"{who}@example.com", "SubscriptionArn": arn}
            for who, arn in self._arns.items()
        ]
        return [{"Subscriptions": [*ours, others]}]


def test_without_a_sender_everybody_has_to_confirm(patient):
    names = ("ml-team", "mlops-operators", "release-approvers")

    def examined(**arns: str) -> Patient:
        deployment = patient.deployment.model_copy(update={"sender": "sns"})
        account = replace(patient.account, session=Topics("mlops-people", **arns))
        return replace(patient, account=account, deployment=deployment)

    confirmed = {name: f"arn:{name}" for name in names}
    deaf = the(check_mail, examined(**{**confirmed, "release-approvers": "PendingConfirmation"}), "fault")
    assert deaf.what.startswith("release-approvers@example.com did not confirm the subscription to mlops-people")
    assert "FilterPolicy" in deaf.remedy
    assert is_sound(check_mail, examined(**confirmed))


def test_operators_who_do_not_hear_of_alarms_are_told(patient):
    def examined(**arns: str) -> Patient:
        deployment = patient.deployment.model_copy(update={"operators": ("ann@example.com", "bob@example.com")})
        account = replace(patient.account, session=Topics(**arns))
        return replace(patient, account=account, deployment=deployment)

    pending = the(check_subscriptions, examined(ann="PendingConfirmation", bob="arn:1"), "warning")
    assert pending.what.startswith("ann@example.com did not confirm")
    # SNS forgets who never confirmed after days, and shows for a while who has unsubscribed.
    for left in ({"bob": "arn:1"}, {"ann": "Deleted", "bob": "arn:1"}):
        deaf = the(check_subscriptions, examined(**left), "warning")
        assert deaf.what.startswith("ann@example.com of `operators` is not subscribed")
        assert "--topic-arn arn:aws:sns:us-east-1:123456789012:mlops-operators" in deaf.remedy
    assert is_sound(check_subscriptions, examined(ann="arn:1", bob="arn:2"))


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (lease_key("iris-model"), "holds the lease of iris-model"),
        (waiting_key("iris-model", "p"), "waits in the queue"),
    ],
)
def test_a_lease_of_a_run_that_has_ended_is_a_fault(account, patient, key, says):
    dynamodb = account.client("dynamodb")
    item = {**key, "execution_arn": {"S": DEAD}}
    dynamodb.put_item(TableName=account.names.ledger_table, Item=item)
    finding = the(check_leases, patient, "fault")
    assert says in finding.what
    assert f'{{"model": "iris-model", "detail": {{"executionArn": "{DEAD}"}}}}' in finding.remedy
    dynamodb.delete_item(TableName=account.names.ledger_table, Key=key)
    assert is_sound(check_leases, patient)


def test_a_lease_under_which_an_endpoint_is_removed_is_no_runs(account, patient):
    dynamodb, key = account.client("dynamodb"), lease_key("iris-model")
    item = {**key, "execution_arn": {"S": "removal:a"}, "phase": {"S": REMOVAL}}
    dynamodb.put_item(TableName=account.names.ledger_table, Item=item)
    assert is_sound(check_leases, patient)
    dynamodb.delete_item(TableName=account.names.ledger_table, Key=key)


def test_a_lease_of_a_run_that_is_running_is_none(account, patient, monkeypatch):
    stepfunctions = account.client("stepfunctions")
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    roles: Callable[..., Any] = account.client("iam").list_roles
    role = next(each["Arn"] for each in roles()["Roles"] if "PromoteModelRole" in each["RoleName"])
    machine = stepfunctions.create_state_machine(name="waits", definition=json.dumps(definition), roleArn=role)
    execution = stepfunctions.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    dynamodb, key = account.client("dynamodb"), lease_key("iris-model")
    dynamodb.put_item(TableName=account.names.ledger_table, Item={**key, "execution_arn": {"S": execution}})
    assert [finding.what for finding in check_leases(patient)] == ["1 runs that are running hold or await a lease"]
    dynamodb.delete_item(TableName=account.names.ledger_table, Key=key)
    stepfunctions.stop_execution(executionArn=execution)
    stepfunctions.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
