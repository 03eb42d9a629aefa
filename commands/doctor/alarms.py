"""Has anything gone wrong that nobody has looked at?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok, warning
from commands.stacks import list_resources, list_stacks


def check_alarms(patient: Patient) -> Iterator[Finding]:
    """The deployment's alarms, and those of its endpoints."""
    alarms = _alarms(patient)
    ringing = sorted(name for name, state in alarms.items() if state == "ALARM")
    for name in ringing:
        yield warning(f"{name} is in ALARM", "Its description says what that means and what to do.")
    if not ringing:
        yield ok(f"none of {len(alarms)} alarms is in ALARM")


def check_undelivered(patient: Patient) -> Iterator[Finding]:
    """The queue of events that started nothing."""
    sqs, name = patient.account.client("sqs"), patient.account.names.undelivered_queue
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        yield fault(f"the queue {name} is not there", "make deploy")
        return
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    waiting = int(attributes["ApproximateNumberOfMessages"])
    if waiting:
        yield fault(
            f"{name} holds {waiting} events that started nothing",
            "Read them (aws sqs receive-message) and drop the datasets that they name again; then purge the queue.",
        )
    else:
        yield ok(f"{name} is empty")


def check_subscriptions(patient: Patient) -> Iterator[Finding]:
    """Every operator hears of alarms: has said yes to it, and not unsubscribed since."""
    topic = f":{patient.account.names.operators_topic}"
    pages = patient.account.client("sns").get_paginator("list_subscriptions").paginate()
    ours = [each for page in pages for each in page["Subscriptions"] if each["TopicArn"].endswith(topic)]
    pending = {each["Endpoint"] for each in ours if each["SubscriptionArn"] == "PendingConfirmation"}
    hear = {each["Endpoint"] for each in ours if each["SubscriptionArn"].startswith("arn:")}
    if pending:
        yield warning(
            f"{', '.join(sorted(pending))} did not confirm the subscription to alarms",
            "Have them follow the link in the mail from AWS Notifications; `make deploy` does not send it again.",
        )
    if deaf := set(patient.deployment.operators) - hear - pending:
        yield warning(
            f"{', '.join(sorted(deaf))} of `operators` is not subscribed to alarms: unsubscribed, or never confirmed",
            f"aws sns subscribe --protocol email --topic-arn {_topic_arn(patient)} --notification-endpoint …, then "
            "have them follow the link that they are mailed; or take them out of infra/deployment.toml.",
        )
    if not pending and not deaf:
        yield ok(f"{len(hear)} subscriptions to alarms are confirmed")


def _topic_arn(patient: Patient) -> str:
    names, session = patient.account.names, patient.account.session
    partition = session.get_partition_for_region(names.region)
    return f"arn:{partition}:sns:{names.region}:{names.account}:{names.operators_topic}"


def _alarms(patient: Patient) -> dict[str, str]:
    """State by name: those of our stacks, for another team's may begin as ours do.

    Not those that scale: an endpoint that nobody asks is below its lower threshold, and nothing is wrong.
    """
    cloudwatch = patient.account.client("cloudwatch")
    stacks = [
        stack
        for stack in list_stacks(patient.account)
        if stack.name == patient.account.names.stack("operations")
        or stack.name.startswith(patient.account.names.endpoint_stack_prefix)
    ]
    ours = {
        each.physical
        for stack in stacks
        for each in list_resources(patient.account, stack.arn)
        if each.kind == "AWS::CloudWatch::Alarm"
    }
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{patient.deployment.name}-")
    return {
        each["AlarmName"]: each["StateValue"]
        for page in pages
        for each in page["MetricAlarms"]
        if each["AlarmName"] in ours and not any(":scalingPolicy:" in action for action in each["AlarmActions"])
    }
