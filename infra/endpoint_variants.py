"""What an endpoint's configuration is made of: one variant, or two side by side, and what is captured of both."""

from dataclasses import dataclass

from aws_cdk import Aws, CfnCondition, CfnParameter, Fn, IResolvable, Stack, Token
from aws_cdk import aws_sagemaker as sagemaker

from infra.endpoint_plan import EndpointPlan

_Config = sagemaker.CfnEndpointConfig


@dataclass(frozen=True)
class SecondRelease:
    """The parameters with which a second release serves beside the first. Without an image there is none.

    Which of the two is the newer is the run's business: a third release takes the place of the oldest, so both places
    keep the variants of the releases that stay.
    """

    image: str
    artefact: str
    release: str
    weight: float
    other_weight: float
    present: CfnCondition

    @classmethod
    def of(cls, stack: Stack) -> "SecondRelease":
        """With new parameters of a template."""

        def text(name: str, description: str) -> str:
            return CfnParameter(stack, name, type="String", default="", description=description).value_as_string

        def weight(name: str, usual: int, description: str) -> float:
            made = CfnParameter(stack, name, type="Number", default=usual, min_value=0, description=description)
            return made.value_as_number

        image = text("ImageB", "Container image of the second release, by digest; empty when there is none.")
        return cls(
            image,
            text("ModelDataUrlB", "S3 URL of the second release's model.tar.gz."),
            text("ReleaseB", "Name of the second release, for people."),
            weight("Weight", 1, "The first release's share of the requests, against the second's."),
            weight("WeightB", 0, "The second release's share."),
            CfnCondition(stack, "Two", expression=Fn.condition_not(Fn.condition_equals(image, ""))),
        )

    def names(self, release: str) -> str:
        """The names of all releases that serve."""
        both = Fn.join(" ", [release, self.release])
        return Token.as_string(Fn.condition_if(self.present.logical_id, both, release))

    def if_present(self, made: _Config.ProductionVariantProperty) -> IResolvable:
        """The variant, or nothing. Written as CloudFormation does: the CDK translates nothing inside a condition."""
        written = {
            "VariantName": made.variant_name,
            "ModelName": made.model_name,
            "InstanceType": made.instance_type,
            "InitialInstanceCount": made.initial_instance_count,
            "InitialVariantWeight": made.initial_variant_weight,
        }
        return Fn.condition_if(self.present.logical_id, written, Aws.NO_VALUE)


def variant(
    plan: EndpointPlan, name: str, model: sagemaker.CfnModel, weight: float
) -> _Config.ProductionVariantProperty:
    """One release on its instances, or on as much memory as a request takes."""
    serverless = plan.serverless
    return _Config.ProductionVariantProperty(
        variant_name=name,
        model_name=model.attr_model_name,
        instance_type=None if serverless else plan.serving.instance_type,
        initial_instance_count=None if serverless else plan.serving.instance_count,
        serverless_config=_Config.ServerlessConfigProperty(
            memory_size_in_mb=serverless.memory_mb, max_concurrency=serverless.max_concurrency
        )
        if serverless
        else None,
        initial_variant_weight=weight,
    )


def capture(plan: EndpointPlan, bucket: str, key_arn: str | None) -> _Config.DataCaptureConfigProperty:
    """Requests and answers, under the variant that answered."""
    return _Config.DataCaptureConfigProperty(
        enable_capture=plan.serving.capture_percent > 0,
        initial_sampling_percentage=plan.serving.capture_percent,
        destination_s3_uri=Fn.join("", ["s3://", bucket, f"/monitoring/{plan.stage}"]),
        capture_options=[
            _Config.CaptureOptionProperty(capture_mode="Input"),
            _Config.CaptureOptionProperty(capture_mode="Output"),
        ],
        kms_key_id=key_arn,
        # Without these SageMaker takes the payload for binary and encodes it.
        capture_content_type_header=_Config.CaptureContentTypeHeaderProperty(
            csv_content_types=["text/csv"], json_content_types=["application/json"]
        ),
    )
