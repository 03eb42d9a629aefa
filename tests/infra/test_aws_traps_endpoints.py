"""Traps of CloudFormation and of endpoints: each fact, and where template or definition holds to it."""

import re

import pytest

from tests.infra.template import Template
from tests.infra.test_aws_traps_runs import tasks

STAGES = ("dev", "prd")


@pytest.fixture(params=STAGES)
def endpoint(request: pytest.FixtureRequest, endpoints: dict[str, Template]) -> Template:
    return endpoints[request.param]


def test_stacks_change_by_change_sets(definitions: dict) -> None:
    """ "No updates are to be performed" arrives as a general exception: an empty change set says the same beforehand."""
    calls = {
        state["Resource"].rpartition(":")[2]
        for state in definitions["DeployStack"]["States"].values()
        if "Resource" in state
    }
    assert {"createChangeSet", "executeChangeSet", "deleteChangeSet"} <= calls
    assert not calls & {"createStack", "updateStack"}


def test_creations_that_failed_are_deleted_and_roll_backs_that_stopped_are_continued(definitions: dict) -> None:
    """ROLLBACK_COMPLETE cannot be updated; UPDATE_ROLLBACK_FAILED needs ContinueUpdateRollback."""
    states = definitions["DeployStack"]["States"]
    choices = states["Stack Ready?"]["Choices"]
    ways = {choice["Next"]: choice["Condition"] for choice in choices}
    assert "ROLLBACK_COMPLETE" in ways["Delete Failed Creation"] or any(
        "'ROLLBACK_COMPLETE'" in each["Condition"] for each in choices if each["Next"] == "Delete Failed Creation"
    )
    assert "UPDATE_ROLLBACK_FAILED" in ways["Wait For Alarms"]
    assert states["Wait For Alarms"]["Next"] == "Continue Rollback"


def test_every_change_is_made_with_the_deployment_role(definitions: dict) -> None:
    """Without a role of its own a stack acts with the rights of whoever calls, who would need all of them."""
    changing = {
        key: state
        for key, state in tasks(definitions).items()
        if re.search(r"cloudformation:(createChangeSet|deleteStack|continueUpdateRollback)", state["Resource"])
    }
    assert len(changing) == 5
    assert {state["Arguments"]["RoleARN"] for state in changing.values()} == {"${DeploymentRoleArn}"}


def test_the_stacks_template_carries_no_bootstrap_rule(endpoint: Template) -> None:
    """The CDK's BootstrapVersion rule and parameter would make every account's bootstrap a matter of each release."""
    assert "Rules" not in endpoint.all
    assert "BootstrapVersion" not in endpoint.all["Parameters"]


def test_model_and_configuration_are_not_named_by_hand(endpoint: Template) -> None:
    """CloudFormation must be able to make the new one, move the endpoint, and only then delete the old one."""
    assert "ModelName" not in endpoint.properties("AWS::SageMaker::Model")
    assert "EndpointConfigName" not in endpoint.properties("AWS::SageMaker::EndpointConfig")


