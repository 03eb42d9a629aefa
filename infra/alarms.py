"""The alarms on what no run can tell of itself. Each costs 0.10 USD a month, so there is none without a reason.

A run that fails tells people; `infra.notices` tells the operators. These alarms watch what tells and cleans up, and
use AWS's own metrics only: logs and events are delivered as well as can be, metrics always.
"""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, Names, arn

# Whose errors nobody else tells of: an approver meets a broken page, people are not mailed, decisions do not reach
# their runs, or endpoints that nobody needs cost on. Every other function's fault fails the run, or close-run, that
# invoked it.
UNATTENDED_FUNCTIONS = ("decide_release", "announce_outcome", "tend_approvals", "expire_development")
# A quarter of an hour later it is called again, and nobody waits for it.
_MAY_BE_THROTTLED = ("expire_development",)


@dataclass(frozen=True)
class Watched:
    """Something that must not happen even once in five minutes."""

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: dict[str, str]
    statistic: str = "Sum"


class Alarms(Construct):
    """All alarms but those of the endpoints, which come and go with their stacks."""

    def __init__(self, scope: Construct, name: str, names: Names, topic: sns.ITopic) -> None:
        super().__init__(scope, name)
        self.alarms = [self._alarm(each, names, topic) for each in (*_machines(), *_functions(names), _queue(names))]

    def _alarm(self, watched: Watched, names: Names, topic: sns.ITopic) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.title() for word in watched.name.split("-")),
            alarm_name=names.stack(watched.name),
            alarm_description=watched.description,
            metric=cloudwatch.Metric(
                namespace=watched.namespace,
                metric_name=watched.metric,
                dimensions_map=watched.dimensions,
                statistic=watched.statistic,
                period=Duration.minutes(5),
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # No executions, no invocations, no messages: no data, and nothing wrong.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
        return alarm


def _machines() -> list[Watched]:
    return [
        _machine(
            "runs-timed-out",
            PROMOTE_MODEL,
            "ExecutionsTimedOut",
            "A run reached the time limit of its machine. close-run passes its lease on; make rerun starts it again.",
        ),
        _machine(
            "runs-stopped",
            PROMOTE_MODEL,
            "ExecutionsAborted",
            "Somebody stopped a run. close-run withdraws its question, restores the champion and passes its lease on; "
            "whether it has, make doctor shows.",
        ),
        _machine(
            "close-run-failed",
            CLOSE_RUN,
            "ExecutionsFailed",
            "A run that ended may keep its release lease; the execution's cause says why. Runs that wait for the lease "
            "start close-run again.",
        ),
        _machine(
            "close-run-timed-out",
            CLOSE_RUN,
            "ExecutionsTimedOut",
            "A run that ended may keep its release lease: start close-run again with the same input.",
        ),
        _machine(
            "close-run-stopped",
            CLOSE_RUN,
            "ExecutionsAborted",
            "Somebody stopped close-run: a run that ended may keep its release lease. Start close-run again with "
            "the same input.",
        ),
        _machine(
            "deploy-stack-failed",
            DEPLOY_STACK,
            "ExecutionsFailed",
            "An endpoint stack did not reach its template; what was there before serves. The cause says why.",
        ),
        _machine(
            "deploy-stack-timed-out",
            DEPLOY_STACK,
            "ExecutionsTimedOut",
            "An endpoint stack took longer than a deployment may: look at the stack before anything else is released.",
        ),
    ]


def _functions(names: Names) -> list[Watched]:
    return [
        Watched(
            f"{verb.replace('_', '-')}-{metric.lower()}",
            f"{names.function(verb)}: {consequence} Its log group says why.",
            "AWS/Lambda",
            metric,
            {"FunctionName": names.function(verb)},
        )
        for verb in UNATTENDED_FUNCTIONS
        for metric, consequence in (
            ("Errors", "failed, and nobody else tells of it."),
            ("Throttles", "was refused for want of concurrency in this account and region."),
        )
        if metric == "Errors" or verb not in _MAY_BE_THROTTLED
    ]


def _queue(names: Names) -> Watched:
    return Watched(
        "undelivered-events",
        "An event started nothing; the message in the queue says which. A dataset is dropped again; an ended run is "
        "closed by the next run that waits for its lease, or by starting close-run with the message's event.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": names.undelivered_queue},
        "Maximum",
    )


def _machine(name: str, machine: str, metric: str, description: str) -> Watched:
    return Watched(name, description, "AWS/States", metric, machine_dimension(machine))


def machine_dimension(machine: str) -> dict[str, str]:
    """How CloudWatch names a state machine."""
    return {"StateMachineArn": arn("states", f"stateMachine:{machine}")}
