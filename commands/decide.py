"""Approves or rejects a release from the terminal, through the same function as the mailed link."""

import json

from commands.deployment import Deployment
from commands.faults import CommandFailed


def decide(deployment: Deployment, run: str, release: str, decision: str, comment: str, approver: str = "") -> str:
    """Claim the decision about the `release` that `run` asks about; returns a sentence that says what was decided.

    `approver` says for whom, where the model's settings say that it matters.

    Raises:
        CommandFailed: a rejection without a reason, a run that asks nothing or about another release, or was decided
            before.
    """
    if decision == "reject" and not comment.strip():
        raise CommandFailed("A rejection needs a reason: make reject RUN=… RELEASE=… REASON='…'")
    reply = deployment.client("lambda").invoke(
        FunctionName=deployment.decide_release_function,
        Payload=json.dumps(
            {"run": run, "release": release, "decision": decision, "comment": comment, "approver": approver}
        ).encode(),
    )
    answer = json.loads(reply["Payload"].read())
    if "FunctionError" in reply:
        raise CommandFailed(f"The decision could not be made: {answer.get('errorMessage', answer)}")
    if not answer["decided"]:
        raise CommandFailed(answer["message"])
    return str(answer["message"])
