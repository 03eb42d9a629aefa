"""The alarms of a production endpoint, in the endpoint's own stack: they come and go with it."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from contracts.serving import AlarmSettings
from infra.names import Names, arn

_PERIOD_SECONDS = 300


class EndpointAlarms(Construct):
    """Answers with 5XX, and a model that is slow."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        names: Names,
        endpoint: str,
        variant: str,
        settings: AlarmSettings,
        infix: str = "",
    ) -> None:
        """`infix` tells the names of a second variant's alarms from those of the first."""
        super().__init__(scope, name)
        self._names, self._endpoint, self._variant = names, endpoint, variant
        self._prefix = f"{endpoint}-{infix}" if infix else endpoint
        errors = self._alarm(
            "ServerErrors",
            "server-errors",
            f"{endpoint} answers requests with 5XX: its log group says why.",
            "Invocation5XXErrors",
            settings.server_errors,
        )
        errors.statistic = "Sum"
        slow = self._alarm(
            "SlowAnswers",
            "slow-answers",
            f"The model behind {endpoint} takes long to answer: is scaling at its maximum?",
            "ModelLatency",
            # CloudWatch has it in microseconds.
            settings.latency_milliseconds * 1_000,
        )
        slow.extended_statistic, slow.evaluation_periods = "p99", 3
        self.alarms = (errors, slow)

    def _alarm(self, construct: str, name: str, description: str, metric: str, threshold: float) -> cloudwatch.CfnAlarm:
        alarm = cloudwatch.CfnAlarm
        return alarm(
            self,
            construct,
            alarm_name=self._names.stack(f"{self._prefix}-{name}"),
            alarm_description=description,
            namespace="AWS/SageMaker",
            metric_name=metric,
            dimensions=[
                alarm.DimensionProperty(name="EndpointName", value=self._endpoint),
                alarm.DimensionProperty(name="VariantName", value=self._variant),
            ],
            period=_PERIOD_SECONDS,
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator="GreaterThanOrEqualToThreshold",
            # An endpoint that nobody asks has no such metric.
            treat_missing_data="notBreaching",
            alarm_actions=[arn("sns", self._names.operators_topic)],
        )
