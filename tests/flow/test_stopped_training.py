"""A run that is stopped while it trains stops its job: nobody pays for a model that nobody will use."""

from tests.flow.product import Product, until


def job_of(product: Product, model: str) -> dict | None:
    """The description of the model's training job, once there is one."""
    jobs = product.sagemaker.list_training_jobs(NameContains=model)["TrainingJobSummaries"]
    return product.sagemaker.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"]) if jobs else None


def test_a_run_stopped_while_it_trains_stops_its_job(product, iris):
    model = "stopped-training"
    # Long enough to be stopped on a fast machine.
    product.model(model, "[training.hyperparameters]\nn_estimators = 200000\n")
    run = product.drop(model, iris)
    until("the training to begin", lambda: (job_of(product, model) or {}).get("TrainingJobStatus") == "InProgress")
    product.stepfunctions.stop_execution(executionArn=run.arn, cause="by hand")
    assert run.ends()["status"] == "ABORTED"
    until("the job to stop", lambda: job_of(product, model)["TrainingJobStatus"] == "Stopped")
    assert not product.has_endpoint(f"{model}-development")
