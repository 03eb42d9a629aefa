"""The template of one endpoint: a model, its configuration, the endpoint, and for production its scaling.

`deploy-stack` deploys it with parameters, again for every release. It is no stack of this app: CloudFormation gets it
as a published file, so it carries neither bootstrap rule nor metadata of the CDK.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import App, CfnCondition, CfnOutput, CfnParameter, CfnTag, DefaultStackSynthesizer, Fn, Stack, Tags
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from contracts.scaling import ScalingSettings
from contracts.serving import AlarmSettings, DevelopmentSettings, ProductionSettings
from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.encryption import has_local_disks
from infra.endpoint_alarms import EndpointAlarms
from infra.names import Names

# Canary and linear updates ask for the same variant name in old and new configuration.
VARIANT = "model-a"


@dataclass(frozen=True)
class EndpointPlan:
    """One endpoint to make a template for. `stage` is its short name in stacks and capture keys."""

    endpoint: str
    stage: str
    description: str
    serving: DevelopmentSettings | ProductionSettings
    scaling: ScalingSettings | None
    alarms: AlarmSettings | None

    @property
    def scaled_shape(self) -> str:
        """Variants that are scaled and their instance types; empty when nothing is.

        SageMaker refuses to change the instance type of a scaled variant, and to remove one: when this text changes,
        `deploy-stack` takes the scaling off first.
        """
        return f"{VARIANT}={self.serving.instance_type}" if self.scaling is not None else ""


def plans(settings: ModelSettings) -> tuple[EndpointPlan, EndpointPlan]:
    """A model's endpoints: development, then production."""
    return (
        EndpointPlan(
            settings.development_endpoint,
            "dev",
            f"Development endpoint of {settings.name}.",
            settings.development,
            None,
            None,
        ),
        EndpointPlan(
            settings.production_endpoint,
            "prd",
            f"Production endpoint of {settings.name}.",
            settings.production,
            settings.production.scaling,
            settings.production.alarms,
        ),
    )


def endpoint_templates(planned: Mapping[str, EndpointPlan], deployment: Deployment) -> dict[str, str]:
    """The templates' text by the plans' keys; the same text for the same plans."""
    with tempfile.TemporaryDirectory() as outdir:
        app = App(outdir=outdir, analytics_reporting=False, tree_metadata=False)
        stacks = {key: EndpointStack(app, key, plan, deployment) for key, plan in planned.items()}
        for key, value in deployment.all_tags.items():
            Tags.of(app).add(key, value)
        assembly = app.synth()
        return {key: _plain(assembly.get_stack_by_name(stack.stack_name).template) for key, stack in stacks.items()}


