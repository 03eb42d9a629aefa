"""The main path, for real: what is served is what was trained, on as many processes as instances."""

import json
import os
import signal
import urllib.request
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local.demo.iris import KNOWN_ROWS
from tests.flow.product import Product, Run, until

MODEL = "flow-approved"
ROWS = "\n".join(KNOWN_ROWS)


@pytest.fixture(scope="module")
def approved(product: Product, iris: str) -> Run:
    product.model(MODEL)
    run = product.drop(MODEL, iris)
    run.approve()
    return run


def test_the_run_passes_through_its_states_in_order(approved):
    states = approved.states()
    main_path = [
        "Claim Dataset", "Load Settings", "Validate Dataset", "Train Model", "Candidate Good Enough?", "Register Candidate",
        "Take Release Lease", "Deploy Development", "Smoke Test", "Request Approval", "Deploy Production", "Verify Production",
        "Record Release", "Announce Outcome", "Model Deployed",
    ]  # fmt: skip
    assert [state for state in states if state in main_path] == main_path


@pytest.mark.parametrize("suffix", ["development", "production"])
def test_both_endpoints_answer_the_known_rows(product, approved, suffix):
    assert product.predict(f"{MODEL}-{suffix}", ROWS) == list(KNOWN_ROWS.values())


def test_production_serves_the_very_artefact_of_the_training_job(product, approved):
    package = product.sagemaker.list_model_packages(ModelPackageGroupName=MODEL)["ModelPackageSummaryList"][0]
    described = product.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    job = product.sagemaker.describe_training_job(
        TrainingJobName=described["CustomerMetadataProperties"]["training_job"]
    )
    served = product.served_artefact(f"{MODEL}-production")
    assert product.sha256(served) == product.sha256(job["ModelArtifacts"]["S3ModelArtifacts"])
    assert described["ModelApprovalStatus"] == "Approved"


def test_production_is_autoscaled_as_the_course_did(product, approved):
    scaling = product.client("application-autoscaling")
    resource = f"endpoint/{MODEL}-production/variant/model-a"
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])["ScalableTargets"]
    assert [(t["MinCapacity"], t["MaxCapacity"], t["ScalableDimension"]) for t in targets] == [
        (2, 10, "sagemaker:variant:DesiredInstanceCount")
    ]
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]
    tracking = [policy["TargetTrackingScalingPolicyConfiguration"] for policy in policies]
    assert [(t["TargetValue"], t["ScaleInCooldown"], t["ScaleOutCooldown"]) for t in tracking] == [(200.0, 30, 60)]
    assert (
        tracking[0]["PredefinedMetricSpecification"]["PredefinedMetricType"] == "SageMakerVariantInvocationsPerInstance"
    )


def serving_processes(product: Product, endpoint: str) -> list[int]:
    """Process ids of an endpoint's instances."""
    with urllib.request.urlopen(f"{product.cloud.endpoint}/_cloud/containers") as reply:
        containers = json.load(reply)["containers"]
    found = [container["pid"] for container in containers if container["endpoint"] == endpoint]
    assert all(Path(f"/proc/{process}").exists() for process in found)
    return found


def test_production_has_as_many_processes_as_instances(product, approved):
    variant = product.sagemaker.describe_endpoint(EndpointName=f"{MODEL}-production")["ProductionVariants"][0]
    assert variant["CurrentInstanceCount"] == 2
    assert len(serving_processes(product, f"{MODEL}-production")) == 2
    assert len(serving_processes(product, f"{MODEL}-development")) == 1


def test_stopped_processes_make_invocations_fail(product, approved):
    runtime = product.client("sagemaker-runtime", read_timeout=2)
    processes = serving_processes(product, f"{MODEL}-production")
    for process in processes:
        os.killpg(process, signal.SIGSTOP)
    try:
        with pytest.raises((ClientError, ReadTimeoutError)):
            runtime.invoke_endpoint(EndpointName=f"{MODEL}-production", ContentType="text/csv", Body=b"4.6,3.1,1.5,0.2")
    finally:
        for process in processes:
            os.killpg(process, signal.SIGCONT)
    assert product.predict(f"{MODEL}-production", "4.6,3.1,1.5,0.2") == ["0"]


@pytest.mark.parametrize(("suffix", "prefix"), [("development", "dev"), ("production", "prd")])
def test_requests_and_answers_are_captured(product, approved, suffix, prefix):
    endpoint = f"{MODEL}-{suffix}"
    product.predict(endpoint, "4.6,3.1,1.5,0.2")

    def captured() -> str:
        listed = product.s3.list_objects_v2(
            Bucket=product.deployment.bucket, Prefix=f"monitoring/{prefix}/{endpoint}/"
        ).get("Contents", [])
        return "".join(
            product.s3.get_object(Bucket=product.deployment.bucket, Key=item["Key"])["Body"].read().decode()
            for item in listed
        )

    until("the capture", lambda: "4.6,3.1,1.5,0.2" in captured())


def test_people_hear_that_the_model_was_deployed(product, approved):
    mail = approved.outcome_mail()
    assert "ml-team@example.com" in mail.to
    assert f"{MODEL}-1" in mail.subject + mail.text


def test_the_lease_is_back_and_the_champion_recorded(product, approved):
    table = product.client("dynamodb")
    key = {"pk": {"S": f"model#{MODEL}"}}
    # close-run gives it back after the run's end.
    until("the lease to be free", lambda: product.lease_is_free(MODEL))
    champion = table.get_item(TableName="mlops-ledger", Key={**key, "sk": {"S": "champion"}})["Item"]["release"]["S"]
    assert f'"name":"{MODEL}-1"' in champion
    assert (
        table.get_item(TableName="mlops-ledger", Key={**key, "sk": {"S": "release#000001"}})["Item"]["release"]["S"]
        == champion
    )
