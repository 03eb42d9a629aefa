"""Training jobs through the API, with a container that really runs."""

import hashlib
import io
import json
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.sagemaker.conftest import BUCKET, IMAGE, REFUSED_ROLE, ROLE, MiniatureCloud, eventually


def request(cloud: MiniatureCloud, name: str, do: str = "succeed", **more: Any) -> dict[str, Any]:
    """A CreateTrainingJob request. `hyperparameters` are added, everything else replaces."""
    channel = {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": cloud.put(f"{name}/train/dataset.csv", "0,1.5\n")}
        },
    }
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"do": do} | more.pop("hyperparameters", {}),
        "InputDataConfig": [channel],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{name}/output"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    } | more


def run(cloud: MiniatureCloud, name: str, do: str = "succeed", **more: Any) -> dict[str, Any]:
    cloud.sagemaker.create_training_job(**request(cloud, name, do, **more))
    return ended(cloud, name)


def ended(cloud: MiniatureCloud, name: str) -> dict[str, Any]:
    def description() -> dict[str, Any] | None:
        job = cloud.sagemaker.describe_training_job(TrainingJobName=name)
        return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return eventually(description, f"training job {name}")


def log_lines(cloud: MiniatureCloud, name: str) -> list[str]:
    group = "/aws/sagemaker/TrainingJobs"
    try:
        streams = cloud.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    except cloud.logs.exceptions.ResourceNotFoundException:
        return []
    return [
        event["message"]
        for stream in streams
        for event in cloud.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    ]


def unpacked(content: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar if member.isfile()}


def test_a_job_trains_and_leaves_its_artefacts(cloud: MiniatureCloud) -> None:
    job = run(cloud, "good", hyperparameters={"answer": "versicolor"})
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/good/output/good/output/model.tar.gz"
    assert unpacked(cloud.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"answer.txt": "versicolor"}
    transitions = job["SecondaryStatusTransitions"]
    assert [t["Status"] for t in transitions] == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    for earlier, later in pairwise(transitions):
        assert earlier["EndTime"] == later["StartTime"]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert log_lines(cloud, "good")[0] == "training"


def test_the_container_sees_the_documented_layout_and_nothing_of_ours(
    cloud: MiniatureCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-server")
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "1")
    job = run(cloud, "layout", Environment={"MINE": "yes"})
    output = cloud.get(f"s3://{BUCKET}/layout/output/layout/output/output.tar.gz")
    seen = json.loads(unpacked(output)["seen.json"])
    assert seen["files"] == {"train/dataset.csv": "0,1.5\n"}
    environment = seen["environment"]
    assert environment["TRAINING_JOB_NAME"] == "layout"
    assert environment["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert environment["MINE"] == "yes"
    assert environment["AWS_SECRET_ACCESS_KEY"] == "secret-of-the-role"
    assert "SECRET_OF_THE_SERVER" not in environment


def test_an_isolated_container_gets_no_credentials(cloud: MiniatureCloud) -> None:
    run(cloud, "isolated", EnableNetworkIsolation=True)
    output = cloud.get(f"s3://{BUCKET}/isolated/output/isolated/output/output.tar.gz")
    environment = json.loads(unpacked(output)["seen.json"])["environment"]
    assert not [name for name in environment if "KEY" in name or "TOKEN" in name or "ENDPOINT" in name]


def test_equal_content_gives_equal_artefacts(cloud: MiniatureCloud) -> None:
    digests = {
        hashlib.sha256(cloud.get(run(cloud, name)["ModelArtifacts"]["S3ModelArtifacts"])).hexdigest()
        for name in ("once", "again")
    }
    assert len(digests) == 1


def test_metrics_are_the_last_values_printed_in_single_precision(cloud: MiniatureCloud) -> None:
    names = ("accuracy", "gate_passed", "undefined", "never_printed")
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": name, "Regex": name + "=([-+0-9.eEnaif]+);"} for name in names],
    }
    printed = "accuracy=0.5;|accuracy=0.9; gate_passed=1;|undefined=nan;"
    job = run(cloud, "measured", hyperparameters={"print": printed}, AlgorithmSpecification=algorithm)
    values = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert values == {"accuracy": 0.8999999761581421, "gate_passed": 1.0}


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"failure": "the dataset has one class only"}, "AlgorithmError: the dataset has one class only, exit code: 3"),
        ({}, "AlgorithmError: , exit code: 3"),
    ],
)
def test_a_failing_container_says_why(cloud: MiniatureCloud, hyperparameters: dict[str, str], reason: str) -> None:
    job = run(cloud, "bad", "fail", hyperparameters=hyperparameters)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"], job["FailureReason"]) == ("Failed", "Failed", reason)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == ""


def test_a_stopped_job_may_save_what_it_has(cloud: MiniatureCloud) -> None:
    cloud.sagemaker.create_training_job(**request(cloud, "halted", "save-when-told"))
    eventually(lambda: "waiting" in log_lines(cloud, "halted"))
    cloud.sagemaker.stop_training_job(TrainingJobName="halted")
    job = ended(cloud, "halted")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(cloud.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"answer.txt": "half trained"}
    with pytest.raises(ClientError, match="rejected because the training job is in status Stopped"):
        cloud.sagemaker.stop_training_job(TrainingJobName="halted")


