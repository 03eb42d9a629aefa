from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import BUCKET, IMAGE, ROLE, MiniatureCloud, variant


def create(cloud: MiniatureCloud, group: str = "iris-model", **more: Any) -> str:
    """The ARN of a new version."""
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/packaged.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    request = {
        "ModelPackageGroupName": group,
        "InferenceSpecification": specification,
        "ModelApprovalStatus": "PendingManualApproval",
    } | more
    return cloud.sagemaker.create_model_package(**request)["ModelPackageArn"]


@pytest.fixture
def registry(cloud: MiniatureCloud) -> MiniatureCloud:
    cloud.sagemaker.create_model_package_group(
        ModelPackageGroupName="iris-model", ModelPackageGroupDescription="All versions."
    )
    return cloud


def test_versions_count_up_and_are_never_given_again(registry: MiniatureCloud) -> None:
    arns = [create(registry) for _ in range(2)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    assert arns[0] == "arn:aws:sagemaker:us-east-1:123456789012:model-package/iris-model/1"
    registry.sagemaker.delete_model_package(ModelPackageName=arns[1])
    assert create(registry).endswith("/iris-model/3")
    listed = registry.sagemaker.list_model_packages(ModelPackageGroupName="iris-model")["ModelPackageSummaryList"]
    assert [package["ModelPackageVersion"] for package in listed] == [3, 1]


def test_a_client_token_makes_a_repeated_request_harmless(registry: MiniatureCloud) -> None:
    first = create(registry, ClientToken="run-1")
    assert create(registry, ClientToken="run-1") == first
    assert create(registry, ClientToken="run-2") != first
    with pytest.raises(ClientError, match="ClientToken run-1 was used before with a different request"):
        create(registry, ClientToken="run-1", ModelPackageDescription="another")


def test_approval_is_recorded(registry: MiniatureCloud) -> None:
    arn = create(registry, CustomerMetadataProperties={"run": "7", "old": "1"})
    registry.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="released",
        CustomerMetadataProperties={"by": "approver"},
        CustomerMetadataPropertiesToRemove=["old"],
    )
    package = registry.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "released")
    assert package["CustomerMetadataProperties"] == {"run": "7", "by": "approver"}
    assert package["ModelPackageStatus"] == "Completed"
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == IMAGE
    approved = registry.sagemaker.list_model_packages(ModelApprovalStatus="Approved")["ModelPackageSummaryList"]
    assert [summary["ModelPackageArn"] for summary in approved] == [arn]


def test_a_model_is_made_from_an_approved_package(registry: MiniatureCloud) -> None:
    registry.archive("packaged.tar.gz", {"answer.txt": "packaged"})
    arn = create(registry)
    container = {"ModelPackageName": arn}
    with pytest.raises(ClientError, match=r'with status "PendingManualApproval"'):
        registry.create_model("m", PrimaryContainer=container)
    registry.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    registry.create_model("m", PrimaryContainer=container)
    registry.create_config("c", variant("m"))
    registry.create_endpoint("live", "c")
    assert registry.invoke("live").startswith("packaged ")


def test_a_group_with_packages_is_not_deleted(registry: MiniatureCloud) -> None:
    arn = create(registry)
    with pytest.raises(registry.sagemaker.exceptions.ConflictException, match="still has model packages"):
        registry.sagemaker.delete_model_package_group(ModelPackageGroupName="iris-model")
    registry.sagemaker.delete_model_package(ModelPackageName=arn)
    registry.sagemaker.delete_model_package_group(ModelPackageGroupName="iris-model")
    assert registry.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    with pytest.raises(ClientError, match="Model Package Group iris-model does not exist"):
        create(registry)


def test_groups_are_unique_and_described(registry: MiniatureCloud) -> None:
    with pytest.raises(ClientError, match=r"Model Package Group already exists: arn:.*/iris-model"):
        registry.sagemaker.create_model_package_group(ModelPackageGroupName="iris-model")
    group = registry.sagemaker.describe_model_package_group(ModelPackageGroupName="iris-model")
    assert group["ModelPackageGroupStatus"] == "Completed"
    assert group["ModelPackageGroupDescription"] == "All versions."
    assert group["CreatedBy"] == {}


def test_tags_of_any_resource(registry: MiniatureCloud) -> None:
    arn = create(registry, Tags=[{"Key": "run", "Value": "1"}])
    sagemaker = registry.sagemaker
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "run", "Value": "2"}, {"Key": "by", "Value": "me"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
        {"Key": "by", "Value": "me"},
        {"Key": "run", "Value": "2"},
    ]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["run"])
    assert [tag["Key"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]] == ["by"]
    too_many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    with pytest.raises(ClientError, match=r"at most 50 tags|less than or equal to 50"):
        sagemaker.add_tags(ResourceArn=arn, Tags=too_many)
    sagemaker.delete_model_package(ModelPackageName=arn)
    with pytest.raises(ClientError, match="Could not find resource"):
        sagemaker.list_tags(ResourceArn=arn)


def test_records_survive_a_restart(lasting_cloud: MiniatureCloud) -> None:
    lasting_cloud.sagemaker.create_model_package_group(ModelPackageGroupName="iris-model")
    arn = create(lasting_cloud, ClientToken="t", Tags=[{"Key": "run", "Value": "1"}])
    lasting_cloud.create_model("m", ExecutionRoleArn=ROLE)
    lasting_cloud.restart()
    assert lasting_cloud.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageVersion"] == 1
    assert create(lasting_cloud, ClientToken="t", Tags=[{"Key": "run", "Value": "1"}]) == arn
    assert lasting_cloud.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "run", "Value": "1"}]
    models = lasting_cloud.sagemaker.list_models()["Models"]
    assert [model["ModelName"] for model in models] == ["m"]
    assert lasting_cloud.sagemaker.describe_model(ModelName="m")["ExecutionRoleArn"] == ROLE
