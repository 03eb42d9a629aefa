import boto3
import pytest

from contracts.lease import lease_key, waiting_key

TABLE = "mlops-ledger"
MODEL = "iris-model"
EXECUTIONS = "arn:aws:states:us-east-1:123456789012:execution:promote-model:"
BEFORE, END, AFTER = "2031-02-01T00:00:00.500Z", "2031-02-01T00:00:01.500Z", "2031-02-01T00:00:01.501Z"


@pytest.fixture
def ledger(aws):
    """The ledger's table."""
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    client = boto3.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


@pytest.fixture
def handle(handler_of, lambda_context):
    """Calls the function for a run that ended at END."""
    handler = handler_of("pass_lease")

    def call(run: str, ended_at: str = END, closed_by: str = "") -> dict:
        event = {"model": MODEL, "run": EXECUTIONS + run, "ended_at": ended_at, "closed_by": closed_by}
        return handler.handle(event, lambda_context)

    return call


def priority(run: str) -> str:
    return f"2031-01-01T00:00:00Z#version#{run}"


def put(ledger, key, **texts: str) -> None:
    ledger.put_item(TableName=TABLE, Item={**key, **{name: {"S": text} for name, text in texts.items()}})


def holds(ledger, run: str, **marks: str) -> None:
    put(ledger, lease_key(MODEL), execution_arn=EXECUTIONS + run, priority=priority(run), phase="development", **marks)
    ledger.update_item(
        TableName=TABLE,
        Key=lease_key(MODEL),
        UpdateExpression="SET arrivals = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )


def waits(ledger, run: str, since: str = BEFORE, policy: str = "newest") -> None:
    key = waiting_key(MODEL, priority(run))
    who = {"execution_arn": EXECUTIONS + run, "priority": priority(run)}
    put(ledger, key, **who, policy=policy, since=since, token=f"token-{run}")


def lease(ledger) -> dict:
    return ledger.get_item(TableName=TABLE, Key=lease_key(MODEL)).get("Item", {})


def queue(ledger) -> list[str]:
    items = ledger.scan(TableName=TABLE)["Items"]
    return [item["execution_arn"]["S"].rsplit(":", 1)[-1] for item in items if item["sk"]["S"].startswith("waiting#")]


def test_a_lease_that_nobody_waits_for_is_given_back(ledger, handle):
    holds(ledger, "a")
    assert handle("a") == {"holder": None, "woken": 0}
    assert lease(ledger) == {}
    assert handle("a") == {"holder": None, "woken": 0}


def test_the_lease_of_a_run_that_took_it_back_stays(ledger, handle):
    holds(ledger, "a")
    assert handle("a", closed_by="a-closed-0")["holder"] == f"{EXECUTIONS}a"
    holds(ledger, "a", closed_by="a-closed-1")
    assert handle("a", closed_by="a-closed-0")["holder"] == f"{EXECUTIONS}a"
    assert lease(ledger)["execution_arn"]["S"] == f"{EXECUTIONS}a"


def test_the_next_run_gets_it_and_is_woken(ledger, handle):
    holds(ledger, "a", closed_by="a-closed-0")
    waits(ledger, "b")
    assert handle("a", closed_by="a-closed-0") == {"holder": f"{EXECUTIONS}b", "woken": 1}
    assert "closed_by" not in lease(ledger)
    assert queue(ledger) == []


@pytest.mark.parametrize(("since", "left"), [(BEFORE, []), (END, []), (AFTER, ["a"])])
def test_an_ended_run_leaves_the_queue_unless_it_waits_anew(ledger, handle, since, left):
    holds(ledger, "z")
    waits(ledger, "a", since)
    handle("a")
    assert queue(ledger) == left


def test_a_run_that_ended_so_long_ago_that_nobody_knows_when_leaves_the_queue(ledger, handle):
    holds(ledger, "z")
    waits(ledger, "a", AFTER)
    handle("a", ended_at="")
    assert queue(ledger) == []


def test_an_event_of_an_execution_that_began_with_the_former_definition_is_taken(ledger, handler_of, lambda_context):
    holds(ledger, "a")
    former = {"model": MODEL, "run": f"{EXECUTIONS}a", "closed_by": ""}
    assert handler_of("pass_lease").handle(former, lambda_context) == {"holder": None, "woken": 0}


def test_the_mark_of_an_ended_run_is_taken_back(ledger, handle):
    holds(ledger, "a", superseded_by=priority("b"))
    handle("b")
    assert "superseded_by" not in lease(ledger)


def test_the_mark_of_an_ended_run_gives_way_to_that_of_another(ledger, handle):
    holds(ledger, "a", superseded_by=priority("c"))
    waits(ledger, "b")
    handle("c")
    assert lease(ledger)["superseded_by"]["S"] == priority("b")


def test_the_mark_of_a_run_that_waits_anew_stays(ledger, handle):
    holds(ledger, "a", superseded_by=priority("b"))
    waits(ledger, "b", AFTER)
    handle("b")
    assert lease(ledger)["superseded_by"]["S"] == priority("b")
