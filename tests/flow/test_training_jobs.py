"""A training job that outlives its run, or is there before it asks, is neither paid twice nor left running."""

import hashlib
import json

from tests.flow.product import Product, Run, until


def job_of(product: Product, model: str) -> dict | None:
    """The description of the model's training job, once there is one."""
    jobs = product.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"]
    return product.sagemaker.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"]) if jobs else None


def test_a_run_stopped_while_it_trains_stops_its_job(product, iris):
    model = "stopped-training"
    # As many as are allowed: long enough to be stopped on a fast machine.
    product.model(model, "[training.hyperparameters]\nn_estimators = 10000\n")
    run = product.drop(model, iris).reaches("Train Model")
    job = until("the training to begin", lambda: job_of(product, model))
    assert job["TrainingJobStatus"] == "InProgress", job.get("FailureReason")
    product.stepfunctions.stop_execution(executionArn=run.arn, cause="by hand")
    assert run.ends()["status"] == "ABORTED"
    ended = until("the job's end", lambda: (job := job_of(product, model))["TrainingJobStatus"] != "InProgress" and job)
    assert ended["TrainingJobStatus"] in ("Stopping", "Stopped"), ended.get("FailureReason")
    assert not product.has_endpoint(f"{model}-development")


def test_a_job_that_a_lost_call_has_started_is_found_and_waited_for(product, iris):
    # A job under the very name that the run will ask for stands for a call of the run's whose reply was lost.
    pattern, model, name = "found-pattern", "found-training", "found-training-run"
    product.model(pattern)
    product.drop(pattern, iris).reaches("Request Approval").decide("reject")
    product.model(model)
    arn = product.run_named(name).arn
    job = f"{model}-{hashlib.sha256(arn.encode()).hexdigest()[:12]}-1-1"
    described = job_of(product, pattern)
    copied = (
        "AlgorithmSpecification",
        "RoleArn",
        "HyperParameters",
        "InputDataConfig",
        "ResourceConfig",
        "StoppingCondition",
    )
    product.sagemaker.create_training_job(
        TrainingJobName=job,
        OutputDataConfig={"S3OutputPath": f"s3://{product.deployment.bucket}/runs/{name}/output"},
        **{key: described[key] for key in copied},
    )
    put = product.s3.put_object(Bucket=product.deployment.bucket, Key=f"datasets/{model}/data.CSV", Body=iris.encode())
    key = {"key": f"datasets/{model}/data.CSV", "version-id": put["VersionId"], "size": len(iris)}
    event = {"time": "2031-01-01T00:00:00Z", "detail": {"bucket": {"name": product.deployment.bucket}, "object": key}}
    product.stepfunctions.start_execution(
        stateMachineArn=product.deployment.promote_model_arn, name=name, input=json.dumps(event)
    )
    run = Run(product, arn).reaches("Request Approval")
    assert "Look At Training" in run.states()
    (trained,) = product.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"]
    assert trained["TrainingJobName"] == job
    run.decide("reject")
    run.ends_in("Release Rejected")
