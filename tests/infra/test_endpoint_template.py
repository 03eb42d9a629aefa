import pytest

from tests.infra.template import Template

STAGES = ("dev", "prd")


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_of_the_cdk_is_in_a_published_template(stage: str, endpoints: dict[str, Template]) -> None:
    template = endpoints[stage].all
    scaled = stage == "prd"
    assert template.keys() == {"Description", "Parameters", "Resources", "Outputs", *(["Conditions"] if scaled else [])}
    parameters = {"Image", "ModelDataUrl", "ExecutionRoleArn", "CaptureBucket", "Release"}
    assert template["Parameters"].keys() == parameters | ({"Autoscaled"} if scaled else set())
    outputs = {"EndpointName", "ModelName", "EndpointConfigName"}
    assert template["Outputs"].keys() == outputs | ({"ScaledShape"} if scaled else set())
    assert not [name for name, each in template["Resources"].items() if "Metadata" in each]


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_endpoint_has_a_name_so_that_the_rest_can_be_replaced(
    stage: str, endpoints: dict[str, Template]
) -> None:
    template = endpoints[stage]
    assert "ModelName" not in template.properties("AWS::SageMaker::Model")
    assert "EndpointConfigName" not in template.properties("AWS::SageMaker::EndpointConfig")
    names = {"dev": "iris-model-development", "prd": "iris-model-production"}
    assert template.properties("AWS::SageMaker::Endpoint")["EndpointName"] == names[stage]


@pytest.mark.parametrize("stage", STAGES)
def test_a_release_comes_in_by_parameters(stage: str, endpoints: dict[str, Template]) -> None:
    model = endpoints[stage].properties("AWS::SageMaker::Model")
    assert model["PrimaryContainer"] == {"Image": {"Ref": "Image"}, "ModelDataUrl": {"Ref": "ModelDataUrl"}}
    assert model["ExecutionRoleArn"] == {"Ref": "ExecutionRoleArn"}
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        tags = endpoints[stage].properties(f"AWS::SageMaker::{kind}")["Tags"]
        assert {"Key": "mlops:release", "Value": {"Ref": "Release"}} in tags


@pytest.mark.parametrize(("stage", "instance", "count"), [("dev", "ml.m5.large", 1), ("prd", "ml.c5.large", 2)])
def test_one_variant_of_fixed_name(stage: str, instance: str, count: int, endpoints: dict[str, Template]) -> None:
    (variant,) = endpoints[stage].properties("AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert variant["VariantName"] == "model-a"
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == (instance, count)


@pytest.mark.parametrize("stage", STAGES)
def test_all_requests_and_answers_are_captured(stage: str, endpoints: dict[str, Template]) -> None:
    capture = endpoints[stage].properties("AWS::SageMaker::EndpointConfig")["DataCaptureConfig"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 100)
    assert capture["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    assert endpoints[stage].text(capture["DestinationS3Uri"]) == f"s3://CaptureBucket/monitoring/{stage}"


def test_production_is_scaled_on_invocations_per_instance(endpoints: dict[str, Template]) -> None:
    target = endpoints["prd"].resource("AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["DependsOn"] == ["Endpoint"]
    properties = target["Properties"]
    assert (properties["MinCapacity"], properties["MaxCapacity"]) == (2, 10)
    assert properties["ResourceId"] == "endpoint/iris-model-production/variant/model-a"
    assert properties["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = endpoints["prd"].properties("AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 200,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": 30,
        "ScaleOutCooldown": 60,
    }


def test_production_is_watched_for_server_errors_and_a_slow_model(endpoints: dict[str, Template]) -> None:
    template = endpoints["prd"]
    found = {
        each["Properties"]["AlarmName"]: each["Properties"]
        for each in template.of_type("AWS::CloudWatch::Alarm").values()
    }
    assert found.keys() == {"mlops-iris-model-production-server-errors", "mlops-iris-model-production-slow-answers"}
    for alarm in found.values():
        assert alarm["Dimensions"] == [
            {"Name": "EndpointName", "Value": "iris-model-production"},
            {"Name": "VariantName", "Value": "model-a"},
        ]
        assert (alarm["TreatMissingData"], alarm["Period"]) == ("notBreaching", 300)
        assert [template.text(each) for each in alarm["AlarmActions"]] == [
            "arn:aws:sns:us-east-1:123456789012:mlops-operators"
        ]
    errors, slow = found.values()
    assert (errors["MetricName"], errors["Statistic"], errors["Threshold"]) == ("Invocation5XXErrors", "Sum", 5)
    # A second, in the microseconds that CloudWatch has it in.
    assert (slow["MetricName"], slow["ExtendedStatistic"], slow["Threshold"]) == ("ModelLatency", "p99", 1_000_000)


def test_development_is_not_watched_because_nobody_depends_on_it(endpoints: dict[str, Template]) -> None:
    assert not endpoints["dev"].of_type("AWS::CloudWatch::Alarm")


def test_development_is_not_scaled_and_keeps_nothing(endpoints: dict[str, Template]) -> None:
    assert not endpoints["dev"].of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    assert "RetainAllVariantProperties" not in endpoints["dev"].properties("AWS::SageMaker::Endpoint")


def test_scaling_can_be_taken_off_and_says_what_it_scales(endpoints: dict[str, Template]) -> None:
    template = endpoints["prd"].all
    assert template["Parameters"]["Autoscaled"]["Default"] == "true"
    assert template["Conditions"] == {"Scaled": {"Fn::Equals": [{"Ref": "Autoscaled"}, "true"]}}
    scaled = {name for name, each in template["Resources"].items() if each.get("Condition") == "Scaled"}
    assert scaled == {"ScalableTarget", "ScalingPolicy"}
    assert template["Outputs"]["ScaledShape"] == {"Condition": "Scaled", "Value": "model-a=ml.c5.large"}
