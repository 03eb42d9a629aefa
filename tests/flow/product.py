"""The product in an embedded cloud, as the flow tests use it: make a model, drop a dataset, follow the run."""

import contextlib
import functools
import hashlib
import json
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from commands.decide import decide
from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.history import entered, read_events
from contracts.settings import ModelSettings, load_settings
from infra.deployment import load_deployment
from infra.endpoint_plan import EndpointPlan, plans
from infra.endpoint_template import endpoint_templates
from infra.project import PROJECT
from local.demo.browser import Browser, read_form
from local.demo.mail import Mail, approval_link, read_mails
from local.launch import RunningCloud

ROOT = Path(__file__).resolve().parents[2]
PATTERN_MODEL = "iris-model"
PATTERN = load_settings(ROOT / "models" / f"{PATTERN_MODEL}.toml")
DEADLINE_SECONDS = 90
READING_SECONDS = 2
# Looking takes the cloud as long as working does: the longer something takes, the more seldom it is looked at.
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.4

Change = Callable[[str], str]
"""What a test does to the text of an endpoint template."""


def until(
    what: str,
    probe: Callable[[], Any],
    deadline_seconds: float = DEADLINE_SECONDS,
    progress: Callable[[], object] = lambda: None,
) -> Any:
    """The first true value of `probe`; fails the test when there is none in time.

    Whenever `progress` returns something else, the whole time is granted again.
    """
    seen, deadline = progress(), time.monotonic() + deadline_seconds
    pause = _FIRST_PAUSE_SECONDS
    while time.monotonic() < deadline:
        if value := probe():
            return value
        if seen != (now := progress()):
            seen, deadline = now, time.monotonic() + deadline_seconds
        time.sleep(pause)
        pause = min(pause * 1.2, _LONGEST_PAUSE_SECONDS)
    raise AssertionError(f"{what} did not happen within {deadline_seconds} s")


@dataclass
class Run:
    """An execution of promote-model."""

    product: "Product"
    arn: str

    @property
    def id(self) -> str:
        return self.arn.rsplit(":", 1)[-1]

    def describe(self) -> dict[str, Any]:
        return self.product.stepfunctions.describe_execution(executionArn=self.arn)

    def states(self) -> list[str]:
        return [step.state for step in entered(read_events(self.product.stepfunctions, self.arn))]

    def reaches(self, state: str) -> "Run":
        """Wait until the run has entered a state; fails when it ends before."""

        def probe() -> bool:
            ended = self.describe()["status"] != "RUNNING"
            states = self.states()
            assert state in states or not ended, f"ended in {states[-1]}: {self.describe().get('cause')}"
            return state in states

        until(f"entering {state}", probe)
        return self

    def ends(self) -> dict[str, Any]:
        """Wait for the end; the description of the ended execution."""
        until("the end of the run", lambda: self.describe()["status"] != "RUNNING")
        return self.describe()

    def ends_in(self, state: str) -> dict[str, Any]:
        """Wait for the end and check in which state it came."""
        ended = self.ends()
        assert self.states()[-1] == state, f"{self.states()}: {ended.get('error')}: {ended.get('cause')}"
        return ended

    def mail(self) -> Mail:
        """The approval mail of this run."""
        self.reaches("Request Approval")

        def probe() -> Mail | None:
            asking = [mail for mail in self.product.mails() if mail.asks and mail.release == self.release()]
            # A release that is gone back to was asked about before.
            return next((mail for mail in asking if self.id in mail.text), None)

        return until("the approval mail", probe)

    def link(self) -> str:
        return approval_link(self.mail().text)

    def release(self) -> str:
        """The name that a person types: that of the last candidate, for a run may train again, or of what it goes back to."""
        for event in reversed(list(read_events(self.product.stepfunctions, self.arn))):
            details = event.get("stateExitedEventDetails")
            if details and details["name"] in ("Register Candidate", "Release Known?"):
                return str(json.loads(details["assignedVariables"]["release"])["name"])
        raise AssertionError("no candidate was registered")

    def model_data_url(self) -> str:
        """The artefact of the last candidate, or of the release that it goes back to."""
        for event in reversed(list(read_events(self.product.stepfunctions, self.arn))):
            details = event.get("stateExitedEventDetails")
            if details and "job" in details.get("assignedVariables", {}):
                return str(json.loads(details["assignedVariables"]["job"])["model_data_url"])
        raise AssertionError("no candidate was trained")

    def decide(self, decision: str, comment: str = "as tested") -> str:
        """Decide through the page's own form, and take the time of a person.

        Whether a visit takes one update or two from the buckets would otherwise hang on how soon it follows another.
        """
        link, browser = self.link(), Browser()
        self.product.advance(READING_SECONDS)
        form = read_form(browser.load(link))
        self.product.advance(READING_SECONDS)
        return browser.submit(link, form, {"decision": decision, "release": self.release(), "comment": comment})

    def approve(self) -> dict[str, Any]:
        self.decide("approve")
        return self.ends_in("Model Deployed")

    def approve_from_the_terminal(self) -> None:
        """Approve whatever the run asks, until it ends: one that was redriven may ask again."""

        def approved() -> bool:
            with contextlib.suppress(CommandFailed):
                decide(self.product.deployment, self.id, self.release(), "approve", "as tested")
            return bool(self.describe()["status"] != "RUNNING")

        until("the end of the run", approved)

    def closings(self) -> list[dict[str, Any]]:
        """The executions of close-run that are about this run, the one that began last first."""
        client, machine = self.product.stepfunctions, self.product.deployment.promote_model_arn
        listed = client.list_executions(stateMachineArn=machine.replace(":promote-model", ":close-run"))["executions"]
        described = [client.describe_execution(executionArn=each["executionArn"]) for each in listed]
        own = [each for each in described if self.arn in each["input"]]
        return sorted(own, key=lambda each: each["startDate"], reverse=True)

    def closing_statuses(self) -> list[str]:
        """How they stand."""
        return [each["status"] for each in self.closings()]

    def close_again(self) -> None:
        """Start close-run once more, as a person does, and as runs do that wait."""
        former = self.closings()[-1]
        self.product.stepfunctions.start_execution(stateMachineArn=former["stateMachineArn"], input=former["input"])

    def outcome_mails(self) -> list[Mail]:
        """The mails that told people how this run ended."""
        mails = [mail for mail in self.product.mails() if self.id in mail.text and not mail.asks]
        # Those who were asked hear of the decision, too, and the operators of what broke.
        mails = [mail for mail in mails if "You have been asked about this release" not in mail.text]
        return [mail for mail in mails if not mail.of_an_event]

    def outcome_mail(self) -> Mail:
        """The only one of them."""
        mails = self.outcome_mails()
        assert len(mails) == 1, [mail.subject for mail in mails]
        return mails[0]


