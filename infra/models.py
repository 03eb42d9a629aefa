"""What is published for each model: settings, endpoint templates, and the pointer with which a run finds them."""

import json
from collections.abc import Mapping

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.endpoint_template import endpoint_templates, plans
from infra.names import Names
from infra.project import Project


class ModelsStack(Stack):
    """Every model under `models/`."""

    def __init__(
        self, scope: Construct, project: Project, deployment: Deployment, models: Mapping[str, ModelSettings]
    ) -> None:
        names = Names(deployment.name)
        super().__init__(scope, names.stack("models"), description="Settings and endpoint templates of all models.")
        planned = {plan.endpoint: plan for settings in models.values() for plan in plans(settings)}
        templates = endpoint_templates(planned, deployment.tags)
        for settings in models.values():
            published = PublishedModel(self, project, names, settings, templates)
            if deployment.retention.keep_data:
                published.packages.apply_removal_policy(RemovalPolicy.RETAIN)


class PublishedModel(Construct):
    """One model. Settings and templates are named after their content, so a run that waits keeps its versions."""

    def __init__(
        self, scope: Construct, project: Project, names: Names, settings: ModelSettings, templates: Mapping[str, str]
    ) -> None:
        super().__init__(scope, settings.name)
        self._folder = project.staged_models / settings.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.packages = sagemaker.CfnModelPackageGroup(
            self,
            "Packages",
            model_package_group_name=settings.name,
            model_package_group_description=f"Candidates and releases of {settings.name}.",
        )
        resolved = self._publish("settings", json.dumps(settings.resolved(), indent=1, sort_keys=True) + "\n")
        development, production = (
            {
                "stack": f"{names.stack_prefix}{settings.name}-{plan.stage}",
                "template_url": self._publish(plan.stage, templates[plan.endpoint]).http_url,
                "scaled_shape": plan.scaled_shape,
            }
            for plan in plans(settings)
        )
        pointer = {
            "settings": {"bucket": resolved.s3_bucket_name, "key": resolved.s3_object_key},
            "development": development,
            "production": production,
        }
        ssm.CfnParameter(
            self,
            "Pointer",
            name=f"{names.models_prefix}{settings.name}",
            type="String",
            description=f"Where a run finds settings and endpoint templates of {settings.name}.",
            value=Stack.of(self).to_json_string(pointer),
        )

    def _publish(self, name: str, text: str) -> assets.Asset:
        path = self._folder / f"{name}.json"
        path.write_text(text, encoding="utf-8")
        return assets.Asset(self, f"{name.title()}File", path=str(path))
