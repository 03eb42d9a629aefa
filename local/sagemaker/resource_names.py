"""Amazon Resource Names of what the back ends keep."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ResourceNames:
    """ARNs of SageMaker and Application Auto Scaling resources in one account and region."""

    region: str
    account: str

    def training_job(self, name: str) -> str:
        """Of CreateTrainingJob."""
        return self._sagemaker("training-job", name)

    def model(self, name: str) -> str:
        """Of CreateModel."""
        return self._sagemaker("model", name)

    def endpoint_config(self, name: str) -> str:
        """Of CreateEndpointConfig."""
        return self._sagemaker("endpoint-config", name)

    def endpoint(self, name: str) -> str:
        """Of CreateEndpoint."""
        return self._sagemaker("endpoint", name)

    def model_package_group(self, name: str) -> str:
        """Of CreateModelPackageGroup."""
        return self._sagemaker("model-package-group", name)

    def model_package(self, group: str, version: int) -> str:
        """Of one version in a group."""
        return self._sagemaker("model-package", f"{group}/{version}")

    def scalable_target(self, target_id: str) -> str:
        """Of RegisterScalableTarget."""
        return f"arn:aws:application-autoscaling:{self.region}:{self.account}:scalable-target/{target_id}"

    def scaling_policy(self, policy_id: str, resource_id: str, name: str) -> str:
        """Of PutScalingPolicy."""
        owner = f"arn:aws:autoscaling:{self.region}:{self.account}"
        return f"{owner}:scalingPolicy:{policy_id}:resource/sagemaker/{resource_id}:policyName/{name}"

    def scheduled_action(self, action_id: str, resource_id: str, name: str) -> str:
        """Of PutScheduledAction."""
        owner = f"arn:aws:autoscaling:{self.region}:{self.account}"
        return f"{owner}:scheduledAction:{action_id}:resource/sagemaker/{resource_id}:scheduledActionName/{name}"

    def alarm(self, name: str) -> str:
        """In CloudWatch."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{name}"

    def log_stream(self, group: str, stream: str) -> str:
        """In CloudWatch Logs."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{group}:log-stream:{stream}"

    def _sagemaker(self, kind: str, name: str) -> str:
        # SageMaker's ARNs carry names in lower case only; names are compared without case.
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"


_SAGEMAKER_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:(?P<kind>[a-z-]+)/(?P<name>.+)")


def parse_arn(arn: str) -> tuple[str, str] | None:
    """Kind and name of a SageMaker ARN, such as ("model-package", "iris-model/3"); None when it is none."""
    match = _SAGEMAKER_ARN.fullmatch(arn)
    return (match["kind"], match["name"]) if match else None


def name_of(name_or_arn: str, kind: str) -> str:
    """The name in an argument that may be a name or an ARN of ``kind``."""
    parsed = parse_arn(name_or_arn)
    return parsed[1] if parsed and parsed[0] == kind else name_or_arn