class EndpointStack(Stack):
    """One endpoint. What a release decides comes in as parameters, what the settings decide is written in."""

    def __init__(self, scope: Construct, name: str, plan: EndpointPlan, deployment: Deployment) -> None:
        super().__init__(
            scope,
            name,
            description=plan.description,
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        self._plan, self._deployment = plan, deployment
        release = self._parameter("Release", "Name of the release, for people.")
        self._release_tag = [CfnTag(key="mlops:release", value=release)]
        # SageMaker models and configurations cannot be changed. They have no name here, so that CloudFormation can
        # make the new one, move the endpoint, and only then delete the old one.
        model = self._model()
        configuration = self._configuration(model)
        endpoint = self._endpoint(configuration)
        if plan.scaling is not None:
            self._scale(endpoint, plan.scaling, self._scaling_switch())
        if plan.alarms is not None:
            EndpointAlarms(self, "Alarms", Names(deployment.name), plan.endpoint, VARIANT, plan.alarms)
        CfnOutput(self, "EndpointName", value=endpoint.attr_endpoint_name)
        CfnOutput(self, "ModelName", value=model.attr_model_name)
        CfnOutput(self, "EndpointConfigName", value=configuration.attr_endpoint_config_name)

    def _parameter(self, name: str, description: str) -> str:
        return CfnParameter(self, name, type="String", description=description).value_as_string

    def _scaling_switch(self) -> CfnCondition:
        parameter = CfnParameter(
            self,
            "Autoscaled",
            type="String",
            allowed_values=["true", "false"],
            default="true",
            description="Whether the endpoint is scaled; false only on the way to another instance type.",
        )
        switch = CfnCondition(self, "Scaled", expression=Fn.condition_equals(parameter.value_as_string, "true"))
        CfnOutput(self, "ScaledShape", value=self._plan.scaled_shape, condition=switch)
        return switch

    def _model(self) -> sagemaker.CfnModel:
        network = self._deployment.network
        return sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self._parameter("ExecutionRoleArn", "Role of the serving containers."),
            # A model answers requests; it has no business with anything else.
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=self._parameter("Image", "Container image, by digest."),
                model_data_url=self._parameter("ModelDataUrl", "S3 URL of model.tar.gz."),
            ),
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=list(network.subnet_ids), security_group_ids=list(network.security_group_ids)
            )
            if network
            else None,
            tags=self._release_tag,
        )

    def _configuration(self, model: sagemaker.CfnModel) -> sagemaker.CfnEndpointConfig:
        bucket = self._parameter("CaptureBucket", "Bucket for captured requests and answers.")
        config = sagemaker.CfnEndpointConfig
        serving, key_arn = self._plan.serving, self._deployment.kms_key_arn
        return config(
            self,
            "EndpointConfig",
            production_variants=[
                config.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=serving.instance_type,
                    initial_instance_count=serving.instance_count,
                    initial_variant_weight=1,
                )
            ],
            # Disks of an instance's own are encrypted in hardware, and a key for them is refused.
            kms_key_id=None if has_local_disks(serving.instance_type) else key_arn,
            data_capture_config=config.DataCaptureConfigProperty(
                enable_capture=serving.capture_percent > 0,
                initial_sampling_percentage=serving.capture_percent,
                destination_s3_uri=Fn.join("", ["s3://", bucket, f"/monitoring/{self._plan.stage}"]),
                capture_options=[
                    config.CaptureOptionProperty(capture_mode="Input"),
                    config.CaptureOptionProperty(capture_mode="Output"),
                ],
                kms_key_id=key_arn,
                # Without these SageMaker takes the payload for binary and encodes it.
                capture_content_type_header=config.CaptureContentTypeHeaderProperty(
                    csv_content_types=["text/csv"], json_content_types=["application/json"]
                ),
            ),
            tags=self._release_tag,
        )

    def _endpoint(self, configuration: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
        return sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self._plan.endpoint,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            tags=self._release_tag,
        )

    def _scale(self, endpoint: sagemaker.CfnEndpoint, settings: ScalingSettings, switch: CfnCondition) -> None:
        # A release keeps the instances that scaling has added, and nothing else of the release before.
        property_of = sagemaker.CfnEndpoint.VariantPropertyProperty
        endpoint.retain_all_variant_properties = True
        endpoint.exclude_retained_variant_properties = [
            property_of(variant_property_type="DesiredWeight"),
            property_of(variant_property_type="DataCaptureConfig"),
        ]
        resource_id = f"endpoint/{self._plan.endpoint}/variant/{VARIANT}"
        dimension, namespace = "sagemaker:variant:DesiredInstanceCount", "sagemaker"
        target = scaling.CfnScalableTarget(
            self,
            "ScalableTarget",
            service_namespace=namespace,
            resource_id=resource_id,
            scalable_dimension=dimension,
            min_capacity=settings.minimum,
            max_capacity=settings.maximum,
        )
        # The resource id is text, so CloudFormation cannot see by itself that the endpoint must be there first.
        target.add_resource_dependency(endpoint)
        target.cfn_options.condition = switch
        policy = scaling.CfnScalingPolicy
        tracking = policy(
            self,
            "ScalingPolicy",
            policy_name=f"{self._plan.endpoint}-invocations",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=settings.target,
                predefined_metric_specification=policy.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
                scale_in_cooldown=settings.scale_in_cooldown_seconds,
                scale_out_cooldown=settings.scale_out_cooldown_seconds,
            ),
        )
        tracking.cfn_options.condition = switch


def _plain(template: dict[str, Any]) -> str:
    # The CDK's command line can switch metadata on; a published template must not depend on who synthesised it.
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
    return json.dumps(template, indent=1, sort_keys=True) + "\n"
