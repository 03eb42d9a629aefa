"""What starts what: a dropped dataset a run, a run that ended its closing, the clock what looks after things."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from contracts.drop import RUN_FILE
from infra.deployment import Deployment
from infra.encryption import account_key
from infra.grants import Grant, role
from infra.names import CLOSE_RUN, PROMOTE_MODEL, Names, arn
from tables.files import FORMATS

# Folder markers and files of other kinds start nothing.
# Files of a folder match too; the machine itself tells them from datasets.
DATASET_KEYS = (*(f"datasets/*/*.{suffix}" for suffix in FORMATS), f"datasets/*/*/{RUN_FILE}")


class Undelivered(Construct):
    """The queue for events that started nothing; an alarm tells of them (`infra.alarms`)."""

    def __init__(self, scope: Construct, name: str, deployment: Deployment) -> None:
        super().__init__(scope, name)
        names, key = Names(deployment.name), account_key(self, deployment)
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=names.undelivered_queue,
            encryption=sqs.QueueEncryption.KMS if key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=key,
            enforce_ssl=True,
            # The longest SQS keeps a message; time for a person to come back from a holiday.
            retention_period=Duration.days(14),
        )


class DatasetDropped(Construct):
    """An object under `datasets/<model>/` with a data suffix starts a run."""

    def __init__(
        self, scope: Construct, name: str, names: Names, machine: sfn.IStateMachine, undelivered: Undelivered
    ) -> None:
        super().__init__(scope, name)
        starts = Grant(
            "StartRun",
            "A dropped dataset starts a run.",
            ("states:StartExecution",),
            (arn("states", f"stateMachine:{PROMOTE_MODEL}"),),
        )
        rule = _rule(
            self,
            names.stack("dataset-dropped"),
            f"Starts {PROMOTE_MODEL} for every dropped dataset.",
            "aws.s3",
            "Object Created",
            {"bucket": {"name": [names.bucket]}, "object": {"key": [{"wildcard": keys} for keys in DATASET_KEYS]}},
        )
        _start(
            rule,
            machine,
            role(self, "Role", "events.amazonaws.com", "Starts a run for a dropped dataset.", [starts]),
            undelivered,
        )


class RunEnded(Construct):
    """The end of a run, however it came, starts what follows it."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        names: Names,
        runs: sfn.IStateMachine,
        machine: sfn.IStateMachine,
        undelivered: Undelivered,
    ) -> None:
        super().__init__(scope, name)
        starts = Grant(
            "CloseRun",
            "A run that ended, also by a stop or a time limit, gives its lease on.",
            ("states:StartExecution",),
            (arn("states", f"stateMachine:{CLOSE_RUN}"),),
        )
        rule = _rule(
            self,
            names.stack("run-ended"),
            f"Starts {CLOSE_RUN} at the end of every run.",
            "aws.states",
            "Step Functions Execution Status Change",
            {"stateMachineArn": [runs.state_machine_arn], "status": ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]},
        )
        _start(
            rule,
            machine,
            role(self, "Role", "events.amazonaws.com", "Starts what follows a run's end.", [starts]),
            undelivered,
        )


class ApprovalsTended(Construct):
    """Every minute somebody looks after the questions to people. A call that fails is made again by the next minute."""

    def __init__(self, scope: Construct, name: str, names: Names, function: lambda_.IFunction) -> None:
        super().__init__(scope, name)
        _every(
            self,
            names.stack("approvals-tended"),
            "Finishes decisions that a visit could not, and lets questions expire.",
            function,
            period=Duration.minutes(1),
            max_event_age=Duration.minutes(1),
        )


class DevelopmentExpired(Construct):
    """Every quarter of an hour somebody looks for development endpoints whose time is over.

    Where no model has such a time, that is one function call of a second and one read of parameters: in a month 2,900
    of either, about a cent.
    """

    def __init__(self, scope: Construct, name: str, names: Names, function: lambda_.IFunction) -> None:
        super().__init__(scope, name)
        _every(
            self,
            names.stack("development-expired"),
            "Removes development endpoints whose time is over.",
            function,
            period=Duration.minutes(15),
            max_event_age=Duration.minutes(5),
        )


def _every(
    scope: Construct,
    name: str,
    description: str,
    function: lambda_.IFunction,
    *,
    period: Duration,
    max_event_age: Duration,
) -> None:
    """A function that is called by the clock: a call that failed is not made again, the next one is as good."""
    events.Rule(
        scope,
        "Rule",
        rule_name=name,
        description=description,
        schedule=events.Schedule.rate(period),
        targets=[targets.LambdaFunction(function, max_event_age=max_event_age, retry_attempts=0)],
    )


def _rule(
    scope: Construct, name: str, description: str, source: str, detail_type: str, detail: dict[str, Any]
) -> events.Rule:
    return events.Rule(
        scope,
        "Rule",
        rule_name=name,
        description=description,
        event_pattern=events.EventPattern(source=[source], detail_type=[detail_type], detail=detail),
    )


def _start(rule: events.Rule, machine: sfn.IStateMachine, starter: iam.Role, undelivered: Undelivered) -> None:
    rule.add_target(
        targets.SfnStateMachine(
            machine,
            role=starter.without_policy_updates(),
            dead_letter_queue=undelivered.queue,
            # EventBridge's own limits: a day, 185 tries.
            max_event_age=Duration.hours(24),
            retry_attempts=185,
        )
    )