def test_the_variant_has_one_name_for_ever(endpoint: Template) -> None:
    """Canary and linear updates, and retained capacity, ask for the same variant name in old and new configuration."""
    (variant,) = endpoint.properties("AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["VariantName"] == "model-a"


def test_endpoints_are_built_from_image_and_artefact(endpoint: Template) -> None:
    """Development deploys before the approval, and a package that is pending cannot be deployed."""
    container = endpoint.properties("AWS::SageMaker::Model")["PrimaryContainer"]
    assert {"Image", "ModelDataUrl"} <= container.keys()
    assert "ModelPackageName" not in container


def test_a_release_keeps_scaled_out_capacity_and_nothing_else(endpoints: dict[str, Template]) -> None:
    """RetainAllVariantProperties keeps scaled-out instances, and old weights and capture settings too: exclude those."""
    properties = endpoints["prd"].properties("AWS::SageMaker::Endpoint")
    assert properties["RetainAllVariantProperties"] is True
    excluded = [each["VariantPropertyType"] for each in properties["ExcludeRetainedVariantProperties"]]
    assert sorted(excluded) == ["DataCaptureConfig", "DesiredWeight"]


def test_scaling_can_be_taken_off_by_a_parameter(endpoints: dict[str, Template]) -> None:
    """Changing the instance type under a registered target fails: `Autoscaled=false` deregisters it first."""
    template = endpoints["prd"]
    assert template.all["Parameters"]["Autoscaled"]["AllowedValues"] == ["true", "false"]
    for kind in ("ScalableTarget", "ScalingPolicy"):
        (resource,) = template.of_type(f"AWS::ApplicationAutoScaling::{kind}").values()
        assert resource["Condition"] == "Scaled"


def test_the_target_waits_for_its_endpoint(endpoints: dict[str, Template]) -> None:
    """A target's resource id is text: CloudFormation cannot see by itself that the endpoint must be there first."""
    (target,) = endpoints["prd"].of_type("AWS::ApplicationAutoScaling::ScalableTarget").values()
    depends = target["DependsOn"] if isinstance(target["DependsOn"], list) else [target["DependsOn"]]
    assert next(iter(endpoints["prd"].of_type("AWS::SageMaker::Endpoint"))) in depends


def test_cooldowns_are_written_down(endpoints: dict[str, Template]) -> None:
    """The default cooldowns are 300 s each way."""
    tracking = endpoints["prd"].properties("AWS::ApplicationAutoScaling::ScalingPolicy")[
        "TargetTrackingScalingPolicyConfiguration"
    ]
    assert {"ScaleInCooldown", "ScaleOutCooldown"} <= tracking.keys()
    # Per minute and instance.
    metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert metric == "SageMakerVariantInvocationsPerInstance"


def test_the_deployment_role_can_scale_and_stop_scaling(workflow: Template) -> None:
    """The first target makes a service's role; a target that is not deregistered blocks the next update and deletion."""
    granted = {action for each in workflow.statements("DeploymentRole") for action in each.actions}
    assert {"iam:CreateServiceLinkedRole", "application-autoscaling:DeregisterScalableTarget"} <= granted


def test_the_deployment_role_may_read_alarms(workflow: Template) -> None:
    """An update that is guarded by alarms needs cloudwatch:DescribeAlarms."""
    (reading,) = [
        each for each in workflow.statements("DeploymentRole") if each.actions == ("cloudwatch:DescribeAlarms",)
    ]
    assert reading.resources == ("arn:aws:cloudwatch:us-east-1:123456789012:alarm:*",)


def test_no_alarm_sounds_for_want_of_data(templates: dict[str, Template], endpoints: dict[str, Template]) -> None:
    """An endpoint that nobody asks has no metrics: missing data is no breach."""
    alarms = [
        alarm["Properties"]
        for template in (*templates.values(), *endpoints.values())
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
    ]
    assert alarms
    assert {alarm["TreatMissingData"] for alarm in alarms} == {"notBreaching"}


def test_model_latency_is_in_microseconds(endpoints: dict[str, Template]) -> None:
    """A threshold in milliseconds would always be breached."""
    alarms = [each["Properties"] for each in endpoints["prd"].of_type("AWS::CloudWatch::Alarm").values()]
    (latency,) = [alarm for alarm in alarms if alarm["MetricName"] == "ModelLatency"]
    assert latency["Threshold"] >= 100_000


def test_a_deployment_names_one_to_ten_alarms_where_it_rolls_back(endpoints: dict[str, Template]) -> None:
    """Guardrails take 1 to 10 alarms, and without alarms nothing rolls back. All at once, by itself, needs none."""
    for template in endpoints.values():
        deployment = template.properties("AWS::SageMaker::Endpoint").get("DeploymentConfig")
        assert deployment is None or 1 <= len(deployment["AutoRollbackConfiguration"]["Alarms"]) <= 10


def test_packages_are_created_once(definitions: dict) -> None:
    """CreateModelPackage makes another version for a retried call, unless it carries the same ClientToken."""
    arguments = definitions["PromoteModel"]["States"]["Register Candidate"]["Arguments"]
    assert arguments["ClientToken"].startswith("{% $run.short")


def test_metric_definitions_are_few_and_short(definitions: dict) -> None:
    """At most 40, with regular expressions of at most 500 characters."""
    metrics = definitions["PromoteModel"]["States"]["Train Model"]["Arguments"]["AlgorithmSpecification"][
        "MetricDefinitions"
    ]
    assert 1 <= len(metrics) <= 40
    for metric in metrics:
        assert len(metric["Regex"]) <= 500
        assert re.compile(metric["Regex"]).groups == 1
        # NaN and infinity are values too: what is not found would be no metric at all.
        for value in ("0.98", "1", "-1e-05", "nan", "inf"):
            found = re.search(metric["Regex"], f"{metric['Name']}={value};")
            assert found is not None
            assert found[1] == value


def test_a_missing_verdict_is_a_no(definitions: dict) -> None:
    """A metric that was not found is not in the job's description: the gate must not pass for want of it."""
    states = definitions["PromoteModel"]["States"]
    assert "'passed': $found('gate_passed') = 1 and" in states["Read Verdict"]["Assign"]["verdict"]
    passing, *others = states["Candidate Good Enough?"]["Choices"]
    assert passing["Condition"] == "{% $verdict.passed %}"
    assert {choice["Next"] for choice in others} == {"Announce Outcome"}


def test_training_asks_for_no_spot_instances_without_a_checkpoint(definitions: dict) -> None:
    """Spot training needs MaxWaitTimeInSeconds and a checkpoint location, or loses its work."""
    arguments = definitions["PromoteModel"]["States"]["Train Model"]["Arguments"]
    assert "EnableManagedSpotTraining" not in arguments or {"CheckpointConfig"} <= arguments.keys()
