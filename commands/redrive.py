"""Lets a run go on that was stopped or timed out, at the step that it was in."""

from commands.deployment import Deployment
from commands.faults import CommandFailed
from commands.runs import describe_run


def redrive(deployment: Deployment, run: str) -> str:
    """The state in which the run goes on. `run` is its id in full.

    A run that has lost its release lease meanwhile waits for its turn, and deploys to development again.

    Raises:
        CommandFailed: it runs or has ended in a state of its own, where it would only end again; or it is too late.
    """
    stepfunctions = deployment.client("stepfunctions")
    arn = f"{deployment.promote_model_arn.replace(':stateMachine:', ':execution:')}:{run}"
    former = stepfunctions.describe_execution(executionArn=arn)
    if former["status"] in ("RUNNING", "SUCCEEDED"):
        told = "still runs" if former["status"] == "RUNNING" else "ended well"
        raise CommandFailed(f"{run} {told}, so there is nothing to go on with; make runs shows it.")
    if former["status"] == "FAILED" and "States." not in former.get("error", ""):
        raise CommandFailed(
            f"{run} has come to its end ({former.get('error', 'FAILED')}) and would only end there again. Start it "
            f"again with the same dataset: make rerun RUN={run}"
        )
    try:
        stepfunctions.redrive_execution(executionArn=arn)
    except stepfunctions.exceptions.ExecutionNotRedrivable as fault:
        raise CommandFailed(
            f"{fault.response['Error']['Message']}. Start it again with the same dataset: make rerun RUN={run}"
        ) from fault
    return describe_run(stepfunctions, arn).state
