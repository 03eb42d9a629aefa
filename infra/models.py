"""What is published for each model: settings, endpoint templates, and the pointer with which a run finds them."""

import json
from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from contracts.settings import ModelSettings
from infra.code_version import code_version
from infra.deployment import Deployment
from infra.encryption import has_local_disks
from infra.endpoint_plan import plans
from infra.endpoint_template import endpoint_templates
from infra.log_groups import log_group
from infra.names import Names
from infra.people import PeopleTopic, people
from infra.project import CannotSynthesise, Project
from infra.retention import kept
from scaling.schedules import InvalidSchedule
from scaling.schedules import Schedule as ScalingTime


class ModelsStack(Stack):
    """Every model under `models/`."""

    def __init__(
        self, scope: Construct, project: Project, deployment: Deployment, models: Mapping[str, ModelSettings]
    ) -> None:
        names = Names(deployment.name)
        super().__init__(scope, names.stack("models"), description="Settings and endpoint templates of all models.")
        if deployment.mails_by_sns:
            PeopleTopic(self, "People", deployment, people(deployment, models.values()))
        planned = {plan.endpoint: plan for settings in models.values() for plan in plans(settings)}
        templates = endpoint_templates(planned, deployment)
        code = code_version(project)
        for settings in models.values():
            _check_training(settings, deployment)
            _check_development(settings, deployment)
            _check_schedule(settings)
            published = PublishedModel(self, project, deployment, settings, templates, code)
            published.packages.apply_removal_policy(kept(deployment))


class PublishedModel(Construct):
    """One model. Settings and templates are named after their content, so a run that waits keeps its versions."""

    def __init__(
        self,
        scope: Construct,
        project: Project,
        deployment: Deployment,
        settings: ModelSettings,
        templates: Mapping[str, str],
        code: Mapping[str, str],
    ) -> None:
        super().__init__(scope, settings.name)
        names = Names(deployment.name)
        self._folder = project.staged_models / settings.name
        self._folder.mkdir(parents=True, exist_ok=True)
        self.packages = sagemaker.CfnModelPackageGroup(
            self,
            "Packages",
            model_package_group_name=settings.name,
            model_package_group_description=f"Candidates and releases of {settings.name}.",
        )
        resolved = self._publish(
            "settings", json.dumps(deployment.published(settings), indent=1, sort_keys=True) + "\n"
        )
        development, production = (
            {
                "stack": f"{names.endpoint_stack_prefix}{settings.name}-{plan.stage}",
                "template_url": self._publish(plan.stage, templates[plan.endpoint]).http_url,
                **plan.pointer(),
            }
            for plan in plans(settings)
        )
        pointer = {
            "settings": {"bucket": resolved.s3_bucket_name, "key": resolved.s3_object_key},
            "development": development,
            "production": production,
            "code": code,
        }
        for plan in plans(settings):
            # SageMaker would make the group itself, and keep what is in it for ever.
            group_name = f"/aws/sagemaker/Endpoints/{plan.endpoint}"
            log_group(self, f"{plan.stage.title()}Logs", group_name, deployment)
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


def _check_training(settings: ModelSettings, deployment: Deployment) -> None:
    types = (settings.training.instance_type, *settings.training.fallback_instance_types)
    refused = [each for each in types if has_local_disks(each)]
    if deployment.kms_key_arn and refused:
        raise CannotSynthesise(
            f"models/{settings.name}.toml: training: {', '.join(refused)} has disks of its own, which SageMaker "
            "encrypts in hardware and for which it refuses a key: choose a type without, because infra/deployment.toml "
            "gives kms_key_arn"
        )


def _check_schedule(settings: ModelSettings) -> None:
    """What Application Auto Scaling would refuse after training and approval: hours and days that do not exist."""
    for each in settings.production.scaling.schedule:
        try:
            ScalingTime(each.expression, created=0.0, zone=each.timezone)
        except InvalidSchedule as fault:
            raise CannotSynthesise(f"models/{settings.name}.toml: production.scaling.schedule: {fault}") from fault


def _check_development(settings: ModelSettings, deployment: Deployment) -> None:
    """A serverless endpoint has no VPC: docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html."""
    if settings.development.serverless is not None and deployment.network is not None:
        raise CannotSynthesise(
            f"models/{settings.name}.toml: development: `serverless` cannot be in a VPC, and infra/deployment.toml "
            "gives one under [network]: leave `serverless` out"
        )
