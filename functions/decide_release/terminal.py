"""The decisions of those who may invoke the function directly: terminal commands, and runs that withdraw a question."""

from collections.abc import Mapping
from typing import Any, cast

from approvals.desk import Desk
from contracts.approval import ApprovalRequest, Decision, Delivery, Verdict
from contracts.times import epoch_seconds, iso_time
from functions.decide_release.form import clean, decision_faults
from functions.decide_release.words import consequence, decided

# Whoever it was stands in CloudTrail; what an event says about its sender proves nothing.
TERMINAL = "a terminal command"


def decide_from_terminal(desk: Desk, event: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The answer to `{"run", "release", "decision", "comment"}`: whether that is now the run's decision, and a message.

    As on the page the release's name has to be given: a run that was redriven may ask about another than it did before.
    """
    run, verdict = str(event.get("run", "")), str(event.get("decision", ""))
    comment = clean(str(event.get("comment") or ""))
    faults = decision_faults(verdict, comment)
    if faults:
        return _answer(run, decided=False, message=" ".join(faults.values()))
    request = desk.claims.find_request(run) if run else None
    if request is None:
        return _answer(run, decided=False, message=f"No run named {run!r} asks for an approval. make runs lists them.")
    if (named := clean(str(event.get("release") or ""))) != request.release.name:
        return _answer(run, decided=False, message=_other_release(named, request.release.name))
    decision = Decision(cast("Verdict", verdict), TERMINAL, iso_time(now), comment)
    settled = desk.decide(request, decision, now)
    if settled is None or settled.decision is None:
        return _answer(run, decided=False, message=f"{request.release.name}: the time to decide is over.")
    return _settled(settled, settled.decision, verdict)


def withdraw(desk: Desk, event: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `{"run", "decision", "by", "at", "comment"}`: a run's question is superseded or withdrawn.

    It competes with a person's decision for the same claim: who comes first has decided. `at` is ISO 8601.
    """
    run, by, now = str(event.get("run", "")), clean(str(event.get("by") or "")), epoch_seconds(event["at"])
    request = desk.claims.find_request(run) if run else None
    if request is None:
        return _answer(run, decided=False, message="This run has asked nobody.")
    verdict = cast("Verdict", event["decision"])
    decision = Decision(verdict, f"run {by}", iso_time(now), clean(str(event.get("comment") or "")))
    settled = desk.decide(request, decision, now)
    if settled is None or settled.decision is None:
        return _answer(run, decided=False, message=f"{request.release.name}: the time to decide is over.")
    withdrawn = not settled.decision.by_a_person
    return _answer(run, decided=withdrawn, message=decided(request.release.name, settled.decision))


def _other_release(named: str, asked: str) -> str:
    if not named:
        return f"Name the release that you decide about: RELEASE=… This run asks about {asked}."
    return f"This run asks about {asked}, not about {named!r}. Nothing was decided."


def _settled(request: ApprovalRequest, decision: Decision, verdict: str) -> dict[str, Any]:
    message = f"{decided(request.release.name, decision)} {consequence(decision, request.delivery)}"
    if request.delivery is Delivery.PENDING:
        message += " Give the same command again."
    reached = request.delivery is Delivery.DELIVERED and decision.verdict == verdict
    return _answer(request.run, decided=reached, message=message)


def _answer(run: str, *, decided: bool, message: str) -> dict[str, Any]:
    return {"run": run, "decided": decided, "message": message}
