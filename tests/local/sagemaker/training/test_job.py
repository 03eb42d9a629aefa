import pytest

from local.sagemaker.store import Record
from local.sagemaker.training import job as jobs


def new() -> Record:
    request = {"TrainingJobName": "j", "ResourceConfig": {"InstanceCount": 1}, "Environment": {"a": "b"}}
    return jobs.new_job(request, "arn", 100.0)


def test_transitions_follow_each_other() -> None:
    job = new()
    for now, status in enumerate(("Downloading", "Training", "Uploading", "Completed"), start=101):
        jobs.enter(job, status, float(now))
    assert [(t["Status"], t["StartTime"], t["EndTime"]) for t in job["SecondaryStatusTransitions"]] == [
        ("Starting", 100.0, 101.0),
        ("Downloading", 101.0, 102.0),
        ("Training", 102.0, 103.0),
        ("Uploading", 103.0, 104.0),
        ("Completed", 104.0, 104.0),
    ]
    assert (job["TrainingStartTime"], job["TrainingEndTime"], job["TrainingTimeInSeconds"]) == (101.0, 104.0, 3)


@pytest.mark.parametrize("late", ["Downloading", "Training"])
def test_a_job_that_is_being_stopped_goes_no_further(late: str) -> None:
    job = new()
    jobs.enter(job, "Stopping", 101.0)
    jobs.enter(job, late, 102.0)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopping", "Stopping")
    jobs.enter(job, "Uploading", 103.0)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopping", "Uploading")
    jobs.enter(job, "Stopped", 104.0)
    assert job["TrainingJobStatus"] == "Stopped"


def test_a_reason_is_cut_at_sagemakers_limit() -> None:
    job = new()
    jobs.fail(job, "x" * 5000, 101.0)
    assert len(job["FailureReason"]) == 1024
    assert "TrainingTimeInSeconds" not in job


def test_a_job_begins_again_as_if_just_created() -> None:
    job = new()
    jobs.enter(job, "Downloading", 101.0)
    jobs.enter(job, "Training", 102.0)
    jobs.restart(job, 200.0)
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]] == ["Starting"]
    assert (job["TrainingJobStatus"], job["CreationTime"]) == ("InProgress", 100.0)
    assert "TrainingStartTime" not in job
