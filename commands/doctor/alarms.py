"""Has anything gone wrong that nobody has looked at?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok, warning


def check_alarms(patient: Patient) -> Iterator[Finding]:
    """The deployment's alarms, and those of its endpoints."""
    alarms = _alarms(patient)
    ringing = sorted(name for name, state in alarms.items() if state == "ALARM")
    for name in ringing:
        yield warning(f"{name} is in ALARM", "Its description says what that means and what to do.")
    if not ringing:
        yield ok(f"none of {len(alarms)} alarms is in ALARM")


def check_undelivered(patient: Patient) -> Iterator[Finding]:
    """Queues of events that started nothing."""
    sqs = patient.account.client("sqs")
    listed = sqs.list_queues(QueueNamePrefix=f"{patient.deployment.name}-").get("QueueUrls", [])
    for url in listed:
        name = url.rpartition("/")[2]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])[
            "Attributes"
        ]
        waiting = int(attributes["ApproximateNumberOfMessages"])
        if waiting:
            yield fault(
                f"{name} holds {waiting} events that started nothing",
                "Read them (aws sqs receive-message) and drop the datasets that they name again; then purge the queue.",
            )
        else:
            yield ok(f"{name} is empty")


def check_subscriptions(patient: Patient) -> Iterator[Finding]:
    """Who is to hear of alarms has said yes to it."""
    sns = patient.account.client("sns")
    pages = sns.get_paginator("list_subscriptions").paginate()
    ours = [
        each
        for page in pages
        for each in page["Subscriptions"]
        if each["TopicArn"].rpartition(":")[2].startswith(f"{patient.deployment.name}-")
    ]
    pending = [each["Endpoint"] for each in ours if each["SubscriptionArn"] == "PendingConfirmation"]
    if pending:
        yield warning(
            f"{', '.join(sorted(pending))} did not confirm the subscription to alarms",
            "Have them follow the link in the mail from AWS Notifications; `make deploy` does not send it again.",
        )
    elif ours:
        yield ok(f"{len(ours)} subscriptions to alarms are confirmed")


def _alarms(patient: Patient) -> dict[str, str]:
    """State by name. An endpoint's alarms are named after its model."""
    cloudwatch = patient.account.client("cloudwatch")
    pages = cloudwatch.get_paginator("describe_alarms").paginate()
    prefixes = (f"{patient.deployment.name}-", *(f"{model}-" for model in patient.models))
    return {
        each["AlarmName"]: each["StateValue"]
        for page in pages
        for each in page["MetricAlarms"]
        if each["AlarmName"].startswith(prefixes)
    }
