"""What starts a run: an object that is created under `datasets/<model>/` and has a data suffix."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.grants import Grant, role
from infra.names import PROMOTE_MODEL, Names, arn

# Folder markers and the settings that may lie beside a dataset (`run.json`) start nothing.
DATASET_KEYS = "datasets/*/*.csv"


class DatasetTrigger(Construct):
    """Rule, role and dead-letter queue. A dropped dataset that starts no run raises an alarm."""

    def __init__(self, scope: Construct, name: str, names: Names, machine: sfn.IStateMachine) -> None:
        super().__init__(scope, name)
        starts = Grant(
            "StartRun",
            "A dropped dataset starts a run.",
            ("states:StartExecution",),
            (arn("states", f"stateMachine:{PROMOTE_MODEL}"),),
        )
        starter = role(self, "Role", "events.amazonaws.com", "Starts a run for a dropped dataset.", [starts])
        undelivered = sqs.Queue(
            self,
            "Undelivered",
            queue_name=names.stack("undelivered-datasets"),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # The longest SQS keeps a message; time for a person to come back from a holiday.
            retention_period=Duration.days(14),
        )
        rule = events.Rule(
            self,
            "Rule",
            rule_name=names.stack("dataset-dropped"),
            description=f"Starts {PROMOTE_MODEL} for every dropped dataset.",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [names.bucket]}, "object": {"key": [{"wildcard": DATASET_KEYS}]}},
            ),
        )
        rule.add_target(
            targets.SfnStateMachine(
                machine,
                role=starter.without_policy_updates(),
                dead_letter_queue=undelivered,
                # EventBridge's own limits: a day, 185 tries.
                max_event_age=Duration.hours(24),
                retry_attempts=185,
            )
        )
        cloudwatch.Alarm(
            self,
            "UndeliveredAlarm",
            alarm_description="A dropped dataset started no run: look into the queue, then drop the dataset again.",
            metric=undelivered.metric_approximate_number_of_messages_visible(
                period=Duration.minutes(5), statistic="Maximum"
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
