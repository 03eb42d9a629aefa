"""The template of one endpoint: a model, its configuration, the endpoint, and for production its scaling.

`deploy-stack` deploys it with parameters, again for every release. It is no stack of this app: CloudFormation gets it
as a published file, so it carries neither bootstrap rule nor metadata of the CDK.
"""

import json
import tempfile
from collections.abc import Mapping
from typing import Any

from aws_cdk import (
    App,
    CfnCondition,
    CfnOutput,
    CfnParameter,
    CfnTag,
    DefaultStackSynthesizer,
    Fn,
    IResolvable,
    Stack,
    Tags,
    Token,
)
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.deployment import Deployment
from infra.encryption import has_local_disks
from infra.endpoint_alarms import EndpointAlarms
from infra.endpoint_plan import OTHER_VARIANT, VARIANT, EndpointPlan
from infra.endpoint_rollout import guard
from infra.endpoint_scaling import ScaledVariant, keep_scaled_out
from infra.endpoint_switch import switch
from infra.endpoint_variants import SecondRelease, capture, variant
from infra.names import Names


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
        second = SecondRelease.of(self) if plan.side_by_side else None
        self._release_tag = [CfnTag(key="mlops:release", value=second.names(release) if second else release)]
        # SageMaker models and configurations cannot be changed. They have no name here, so that CloudFormation can
        # make the new one, move the endpoint, and only then delete the old one.
        role = self._parameter("ExecutionRoleArn", "Role of the serving containers.")
        image = self._parameter("Image", "Container image, by digest.")
        artefact = self._parameter("ModelDataUrl", "S3 URL of model.tar.gz.")
        model = self._model("Model", role, image, artefact, release)
        other = self._model("ModelB", role, second.image, second.artefact, second.release) if second else None
        if second and other:
            other.cfn_options.condition = second.present
        configuration = self._configuration(model, other, second)
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=plan.endpoint,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            tags=self._release_tag,
        )
        names = Names(deployment.name)
        self._scale(endpoint, names, second)
        self._watch(names, second)
        guard(endpoint, names, VARIANT, plan.strategy)
        CfnOutput(self, "EndpointName", value=endpoint.attr_endpoint_name)
        CfnOutput(self, "ModelName", value=model.attr_model_name)
        CfnOutput(self, "EndpointConfigName", value=configuration.attr_endpoint_config_name)

    def _parameter(self, name: str, description: str) -> str:
        return CfnParameter(self, name, type="String", description=description).value_as_string

    def _model(self, name: str, role: str, image: str, artefact: str, release: str) -> sagemaker.CfnModel:
        network, serverless = self._deployment.network, self._plan.serverless is not None
        return sagemaker.CfnModel(
            self,
            name,
            execution_role_arn=role,
            # A model answers requests; it has no business with anything else. Serverless endpoints know no isolation:
            # contracts/serving.py has the source.
            enable_network_isolation=None if serverless else True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(image=image, model_data_url=artefact),
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=list(network.subnet_ids), security_group_ids=list(network.security_group_ids)
            )
            if network and not serverless
            else None,
            tags=[CfnTag(key="mlops:release", value=release)],
        )

    def _configuration(
        self, model: sagemaker.CfnModel, other: sagemaker.CfnModel | None, second: SecondRelease | None
    ) -> sagemaker.CfnEndpointConfig:
        plan, key_arn = self._plan, self._deployment.kms_key_arn
        bucket = self._parameter("CaptureBucket", "Bucket for captured requests and answers.")
        no_disk = plan.serverless is not None or has_local_disks(plan.serving.instance_type)
        variants: list[sagemaker.CfnEndpointConfig.ProductionVariantProperty | IResolvable]
        variants = [variant(plan, VARIANT, model, second.weight if second else 1)]
        if second and other:
            variants.append(second.if_present(variant(plan, OTHER_VARIANT, other, second.other_weight)))
        return sagemaker.CfnEndpointConfig(
            self,
            "EndpointConfig",
            production_variants=variants,
            # Disks of an instance's own are encrypted in hardware, and a key for them is refused.
            kms_key_id=None if no_disk else key_arn,
            data_capture_config=None if plan.serverless else capture(plan, bucket, key_arn),
            tags=self._release_tag,
        )

    def _scale(self, endpoint: sagemaker.CfnEndpoint, names: Names, second: SecondRelease | None) -> None:
        plan = self._plan
        if plan.scaling is None:
            return
        keep_scaled_out(endpoint)
        description = "Whether the endpoint is scaled; false only on the way to another instance type."
        scaled, shape = switch(self, "Autoscaled", "Scaled", description), plan.scaled_shape
        ScaledVariant(endpoint, names, VARIANT, scaled).scale(plan.scaling)
        if second:
            # What the protocol asks for beside, the CDK's own class has at run time only.
            expression = Fn.condition_and(scaled, second.present)  # type: ignore[arg-type]
            both = CfnCondition(self, "ScaledB", expression=expression)
            ScaledVariant(endpoint, names, OTHER_VARIANT, both, "B").scale(plan.scaling)
            shape = Token.as_string(Fn.condition_if(second.present.logical_id, plan.scaled_shape_two, shape))
        CfnOutput(self, "ScaledShape", value=shape, condition=scaled)

    def _watch(self, names: Names, second: SecondRelease | None) -> None:
        plan = self._plan
        if plan.alarms is None:
            return
        EndpointAlarms(self, "Alarms", names, plan.endpoint, VARIANT, plan.alarms)
        if second:
            other = EndpointAlarms(self, "AlarmsB", names, plan.endpoint, OTHER_VARIANT, plan.alarms, OTHER_VARIANT)
            for alarm in other.alarms:
                alarm.cfn_options.condition = second.present


def _plain(template: dict[str, Any]) -> str:
    # The CDK's command line can switch metadata on; a published template must not depend on who synthesised it.
    for resource in template["Resources"].values():
        resource.pop("Metadata", None)
    return json.dumps(template, indent=1, sort_keys=True) + "\n"
