"""What the cloud has acknowledged, and whether it can be read back."""

import hashlib
import random
from dataclasses import dataclass, field
from typing import Any

from commands.history import entered, read_events
from local.demo.mail import Mail
from tests.flow.product import Product

RECENT = 5
# The statuses of a stack that nobody deletes: any but those of a first creation that goes on or has failed.
LASTING = ("CREATE_COMPLETE", "UPDATE_")
MACHINES = ("promote-model", "deploy-stack", "close-run")


@dataclass
class Acknowledged:
    """Facts that no crash may take back, each noted once the cloud has answered."""

    product: Product
    chance: random.Random
    objects: dict[str, tuple[str, str]] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    histories: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    going_on: frozenset[str] = frozenset()
    stacks: set[str] = field(default_factory=set)
    endpoints: set[str] = field(default_factory=set)
    mails: list[Any] = field(default_factory=list)
    _written: int = 0

    def write(self) -> None:
        """One more object version, item and parameter."""
        self._written += 1
        text = f"{self._written}"
        put = self.product.s3.put_object(Bucket=self.product.deployment.bucket, Key="written", Body=text.encode())
        self.objects[put["VersionId"]] = ("written", hashlib.sha256(text.encode()).hexdigest())
        self.product.client("dynamodb").put_item(TableName="mlops-ledger", Item=_item(text))
        self.items[text] = text
        name = f"/written/{self._written % 5}"
        self.product.client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)
        self.parameters[name] = text

    def observe(self, model: str) -> None:
        """What can be seen of the executions and of one model."""
        client = self.product.stepfunctions
        for machine in self._machines():
            listed = client.list_executions(stateMachineArn=machine, maxResults=5)["executions"]
            for execution in listed:
                if execution["status"] == "RUNNING" or execution["executionArn"] in self.going_on:
                    self._observe(execution["executionArn"], execution["status"])
        before, endpoints, after = self._stacks(), self._endpoints(), self._stacks()
        self.stacks |= {name for name, status in after.items() if status.startswith(LASTING)}
        # What is being created may be taken away again, and what is rolled back is.
        if before == after and not any(status.endswith("IN_PROGRESS") for status in after.values()):
            self.endpoints |= endpoints
        for package in self._packages(model):
            approved = package["ModelApprovalStatus"] == "Approved"
            self.packages[package["ModelPackageArn"]] = "Approved" if approved else ""
        self.mails = self._mails()

    def _observe(self, arn: str, status: str) -> None:
        events = read_events(self.product.stepfunctions, arn)
        self.histories[arn] = [(event["id"], event["type"]) for event in events]
        self.going_on = self.going_on | {arn} if status == "RUNNING" else self.going_on - {arn}

    def is_read_back(self, *, everything: bool = False) -> None:
        """What was acknowledged is there: all that is recent or going on, and of the rest everything or a sample."""
        for version, (key, digest) in self._some(self.objects, everything):
            body = self.product.s3.get_object(Bucket=self.product.deployment.bucket, Key=key, VersionId=version)["Body"]
            assert hashlib.sha256(body.read()).hexdigest() == digest
        for text, _ in self._some(self.items, everything):
            key = {name: value for name, value in _item(text).items() if name != "text"}
            found = self.product.client("dynamodb").get_item(TableName="mlops-ledger", Key=key)
            assert found["Item"]["text"]["S"] == text
        for name, text in self.parameters.items():
            # A later write may have been made without being acknowledged.
            found = self.product.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
            assert int(text) <= int(found) <= self._written
        going_on = {arn: self.histories[arn] for arn in self.going_on}
        for arn, known in {**dict(self._some(self.histories, everything)), **going_on}.items():
            events = [(event["id"], event["type"]) for event in read_events(self.product.stepfunctions, arn)]
            assert events[: len(known)] == known, (arn, known[-3:], events[len(known) - 3 : len(known) + 1])
        assert self.stacks <= self._stacks().keys()
        assert self.endpoints <= self._endpoints()
        for arn, status in self._some(self.packages, everything):
            described = self.product.sagemaker.describe_model_package(ModelPackageName=arn)
            assert described["ModelApprovalStatus"] == status or not status
        mails = self._mails()
        assert mails[: len(self.mails)] == self.mails, [mail.subject for mail in self.mails if mail not in mails]

    def _some(self, facts: dict[str, Any], everything: bool) -> list[tuple[str, Any]]:
        known = list(facts.items())
        if everything or len(known) <= RECENT:
            return known
        older = known[:-RECENT]
        return [*self.chance.sample(older, min(RECENT, len(older))), *known[-RECENT:]]

    def states(self, model: str) -> set[tuple[str, str]]:
        """(machine, state) of every state that any execution has entered on behalf of a model."""
        found, client = set(), self.product.stepfunctions
        for machine in self._machines():
            pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
            for arn in (each["executionArn"] for page in pages for each in page["executions"]):
                if model in client.describe_execution(executionArn=arn)["input"]:
                    found |= {(machine.rsplit(":", 1)[-1], step.state) for step in entered(read_events(client, arn))}
        return found

    def _machines(self) -> list[str]:
        base = self.product.deployment.promote_model_arn.rsplit(":", 1)[0]
        name = self.product.deployment.promote_model_arn.rsplit(":", 1)[-1].removesuffix(MACHINES[0])
        return [f"{base}:{name}{machine}" for machine in MACHINES]

    def _mails(self) -> list[Mail]:
        """Not those that events and alarms have SNS send: nobody waits for these, so they were acknowledged to nobody."""
        return [mail for mail in self.product.mails() if not mail.by_sns]

    def _stacks(self) -> dict[str, str]:
        described = self.product.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in described}

    def _endpoints(self) -> set[str]:
        return {each["EndpointName"] for each in self.product.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]}

    def _packages(self, model: str) -> list[dict[str, Any]]:
        return list(self.product.sagemaker.list_model_packages(ModelPackageGroupName=model)["ModelPackageSummaryList"])


def _item(text: str) -> dict[str, Any]:
    return {"pk": {"S": "written"}, "sk": {"S": text}, "text": {"S": text}}
