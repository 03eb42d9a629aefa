import json
import time
from typing import Any

import pytest

from tests.local.stepfunctions.conftest import StatesCloud
from tests.local.stepfunctions.front_door import Answer

TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
CHILD = "arn:aws:states:::states:startExecution.sync:2"


class Jobs:
    """Training jobs that end when told to."""

    def __init__(self, cloud: StatesCloud) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.looks = 0
        cloud.door.on("sagemaker", "CreateTrainingJob", self._create)
        cloud.door.on("sagemaker", "DescribeTrainingJob", self._describe)
        cloud.door.on("sagemaker", "StopTrainingJob", self._stop)

    def _create(self, given: Any) -> Answer:
        name = given["TrainingJobName"]
        if name in self.jobs:
            return Answer.error("ResourceInUse", "Training job names must be unique within an AWS account and region")
        self.jobs[name] = given | {"TrainingJobStatus": "InProgress", "CreationTime": 1_780_000_000.5}
        return Answer.of({"TrainingJobArn": f"arn:job/{name}"})

    def _describe(self, given: Any) -> Answer:
        self.looks += 1
        return Answer.of(self.jobs[given["TrainingJobName"]])

    def _stop(self, given: Any) -> Answer:
        self.jobs[given["TrainingJobName"]]["TrainingJobStatus"] = "Stopped"
        return Answer.of({})

    def end(self, name: str, status: str, **fields: Any) -> None:
        self.jobs[name] |= {"TrainingJobStatus": status, **fields}


