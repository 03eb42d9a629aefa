"""An endpoint whose time is over goes, unless a run may need it."""

import json
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError

from contracts.lease import lease_key
from contracts.times import iso_time

TABLE = "mlops-ledger"
HOUR = 3_600
DEPLOYED_AT = datetime(2031, 3, 1, 9, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/deployment"


def at(hours: float) -> str:
    """So many hours after everything was deployed."""
    return iso_time(DEPLOYED_AT.timestamp() + hours * HOUR)


def fault(code: str, message: str, operation: str = "DeleteStack") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class CloudFormation:
    """Its stacks by name. `before_deletion` is called first, with the stack's name; what it raises is raised."""

    def __init__(self) -> None:
        self.stacks: dict[str, dict] = {}
        self.asked: list[dict] = []
        self.before_deletion = lambda _: None
        self.after_deletion = "DELETE_IN_PROGRESS"

    def describe_stacks(self, StackName: str) -> dict:  # noqa: N803 -- boto3's own
        stack = self.stacks.get(self.name(StackName))
        if stack is None:
            raise fault("ValidationError", f"Stack with id {StackName} does not exist", "DescribeStacks")
        return {"Stacks": [stack]}

    def delete_stack(self, **asked: str) -> None:
        name = self.name(asked["StackName"])
        self.before_deletion(name)
        self.asked.append(asked)
        self.stacks[name]["StackStatus"] = self.after_deletion

    def deployed(self, name: str, status: str = "CREATE_COMPLETE", **more: object) -> None:
        stack_id = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{name}/id"
        self.stacks[name] = {"StackId": stack_id, "StackStatus": status, "CreationTime": DEPLOYED_AT, **more}

    @staticmethod
    def name(name_or_id: str) -> str:
        return name_or_id.split("/")[1] if "/" in name_or_id else name_or_id


class Account:
    """Models, stacks and the ledger, and the function as it is deployed among them."""

    def __init__(self, handler, context) -> None:
        self.handler, self.context = handler, context
        self.cloudformation = CloudFormation()
        self.dynamodb = boto3.client("dynamodb")
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        self.dynamodb.create_table(
            TableName=TABLE,
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
            BillingMode="PAY_PER_REQUEST",
        )

    def model(self, name: str, seconds: int | None = 2 * HOUR) -> None:
        stack = f"mlops-deploy-{name}-dev"
        development = {"stack": stack, **({"expires_after_seconds": seconds} if seconds else {})}
        boto3.client("ssm").put_parameter(
            Name=f"/mlops/models/{name}", Type="String", Value=json.dumps({"development": development})
        )
        self.cloudformation.deployed(stack)
        self.cloudformation.deployed(f"mlops-deploy-{name}-prd")

    def look(self, hours: float, request: str = "first") -> dict:
        self.context.aws_request_id = request
        return self.handler.handle({"time": at(hours)}, self.context)

    @property
    def removed(self) -> list[str]:
        """The stacks that were asked to be deleted."""
        return [CloudFormation.name(each["StackName"]) for each in self.cloudformation.asked]

    def lease(self, model: str = "a") -> dict:
        return self.dynamodb.get_item(TableName=TABLE, Key=lease_key(model)).get("Item", {})

    def holder(self) -> str | None:
        return self.lease().get("execution_arn", {}).get("S")

    def hold(self, holder: str, phase: str = "development", taken_at: str = "") -> None:
        texts = {"execution_arn": holder, "priority": "", "phase": phase, "taken_at": taken_at or at(0)}
        item = {**lease_key("a"), **{name: {"S": text} for name, text in texts.items()}}
        self.dynamodb.put_item(TableName=TABLE, Item=item)


@pytest.fixture
def account(handler_of, lambda_context, monkeypatch):
    account = Account(handler_of("expire_development"), lambda_context)
    monkeypatch.setattr(account.handler.stacks, "_cloudformation", account.cloudformation)
    return account


@pytest.fixture
def pauses(account, monkeypatch):
    """Nothing waits; the pauses that were asked for."""
    asked: list[float] = []
    monkeypatch.setattr(account.handler.stacks, "_pause", asked.append)
    return asked


def test_an_endpoint_whose_time_is_over_goes_and_production_stays(account):
    account.model("a")
    account.model("b", None)
    assert account.look(1.9) == {"removed": 0}
    assert account.look(2) == {"removed": 1}
    assert account.removed == ["mlops-deploy-a-dev"]
    assert account.holder() is None
    assert account.look(2.25) == {"removed": 0}


def test_its_time_begins_with_its_last_deployment(account):
    account.model("a")
    updated = DEPLOYED_AT.replace(hour=DEPLOYED_AT.hour + 5)
    account.cloudformation.deployed("mlops-deploy-a-dev", "UPDATE_COMPLETE", LastUpdatedTime=updated)
    assert account.look(6.9) == {"removed": 0}
    assert account.look(7) == {"removed": 1}


def test_it_is_deleted_by_its_id_and_as_the_deployment_role(account):
    account.model("a")
    account.look(3)
    stack_id = account.cloudformation.stacks["mlops-deploy-a-dev"]["StackId"]
    assert account.cloudformation.asked == [{"StackName": stack_id, "RoleARN": ROLE}]


def test_a_model_that_is_being_released_keeps_its_endpoint(account):
    account.model("a")
    account.hold("arn:run")
    assert account.look(3) == {"removed": 0}
    assert account.removed == []
    assert account.holder() == "arn:run"


def test_a_model_that_was_never_deployed_has_nothing_to_remove(account):
    account.model("a")
    account.cloudformation.stacks.clear()
    assert account.look(3) == {"removed": 0}
    assert account.removed == []


def test_what_was_deployed_between_the_first_look_and_the_lease_stays(account, monkeypatch):
    account.model("a")
    describe, looks = account.cloudformation.describe_stacks, []

    def fresh_at_second_sight(StackName):  # noqa: N803 -- boto3's own
        looks.append(StackName)
        if len(looks) == 2:
            updated = DEPLOYED_AT.replace(hour=DEPLOYED_AT.hour + 3)
            account.cloudformation.deployed(StackName, "UPDATE_COMPLETE", LastUpdatedTime=updated)
        return describe(StackName)

    monkeypatch.setattr(account.cloudformation, "describe_stacks", fresh_at_second_sight)
    assert account.look(3) == {"removed": 0}
    assert account.removed == []
    assert account.holder() is None


def test_the_lease_is_held_until_the_deletion_is_seen(account, pauses):
    account.model("a")
    phases = []
    account.cloudformation.before_deletion = lambda _: phases.append(account.lease()["phase"]["S"])
    account.cloudformation.after_deletion = "CREATE_COMPLETE"
    with pytest.raises(account.handler.SomeNotRemoved, match="a"):
        account.look(3)
    assert phases == ["removal"]
    assert len(pauses) == 10
    assert account.holder() == "removal:first"


def test_a_lost_reply_leaves_the_lease_to_whoever_finds_it_dead(account):
    account.model("a")

    def lost(_):
        raise fault("InternalFailure", "?")

    account.cloudformation.before_deletion = lost
    with pytest.raises(account.handler.SomeNotRemoved):
        account.look(3)
    account.cloudformation.before_deletion = lambda _: None
    # Another delivery of the same tick must not begin while the first may be at it; the next removal may.
    assert account.look(3, "second") == {"removed": 0}
    assert account.look(3.25, "third") == {"removed": 1}
    assert account.holder() is None


def test_lambda_calling_again_goes_on_with_its_own_lease(account):
    account.model("a")
    account.hold("removal:first", "removal", at(3))
    assert account.look(3) == {"removed": 1}
    assert account.holder() is None


def test_a_lease_that_a_run_has_taken_over_is_not_given_back(account):
    account.model("a")
    account.cloudformation.before_deletion = lambda _: account.hold("arn:run")
    account.look(3)
    assert account.holder() == "arn:run"


def test_one_that_breaks_keeps_no_other_from_going(account):
    account.model("a")
    account.model("b")

    def refused(name):
        if name == "mlops-deploy-a-dev":
            raise fault("AccessDenied", "no")

    account.cloudformation.before_deletion = refused
    with pytest.raises(account.handler.SomeNotRemoved, match=r"^a$"):
        account.look(3)
    assert account.removed == ["mlops-deploy-b-dev"]


def test_a_deletion_that_stopped_half_way_is_tried_again_and_told(account):
    account.model("a")
    account.cloudformation.deployed("mlops-deploy-a-dev", "DELETE_FAILED")
    with pytest.raises(account.handler.SomeNotRemoved):
        account.look(3)
    assert account.removed == ["mlops-deploy-a-dev"]
    assert account.holder() is None
