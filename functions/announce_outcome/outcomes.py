"""Every way a run can end, in the words of the people who read about it."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["good", "bad", "calm"]


@dataclass(frozen=True)
class Step:
    """Something to do: a sentence, and the command for it where there is one."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Outcome:
    """The texts may name {model}, {release}, {serving}, {run}: see `announcement`."""

    tone: Tone
    headline: str
    production: str
    steps: tuple[Step, ...]


_UNTOUCHED = "Production is untouched: it serves {serving}."
_RELEASES = "make releases MODEL={model}"
_ROLL_BACK = "make rollback MODEL={model} TO=<release>"
_DROP = "make drop MODEL={model} DATASET=<file>"
_RERUN = "make rerun RUN={run}"
_REDRIVE = "make redrive RUN={run}"
_SETTINGS = "models/{model}.toml"
_STOPPED = (
    "Production serves {serving}. Where the run had begun to deploy to production, that was stopped and undone; a "
    "first release has nothing to go back to, and its endpoint stays as it was left."
)

RUN_FAILED = Outcome(
    "bad",
    "The run failed unexpectedly",
    "Production serves {serving}, unless the run had begun to deploy it: make runs shows how far it came.",
    (
        Step("Look at how far the run came, and at the state that failed in the Step Functions console.", "make runs"),
        Step("When the cause is mended, start the run again with the same dataset.", _RERUN),
    ),
)

OUTCOMES: dict[str, Outcome] = {
    "Model Deployed": Outcome(
        "good",
        "{release} is in production",
        "The endpoint {model}-production serves {release} and has answered known rows as recorded.",
        (Step("Nothing. The next dataset makes the next candidate.", _DROP),),
    ),
    "Traffic Shifted": Outcome(
        "good",
        "{release} has all requests",
        "The endpoint {model}-production answers every request with {release}. The other release has its instances "
        "still, and no requests.",
        (
            Step("Nothing. The next release takes the place of the one without requests.", _RELEASES),
            Step("Give them to the older release of the two.", "make ab-rollback MODEL={model}"),
            Step("Give them to the newer.", "make ab-promote MODEL={model}"),
        ),
    ),
    "Request Refused": Outcome(
        "calm",
        "What was asked for cannot be done",
        _UNTOUCHED,
        (Step("Look at what the model has released, and at what serves.", _RELEASES),),
    ),
    "Dataset Rejected": Outcome(
        "bad",
        "The dataset was rejected",
        _UNTOUCHED,
        (Step("Correct what is named above and drop the file again. Nothing was trained, nothing is lost.", _DROP),),
    ),
    "Image Missing": Outcome(
        "bad",
        "The container image is not built yet",
        _UNTOUCHED,
        (
            Step("Wait until the image pipeline has ended well (CodePipeline console); a failed build says why there."),
            Step("Then start the run again with the same dataset.", _RERUN),
        ),
    ),
    "Training Failed": Outcome(
        "bad",
        "Training failed",
        _UNTOUCHED,
        (
            Step("The job's log has the details (CloudWatch, /aws/sagemaker/TrainingJobs)."),
            Step(f"If settings are the cause, change {_SETTINGS} and deploy them.", "make deploy"),
            Step(
                "ResourceLimitExceeded is a quota of the account (make doctor shows it), CapacityError a lack of "
                f"instances: name others in training.fallback_instance_types of {_SETTINGS}."
            ),
            Step("Then start the run again with the same dataset.", _RERUN),
        ),
    ),
    "Candidate Rejected": Outcome(
        "calm",
        "The candidate is not good enough",
        _UNTOUCHED,
        (
            Step("Drop a dataset that is better or larger.", _DROP),
            Step(f"Or change [training] or [gate] in {_SETTINGS} and deploy the settings.", "make deploy"),
        ),
    ),
    "Deployment Failed": Outcome(
        "bad",
        "Deploying {release} failed",
        "CloudFormation has put back what was there before: production serves {serving}.",
        (
            Step("Mend the cause; the stack's events in the CloudFormation console have the details."),
            Step("Then start the run again with the same dataset.", _RERUN),
        ),
    ),
    "Smoke Test Failed": Outcome(
        "bad",
        "{release} answers otherwise than evaluated",
        _UNTOUCHED,
        (
            Step("Compare training and serving in the container: the same row must get the same answer."),
            Step("Then start the run again with the same dataset.", _RERUN),
        ),
    ),
    "Release Rejected": Outcome(
        "calm",
        "{release} was rejected",
        _UNTOUCHED,
        (Step("When the reason is dealt with, drop a dataset again.", _DROP),),
    ),
    "Approval Expired": Outcome(
        "calm",
        "Nobody decided about {release}",
        _UNTOUCHED,
        (
            Step("Drop the dataset again; while a run waits, a terminal can decide too.", _DROP),
            Step("Decide about a run that waits.", "make approve RUN=<run> RELEASE=<release>"),
            Step(f"Approvers and the time they have stand under [approval] in {_SETTINGS}."),
        ),
    ),
    "Superseded": Outcome(
        "calm",
        "A newer run took the place of this one",
        _UNTOUCHED,
        (
            Step("Nothing: the newer run asks for approval itself.", "make runs"),
            Step(f"Which run goes first is lease.policy in {_SETTINGS}."),
        ),
    ),
    "Run Stopped": Outcome(
        "calm",
        "The run was stopped by hand",
        _STOPPED,
        (
            Step("Nothing, if that was meant. CloudTrail knows who stopped it."),
            Step("Let it go on where it was stopped, within 14 days.", _REDRIVE),
            Step("Or start it again with the same dataset.", _RERUN),
        ),
    ),
    "Run Timed Out": Outcome(
        "bad",
        "The run took longer than a run may",
        _STOPPED,
        (
            Step("Look at the state it was in, in the Step Functions console.", "make runs"),
            Step("Let it go on there, within 14 days and before the run is a year old.", _REDRIVE),
            Step("Or start it again with the same dataset.", _RERUN),
        ),
    ),
    "Production Restored": Outcome(
        "bad",
        "{release} was taken back from production",
        "The champion is back: production serves {serving}.",
        (
            Step("Read why above. Between deployment and restoration, answers may have come from {release}."),
            Step("When the cause is mended, start the run again with the same dataset.", _RERUN),
        ),
    ),
    "Production Unhealthy": Outcome(
        "bad",
        "Production needs a person now",
        "The endpoint {model}-production does not serve as it should, and there was no champion to restore, or "
        "restoring it failed.",
        (
            Step("Look at the endpoint {model}-production in the SageMaker console: its status, its log, its alarms."),
            Step("Go back to a release that was good; make releases lists them.", _ROLL_BACK),
        ),
    ),
    "Run Failed": RUN_FAILED,
}