def training(**fields: Any) -> dict[str, Any]:
    arguments = {
        "TrainingJobName": "{% 'job-' & $string($states.context.State.RetryCount) %}",
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    return {
        "Type": "Task",
        "Resource": TRAIN,
        "Arguments": arguments,
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


@pytest.fixture
def jobs(cloud: StatesCloud) -> Jobs:
    return Jobs(cloud)


def test_a_job_that_completes(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(cloud.create({"T": training(Output="{% $states.result %}")}))
    cloud.until_event(arn, "TaskSubmitted")
    jobs.end(
        "job-0",
        "Completed",
        FinalMetricDataList=[{"MetricName": "a", "Value": 0.5}],
        ModelArtifacts={"S3ModelArtifacts": "s3://m"},
    )
    cloud.advance(30)
    result = cloud.ended(arn)["output"]
    assert result["FinalMetricDataList"] == [{"MetricName": "a", "Value": 0.5}]
    assert result["CreationTime"] == 1_780_000_000_500
    history = {event["type"]: event for event in cloud.history(arn)}
    assert history["TaskSubmitted"]["taskSubmittedEventDetails"]["resource"] == "createTrainingJob.sync"
    assert (
        json.loads(history["TaskSubmitted"]["taskSubmittedEventDetails"]["output"])["TrainingJobArn"] == "arn:job/job-0"
    )
    assert cloud.door.called("sagemaker")[-1].role == "arn:aws:iam::123456789012:role/machine"


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_job_that_does_not(cloud: StatesCloud, jobs: Jobs, status: str) -> None:
    catch = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "Output": "{% $parse($states.errorOutput.Cause).FailureReason %}",
            "Next": "S",
        }
    ]
    arn = cloud.start(cloud.create({"T": training(Catch=catch, Next="S"), "S": {"Type": "Succeed"}}))
    cloud.until_event(arn, "TaskSubmitted")
    jobs.end("job-0", status, FailureReason='AlgorithmError: "bad"\n')
    cloud.advance(30)
    assert cloud.ended(arn)["output"] == 'AlgorithmError: "bad"\n'
    failed = next(event for event in cloud.history(arn) if event["type"] == "TaskFailed")
    assert failed["taskFailedEventDetails"]["error"] == "States.TaskFailed"


def test_a_job_that_is_not_taken(cloud: StatesCloud, jobs: Jobs) -> None:
    cloud.door.on("sagemaker", "CreateTrainingJob", Answer.error("ResourceLimitExceeded", "quota"))
    ended = cloud.run({"T": training()})
    assert ended["error"] == "SageMaker.ResourceLimitExceededException"
    assert "TaskSubmitFailed" in cloud.kinds(ended["executionArn"])
    cloud.door.on("sagemaker", "CreateTrainingJob", Answer.error("ValidationException", "bad name"))
    ended = cloud.run({"T": training()})
    assert (
        ended["error"],
        "bad name (Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationException" in ended["cause"],
    ) == ("SageMaker.AmazonSageMakerException", True)


def test_retries_make_new_jobs(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(
        cloud.create(
            {"T": training(Retry=[{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 5, "MaxAttempts": 1}])}
        )
    )
    cloud.until(lambda: "job-0" in jobs.jobs)
    jobs.end("job-0", "Failed")
    cloud.advance(10)
    cloud.until_event(arn, "TaskFailed")
    cloud.advance(10)
    cloud.until(lambda: "job-1" in jobs.jobs)
    jobs.end("job-1", "Completed")
    cloud.advance(10)
    assert cloud.ended(arn)["status"] == "SUCCEEDED"


def test_passing_faults_of_looking_are_no_faults_of_the_job(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(cloud.create({"T": training()}))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.door.on("sagemaker", "DescribeTrainingJob", Answer.error("InternalFailure", "x", 500))
    for _ in range(5):
        cloud.advance(10)
        time.sleep(0.02)
    assert cloud.describe(arn)["status"] == "RUNNING"
    cloud.door.on(
        "sagemaker", "DescribeTrainingJob", Answer.error("AccessDeniedException", "sagemaker:DescribeTrainingJob", 400)
    )
    cloud.advance(10)
    assert cloud.ended(arn)["error"] == "SageMaker.AmazonSageMakerException"


def test_looking_is_not_busy(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(cloud.create({"T": training()}))
    cloud.until_event(arn, "TaskSubmitted")
    time.sleep(1.0)
    assert 1 <= jobs.looks <= 4
    cloud.states.stop_execution(executionArn=arn)


def test_stopping_stops_the_job(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(cloud.create({"T": training()}))
    cloud.until_event(arn, "TaskSubmitted")
    begun = time.monotonic()
    cloud.states.stop_execution(executionArn=arn)
    assert cloud.describe(arn)["status"] == "ABORTED"
    cloud.until(lambda: jobs.jobs["job-0"]["TrainingJobStatus"] == "Stopped")
    assert time.monotonic() - begun < 1


def test_a_timeout_leaves_the_job(cloud: StatesCloud, jobs: Jobs) -> None:
    arn = cloud.start(cloud.create({"T": training(TimeoutSeconds=100)}))
    cloud.until_event(arn, "TaskSubmitted")
    cloud.advance(101)
    ended = cloud.ended(arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    assert jobs.jobs["job-0"]["TrainingJobStatus"] == "InProgress"


def child(machine: str, **fields: Any) -> dict[str, Any]:
    arguments = {"StateMachineArn": machine, "Input": {"n": "{% $states.input.n %}"}, **fields.pop("arguments", {})}
    return {
        "Type": "Task",
        "Resource": CHILD,
        "Arguments": arguments,
        **({} if "Next" in fields else {"End": True}),
        **fields,
    }


def test_a_child_and_its_output(cloud: StatesCloud) -> None:
    inner = cloud.create(
        {"P": {"Type": "Pass", "Output": {"twice": "{% $states.input.n * 2 %}"}, "End": True}}, name="inner"
    )
    result = cloud.run({"C": child(inner, Output="{% $states.result %}")}, {"n": 4})["output"]
    assert (result["Output"], result["Input"], result["Status"]) == ({"twice": 8}, {"n": 4}, "SUCCEEDED")
    assert result["InputDetails"] == {"Included": True}
    assert isinstance(result["StartDate"], int)
    plain = child(inner, Output="{% $states.result.Output %}") | {"Resource": CHILD.removesuffix(":2")}
    assert cloud.run({"C": plain}, {"n": 4})["output"] == '{"twice":8}'


def test_a_child_that_fails(cloud: StatesCloud) -> None:
    inner = cloud.create({"F": {"Type": "Fail", "Error": "DeploymentFailed", "Cause": 'the "stack"'}}, name="inner")
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Output": "{% $parse($states.errorOutput.Cause) %}", "Next": "S"}]
    output = cloud.run({"C": child(inner, Catch=catch, Next="S"), "S": {"Type": "Succeed"}}, {"n": 1})["output"]
    assert (output["Error"], output["Cause"], output["Status"], output["Name"]) == (
        "DeploymentFailed",
        'the "stack"',
        "FAILED",
        output["ExecutionArn"].rpartition(":")[2],
    )


def test_a_child_that_waits_is_heard_of_at_once_and_stopped_with_its_parent(cloud: StatesCloud) -> None:
    inner = cloud.create({"W": {"Type": "Wait", "Seconds": 1000, "End": True}}, name="inner")
    outer = cloud.create({"C": child(inner, arguments={"Name": "the-child"})}, name="outer")
    arn = cloud.start(outer, {"n": 1})
    cloud.until_event(arn, "TaskSubmitted")
    child_arn = inner.replace(":stateMachine:", ":execution:") + ":the-child"
    cloud.until_event(child_arn, "WaitStateEntered")
    cloud.advance(1001)
    begun = time.monotonic()
    assert cloud.ended(arn)["status"] == "SUCCEEDED"
    assert time.monotonic() - begun < 2
    again = cloud.start(outer, {"n": 2})
    assert cloud.ended(again)["error"] == "StepFunctions.ExecutionAlreadyExistsException"
    third = cloud.start(cloud.create({"C": child(inner)}, name="third"), {"n": 1})
    cloud.until_event(third, "TaskSubmitted")
    running = cloud.states.list_executions(stateMachineArn=inner, statusFilter="RUNNING")["executions"]
    assert len(running) == 1
    cloud.states.stop_execution(executionArn=third)
    cloud.until(lambda: cloud.describe(running[0]["executionArn"])["status"] == "ABORTED")