def test_a_job_that_has_ended_can_be_deleted(cloud: MiniatureCloud) -> None:
    cloud.sagemaker.create_training_job(**request(cloud, "unwanted", "save-when-told"))
    with pytest.raises(ClientError, match="in status InProgress and cannot be deleted"):
        cloud.sagemaker.delete_training_job(TrainingJobName="unwanted")
    eventually(lambda: "waiting" in log_lines(cloud, "unwanted"))
    cloud.sagemaker.stop_training_job(TrainingJobName="unwanted")
    ended(cloud, "unwanted")
    cloud.sagemaker.delete_training_job(TrainingJobName="unwanted")
    with pytest.raises(ClientError, match="Requested resource not found"):
        cloud.sagemaker.describe_training_job(TrainingJobName="unwanted")


def test_a_job_that_ignores_the_signal_is_killed_after_two_minutes(cloud: MiniatureCloud) -> None:
    cloud.sagemaker.create_training_job(**request(cloud, "deaf", "ignore-signals"))
    eventually(lambda: "waiting" in log_lines(cloud, "deaf"))
    cloud.sagemaker.stop_training_job(TrainingJobName="deaf")
    cloud.clock.advance(119)
    assert cloud.sagemaker.describe_training_job(TrainingJobName="deaf")["TrainingJobStatus"] == "Stopping"
    # The run may not have begun to count yet when the clock jumped: go on until it has.
    job = eventually(lambda: cloud.clock.advance(60) or ended_or_none(cloud, "deaf"))
    assert job["TrainingJobStatus"] == "Stopped"
    child = int(next(line for line in log_lines(cloud, "deaf") if line.startswith("child="))[6:-1])
    eventually(lambda: not is_alive(child), "its child process is gone, too")


def ended_or_none(cloud: MiniatureCloud, name: str) -> dict[str, Any] | None:
    job = cloud.sagemaker.describe_training_job(TrainingJobName=name)
    return job if job["TrainingJobStatus"] == "Stopped" else None


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_ends_when_its_time_is_over(cloud: MiniatureCloud) -> None:
    cloud.sagemaker.create_training_job(**request(cloud, "long", "save-when-told"))
    eventually(lambda: "waiting" in log_lines(cloud, "long"))
    cloud.clock.advance(3601)
    job = ended(cloud, "long")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["TrainingTimeInSeconds"] >= 3600


def test_a_name_is_used_once(cloud: MiniatureCloud) -> None:
    run(cloud, "unique")
    with pytest.raises(cloud.sagemaker.exceptions.ResourceInUse, match="must be unique within an AWS account"):
        cloud.sagemaker.create_training_job(**request(cloud, "unique"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TrainingJobName": "under_score"}, r"at 'trainingJobName' failed to satisfy constraint: .*pattern"),
        ({"RoleArn": REFUSED_ROLE}, "Could not assume role"),
        ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        ({"OutputDataConfig": {"S3OutputPath": "https://bucket/key"}}, "is not an S3 URI"),
        ({"CheckpointConfig": {"S3Uri": "s3://x/y"}}, "The embedded cloud has no CheckpointConfig"),
        (
            {"ResourceConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
            "no training on other than one instance",
        ),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingImage": IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "m", "Regex": "m=("}],
                }
            },
            "Regex of metric m",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(cloud: MiniatureCloud, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        cloud.sagemaker.create_training_job(**request(cloud, "wrong") | change)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert cloud.sagemaker.list_training_jobs(NameContains="wrong")["TrainingJobSummaries"] == []


def test_data_that_is_not_there_is_refused(cloud: MiniatureCloud) -> None:
    nowhere = request(cloud, "hungry")
    nowhere["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/nowhere/"
    with pytest.raises(ClientError, match=r'No S3 objects found under S3 URL "s3://.*/nowhere/"'):
        cloud.sagemaker.create_training_job(**nowhere)


def test_data_that_is_gone_when_the_job_starts_fails_it(cloud: MiniatureCloud) -> None:
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/gone/"}, "a.csv"])
    asked = request(cloud, "gone")
    asked["InputDataConfig"][0]["DataSource"]["S3DataSource"] = {
        "S3DataType": "ManifestFile",
        "S3Uri": cloud.put("gone.manifest", manifest),
    }
    cloud.sagemaker.create_training_job(**asked)
    job = ended(cloud, "gone")
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:NoSuchKey (404)")


def test_jobs_are_listed_newest_first_in_pages(cloud: MiniatureCloud) -> None:
    for name in ("first", "second", "third"):
        run(cloud, name, "fail" if name == "second" else "succeed")
    page = cloud.sagemaker.list_training_jobs(MaxResults=2)
    rest = cloud.sagemaker.list_training_jobs(MaxResults=2, NextToken=page["NextToken"])
    names = [job["TrainingJobName"] for job in page["TrainingJobSummaries"] + rest["TrainingJobSummaries"]]
    assert names == ["third", "second", "first"]
    assert "NextToken" not in rest
    failed = cloud.sagemaker.list_training_jobs(StatusEquals="Failed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in failed] == ["second"]


def test_a_job_without_the_right_to_log_runs_without_logs(cloud: MiniatureCloud) -> None:
    cloud.front_door.broken.add("logs")
    assert run(cloud, "silent")["TrainingJobStatus"] == "Completed"


def test_a_job_cut_short_by_the_server_runs_again(lasting_cloud: MiniatureCloud) -> None:
    cloud = lasting_cloud
    cloud.sagemaker.create_training_job(**request(cloud, "again", "save-when-told"))
    eventually(lambda: log_lines(cloud, "again").count("waiting") == 1)
    cloud.restart()
    eventually(lambda: log_lines(cloud, "again").count("waiting") == 2)
    assert cloud.sagemaker.describe_training_job(TrainingJobName="again")["TrainingJobStatus"] == "InProgress"
    cloud.sagemaker.stop_training_job(TrainingJobName="again")
    assert ended(cloud, "again")["TrainingJobStatus"] == "Stopped"
