"""Tells the operators of runs that ended badly. An event says which run it was and why; an alarm could only count."""

from aws_cdk import aws_events as events
from constructs import Construct

from infra.names import PROMOTE_MODEL, Names, arn

# Ends that a rule of the model or a person decided: the run did what it is for, and its mails say so.
DECIDED_ENDS = ("CandidateRejected", "DatasetRejected", "ReleaseRejected", "RequestRefused", "Superseded")
EXPIRED_END = "ApprovalExpired"

_CONSOLE = "https://<region>.console.aws.amazon.com/states/home?region=<region>#/v2/executions/details/<arn>"


class Notices(Construct):
    """One rule for failed runs, one for approvals that nobody gave or refused."""

    def __init__(self, scope: Construct, name: str, names: Names, topic_arn: str) -> None:
        super().__init__(scope, name)
        self._names, self._topic_arn = names, topic_arn
        self._tell(
            "RunFailed",
            "run-failed",
            "Tells the operators of every run that broke, and of none that was decided against.",
            [{"anything-but": [*DECIDED_ENDS, EXPIRED_END]}],
            "The run <run> failed: <error>. The mail to the model's owners says what to do.",
        )
        self._tell(
            "ApprovalExpired",
            "approval-expired",
            "Tells the operators of every question that nobody answered in time.",
            [EXPIRED_END],
            "Nobody decided about the release of run <run> in time. Are the approvers of the model still right?",
        )

    def _tell(self, construct: str, name: str, description: str, error: list[object], text: str) -> None:
        events.CfnRule(
            self,
            construct,
            name=self._names.stack(name),
            description=description,
            event_pattern={
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [arn("states", f"stateMachine:{PROMOTE_MODEL}")],
                    "status": ["FAILED"],
                    "error": error,
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="operators",
                    arn=self._topic_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "arn": "$.detail.executionArn",
                            "error": "$.detail.error",
                            "region": "$.region",
                            "run": "$.detail.name",
                        },
                        input_template=f'"{text} {_CONSOLE}"',
                    ),
                )
            ],
        )
