"""The operators hear of a run that broke, with its name, and not of one that was decided against."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.product import Product, until


@pytest.fixture
def notices(product: Product) -> Iterator[Any]:
    """Reads what the operators are told; a queue stands beside their mailboxes."""
    sns, sqs = product.client("sns"), product.client("sqs")
    (topic,) = [
        each["TopicArn"] for each in sns.list_topics()["Topics"] if each["TopicArn"].endswith(":mlops-operators")
    ]
    queue = sqs.create_queue(QueueName="operators-mailbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    told: list[str] = []

    def read() -> list[str]:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            told.append(json.loads(message["Body"])["Message"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return told

    yield read
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=queue)


def test_operators_hear_of_a_run_that_broke_and_not_of_one_that_was_refused(
    product: Product, iris: str, notices: Any
) -> None:
    model = "flow-notices"
    product.model(model, "[training]\nalgorithm = 'xgboost'\n[training.hyperparameters]\nnum_class = 7\n")
    refused = product.drop(model, "no,data\n", "refused.csv")
    refused.ends_in("Dataset Rejected")
    # Of two events the later is delivered later: when this one has come, the other would have.
    broken = product.drop(model, iris)
    broken.ends_in("Training Failed")
    until("the notice", lambda: [text for text in notices() if broken.id in text])
    (text,) = [text for text in notices() if broken.id in text]
    assert "TrainingFailed" in text
    assert f"/executions/details/{broken.arn}" in text
    assert not [text for text in notices() if refused.id in text]
