"""One page that shows how the product is: alarms, runs, approvals, functions, endpoints."""

from collections.abc import Iterable, Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from contracts.settings import ModelSettings
from infra.alarms import machine_dimension
from infra.endpoint_plan import OTHER_VARIANT, VARIANT
from infra.names import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, Names, machine_log_group

_WIDTH, _HEIGHT = 24, 6


class Dashboard(Construct):
    """The dashboard; every row answers one question."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        names: Names,
        models: Mapping[str, ModelSettings],
        verbs: Iterable[str],
        alarms: list[cloudwatch.Alarm],
    ) -> None:
        super().__init__(scope, name)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=names.stack("dashboard"),
            default_interval=Duration.days(7),
            widgets=[
                [cloudwatch.AlarmStatusWidget(title="Alarms", width=_WIDTH, height=3, alarms=list(alarms))],
                _runs(),
                _approvals(names),
                _functions(names, sorted(verbs)),
                *(_endpoint(settings) for settings in models.values()),
            ],
        )


def _runs() -> list[cloudwatch.IWidget]:
    ends = ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
    children = [
        _metric("AWS/States", f"Executions{end}", machine_dimension(machine), f"{machine} {end}")
        for machine in (DEPLOY_STACK, CLOSE_RUN)
        for end in ("Failed", "TimedOut")
    ]
    return [
        _graph(
            "Runs",
            [_metric("AWS/States", f"Executions{end}", machine_dimension(PROMOTE_MODEL), end) for end in ends],
            12,
        ),
        _graph("Deployments and closings that failed", children, 12),
    ]


def _approvals(names: Names) -> list[cloudwatch.IWidget]:
    asked, opened = (
        _metric("AWS/Lambda", "Invocations", {"FunctionName": names.function(verb)}, label)
        for verb, label in (("request_approval", "Questions asked"), ("decide_release", "Pages and decisions"))
    )
    undelivered = _metric(
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": names.undelivered_queue},
        "Undelivered events",
        "Maximum",
    )
    waiting = cloudwatch.LogQueryWidget(
        title="Runs that wait for a decision, longest first",
        width=12,
        height=_HEIGHT,
        log_group_names=[machine_log_group(PROMOTE_MODEL)],
        query_lines=[
            "filter type like /StateEntered$/",
            "stats latest(details.name) as state, latest(@timestamp) as since by execution_arn",
            'filter state = "Request Approval"',
            "sort since asc",
        ],
    )
    return [waiting, _graph("Approvals", [asked, opened], 6), _graph("Events that started nothing", [undelivered], 6)]


def _functions(names: Names, verbs: list[str]) -> list[cloudwatch.IWidget]:
    def of(metric: str, statistic: str) -> list[cloudwatch.IMetric]:
        return [
            _metric("AWS/Lambda", metric, {"FunctionName": names.function(verb)}, verb, statistic) for verb in verbs
        ]

    return [
        _graph("Function errors (a refused dataset is one)", of("Errors", "Sum"), 8),
        _graph("Function throttles", of("Throttles", "Sum"), 8),
        _graph("Function duration, p95, ms", of("Duration", "p95"), 8),
    ]


def _endpoint(settings: ModelSettings) -> list[cloudwatch.IWidget]:
    variants = (VARIANT, OTHER_VARIANT)[: settings.production.variants]

    def of(metric: str, label: str, statistic: str = "Sum") -> list[cloudwatch.IMetric]:
        return [
            _metric(
                "AWS/SageMaker",
                metric,
                {"EndpointName": settings.production_endpoint, "VariantName": variant},
                label if len(variants) == 1 else f"{variant}: {label}",
                statistic,
            )
            for variant in variants
        ]

    return [
        _graph(
            f"{settings.production_endpoint}: requests",
            [*of("Invocations", "all"), *of("InvocationsPerInstance", "per instance")],
            8,
        ),
        _graph(
            f"{settings.production_endpoint}: errors",
            [*of("Invocation4XXErrors", "4XX"), *of("Invocation5XXErrors", "5XX")],
            8,
        ),
        _graph(
            f"{settings.production_endpoint}: model latency, microseconds",
            [*of("ModelLatency", "p50", "p50"), *of("ModelLatency", "p99", "p99")],
            8,
        ),
    ]


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], label: str, statistic: str = "Sum"
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        label=label,
        statistic=statistic,
        period=Duration.minutes(5),
    )


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], width: int) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width, height=_HEIGHT)