class Product:
    """A deployment in an embedded cloud."""

    def __init__(self, cloud: RunningCloud, deployment: Deployment) -> None:
        self.cloud = cloud
        self.deployment = deployment
        self.session: boto3.Session = deployment.session
        # Each client keeps connections open, so nobody makes a second one of a kind.
        self.client = functools.cache(self._client)
        self.stepfunctions = self.client("stepfunctions")
        self.s3 = self.client("s3")
        self.sagemaker = self.client("sagemaker")

    def _client(self, service: str, **config: Any) -> Any:
        """A client that tries once."""
        settings = Config(retries={"total_max_attempts": 1}, **config)
        return self.session.client(service, endpoint_url=self.cloud.endpoint, config=settings)

    def mails(self) -> list[Mail]:
        return read_mails(self.cloud.endpoint)

    def model(
        self,
        name: str,
        settings: str = "",
        *,
        data: dict[str, Any] | None = None,
        production: Change = str,
        development: Change = str,
    ) -> ModelSettings:
        """Deploy a model of this name: the repository's iris model with other settings (TOML that replaces whole tables).

        `data` replaces the section of that name.
        `production` and `development` change the text of the endpoint templates.
        """
        table = tomllib.loads((ROOT / "models" / f"{PATTERN_MODEL}.toml").read_text()) | tomllib.loads(settings)
        model = ModelSettings.model_validate({**table, "name": name, **({"data": data} if data else {})})
        pointer = json.loads(self._parameter(PATTERN_MODEL))
        changed = {
            "settings": self._store(json.dumps(model.resolved())),
            "development": self._endpoint_stack(name, pointer["development"], development)
            if model.development == PATTERN.development
            else self._published(plans(model)[0], model.name, pointer["development"], development),
            "production": self._endpoint_stack(name, pointer["production"], production)
            if model.production == PATTERN.production
            else self._published(plans(model)[1], model.name, pointer["production"], production),
        }
        self.client("ssm").put_parameter(
            Name=f"/mlops/models/{name}", Type="String", Value=json.dumps(changed), Overwrite=True
        )
        groups = self.sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
        if name not in [group["ModelPackageGroupName"] for group in groups]:
            tags = [{"Key": "mlops:deployment", "Value": "mlops"}]
            self.sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)
        return model

    def drop(self, model: str, content: bytes | str, file: str = "data.csv") -> Run:
        """Drop a dataset and wait for its run."""
        body = content.encode() if isinstance(content, str) else content
        version = self.s3.put_object(Bucket=self.deployment.bucket, Key=f"datasets/{model}/{file}", Body=body)[
            "VersionId"
        ]
        return until("the start of a run", lambda: self.run_of(version))

    def start(self, model: str, content: str, dropped_at: str, file: str = "data.CSV") -> Run:
        """A run of a dataset that was dropped at another time (ISO 8601), as a late event would start it."""
        return self.start_from(self.event(model, content, dropped_at, file))

    def event(self, model: str, content: str, dropped_at: str, file: str = "data.CSV") -> dict[str, Any]:
        """Put a dataset where no run starts by itself; the event that would start one."""
        key = f"datasets/{model}/{file}"
        put = self.s3.put_object(Bucket=self.deployment.bucket, Key=key, Body=content.encode())
        return {
            "time": dropped_at,
            "detail": {
                "bucket": {"name": self.deployment.bucket},
                "object": {"key": key, "version-id": put["VersionId"], "size": len(content)},
            },
        }

    def start_from(self, event: dict[str, Any], **named: str) -> Run:
        """The run of an event; with a name, the same run again."""
        started = self.stepfunctions.start_execution(
            stateMachineArn=self.deployment.promote_model_arn, input=json.dumps(event), **named
        )
        return Run(self, started["executionArn"])

    def ledger(self, model: str) -> dict[str, dict[str, Any]]:
        """What the ledger holds about a model, by sort key."""
        found = self.client("dynamodb").query(
            TableName="mlops-ledger",
            KeyConditionExpression="pk = :model",
            ExpressionAttributeValues={":model": {"S": f"model#{model}"}},
        )
        return {item["sk"]["S"]: item for item in found["Items"]}

    def lease_is_free(self, model: str) -> bool:
        """Nobody holds the model's lease, and nobody waits for it."""
        return not [key for key in self.ledger(model) if key == "lease" or key.startswith("waiting#")]

    def lease_phase(self, model: str) -> str:
        """What the holder of the model's lease is at; "" when nobody holds it."""
        lease = self.ledger(model).get("lease")
        return str(lease["phase"]["S"]) if lease else ""

    def packages(self, model: str) -> dict[int, str]:
        """The approval status of each of a model's packages, by its number."""
        listed = self.sagemaker.list_model_packages(ModelPackageGroupName=model)["ModelPackageSummaryList"]
        return {package["ModelPackageVersion"]: package["ModelApprovalStatus"] for package in listed}

    def champion(self, model: str) -> str:
        """The name of the release that the ledger says is in production."""
        return str(self.release(model)["name"])

    def release(self, model: str) -> dict[str, Any]:
        """The manifest of the release that is in production."""
        return dict(json.loads(self.ledger(model)["champion"]["release"]["S"]))

    def training_jobs(self, model: str) -> list[dict[str, Any]]:
        """The descriptions of a model's jobs, the last one first."""
        listed = self.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"]
        return [self.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"]) for job in listed]

    def advance(self, seconds: float) -> None:
        """Let the cloud's time jump ahead."""
        body = json.dumps({"advance_seconds": seconds}).encode()
        request = urllib.request.Request(
            f"{self.cloud.endpoint}/_cloud/clock", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request).read()

    def role(self, kind: str) -> str:
        """The ARN of a role of the workflow, such as DeploymentRole."""
        pages = self.client("iam").get_paginator("list_roles").paginate()
        return next(
            str(role["Arn"]) for page in pages for role in page["Roles"] if f"workflow-{kind}" in role["RoleName"]
        )

    def deny(self, role: str, *actions: str) -> None:
        """A role (by its ARN) may not do this any more; `allow` takes it back."""
        statement = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
        self.client("iam").put_role_policy(
            RoleName=role.rsplit("/", 1)[-1],
            PolicyName="denial",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def allow(self, role: str) -> None:
        iam, name = self.client("iam"), role.rsplit("/", 1)[-1]
        if "denial" in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName="denial")

    @contextlib.contextmanager
    def denied(self, role: str, *actions: str) -> Iterator[None]:
        self.deny(role, *actions)
        try:
            yield
        finally:
            self.allow(role)

    def run_of(self, version: str) -> Run | None:
        """The first run of a dataset version."""
        found = [run for run in self.runs() if version in run.describe()["input"]]
        return found[-1] if found else None

    def run_named(self, name: str) -> Run:
        """The run of a name that it was started with."""
        return Run(self, f"{self.deployment.promote_model_arn.replace(':stateMachine:', ':execution:')}:{name}")

    def runs(self) -> list[Run]:
        listed = self.stepfunctions.list_executions(stateMachineArn=self.deployment.promote_model_arn)["executions"]
        return [Run(self, execution["executionArn"]) for execution in listed]

    def predict(self, endpoint: str, rows: str) -> list[str]:
        """The classes of some rows, as text."""
        reply = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=rows.encode()
        )
        return reply["Body"].read().decode().split()

    def served_artefact(self, endpoint: str) -> str:
        """The S3 address of the artefact that an endpoint serves."""
        config = self.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        model = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
        return str(self.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]["ModelDataUrl"])

    def sha256(self, url: str) -> str:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return hashlib.sha256(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest()

    def has_endpoint(self, name: str) -> bool:
        found = self.sagemaker.list_endpoints(NameContains=name)["Endpoints"]
        return name in [endpoint["EndpointName"] for endpoint in found]

    def endpoints(self, model: str) -> list[dict[str, Any]]:
        """The endpoints of a model."""
        found = self.sagemaker.list_endpoints(NameContains=f"{model}-", MaxResults=100)["Endpoints"]
        return [each for each in found if each["EndpointName"].startswith(f"{model}-")]

    def scaling(self, model: str) -> tuple[list[str], list[str]]:
        """What is scaled of a model's endpoints: the scalable targets by their resource, the policies by their name."""
        client = self.client("application-autoscaling")
        targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        ours = tuple(f"endpoint/{model}-{stage}/" for stage in ("development", "production"))
        return (
            [each["ResourceId"] for each in targets if each["ResourceId"].startswith(ours)],
            [each["PolicyName"] for each in policies if each["ResourceId"].startswith(ours)],
        )

    def page(self, name: str) -> Any:
        """One of the cloud's own pages."""
        with urllib.request.urlopen(f"{self.cloud.endpoint}/_cloud/{name}") as answer:
            return json.load(answer)

    def _parameter(self, model: str) -> str:
        return str(self.client("ssm").get_parameter(Name=f"/mlops/models/{model}")["Parameter"]["Value"])

    def _endpoint_stack(self, name: str, pattern: dict[str, str], change: Change) -> dict[str, str]:
        file = pattern["template_url"].rsplit("/", 1)[-1]
        bucket = json.loads(self._parameter(PATTERN_MODEL))["settings"]["bucket"]
        template = self.s3.get_object(Bucket=bucket, Key=file)["Body"].read().decode()
        stored = self._store(change(template.replace(PATTERN_MODEL, name)))
        return {
            "stack": pattern["stack"].replace(PATTERN_MODEL, name),
            "template_url": pattern["template_url"].replace(file, stored["key"]),
            "scaled_shape": _scaled_shape(json.loads(change(template.replace(PATTERN_MODEL, name)))),
        }

    def _published(self, plan: EndpointPlan, model: str, pattern: dict[str, str], change: Change) -> dict[str, Any]:
        """An endpoint as the settings make it. Synthesising takes seconds, so it is done where they differ."""
        deployment = load_deployment(PROJECT.deployment_file)
        stored = self._store(change(endpoint_templates({plan.endpoint: plan}, deployment)[plan.endpoint]))
        former = pattern["template_url"].rsplit("/", 1)[-1]
        return {
            "stack": pattern["stack"].replace(PATTERN_MODEL, model),
            "template_url": pattern["template_url"].replace(former, stored["key"]),
            **plan.pointer(),
        }

    def _store(self, text: str) -> dict[str, str]:
        bucket = json.loads(self._parameter(PATTERN_MODEL))["settings"]["bucket"]
        key = f"{hashlib.sha256(text.encode()).hexdigest()}.json"
        self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        return {"bucket": bucket, "key": key}


def _scaled_shape(template: dict[str, Any]) -> str:
    """What the model's stack publishes beside the template."""
    return str(template["Outputs"].get("ScaledShape", {}).get("Value", ""))
