"""What operators need: notices, alarms, a dashboard, a budget."""

from collections.abc import Iterable, Mapping

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_budgets as budgets
from constructs import Construct

from contracts.settings import ModelSettings
from infra.alarms import Alarms
from infra.dashboard import Dashboard
from infra.deployment import Budget, Deployment
from infra.names import Names
from infra.notices import Notices
from infra.operators import OperatorsTopic

# Of the month's limit, in percent: what was spent, and what AWS expects by the end of the month.
_SPENT_PERCENT, _FORECAST_PERCENT = 80, 100


class OperationsStack(Stack):
    """Everything here only looks on: the product works without it, and the runs' own mails still come."""

    def __init__(
        self, scope: Construct, deployment: Deployment, models: Mapping[str, ModelSettings], verbs: Iterable[str]
    ) -> None:
        names = Names(deployment.name)
        super().__init__(scope, names.stack("operations"), description="Notices, alarms, dashboard and budget.")
        topic = OperatorsTopic(self, "Operators", deployment).topic
        Notices(self, "Notices", names, topic.topic_arn)
        alarms = Alarms(self, "Alarms", names, topic).alarms
        dashboard = Dashboard(self, "Overview", names, models, verbs, alarms).dashboard
        if deployment.budget is not None:
            self._budget(deployment, deployment.budget)
        CfnOutput(self, "OperatorsTopicArn", value=topic.topic_arn)
        CfnOutput(self, "DashboardName", value=dashboard.dashboard_name)
        CfnOutput(self, "AlarmPrefix", value=names.stack(""))

    def _budget(self, deployment: Deployment, limit: Budget) -> None:
        budget = budgets.CfnBudget
        mails = [
            budget.SubscriberProperty(subscription_type="EMAIL", address=operator) for operator in deployment.operators
        ]
        budget(
            self,
            "Budget",
            budget=budget.BudgetDataProperty(
                budget_name=f"{deployment.name}-monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budget.SpendProperty(amount=limit.monthly_usd, unit="USD"),
                # https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-create-filters.html
                cost_filters={"TagKeyValue": [f"user:{limit.tag}${deployment.all_tags[limit.tag]}"]},
            ),
            notifications_with_subscribers=[
                budget.NotificationWithSubscribersProperty(
                    notification=budget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=mails,
                )
                for kind, percent in (("ACTUAL", _SPENT_PERCENT), ("FORECASTED", _FORECAST_PERCENT))
            ],
        )
