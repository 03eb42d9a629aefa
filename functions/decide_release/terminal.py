"""The decisions of those who may invoke the function directly: terminal commands, and runs that withdraw a question."""

from collections.abc import Mapping
from typing import Any, cast

from approvals.desk import Desk
from contracts.approval import ApprovalRequest, Decision, Delivery, Verdict
from contracts.decisions import consequence, decided, others_missing
from contracts.times import epoch_seconds, iso_time
from functions.decide_release.form import clean, decision_faults

# Whoever it was stands in CloudTrail; what an event says about its sender proves nothing.
TERMINAL = "a terminal command"


def decide_from_terminal(desk: Desk, event: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The answer to `{"run", "release", "decision", "comment", "approver"}`: whether it is now the run's, and a
    message.

    As on the page the release's name has to be given: a run that was redriven may ask about another than it did before.
    `approver` says for whom, where that matters. Nothing proves it but that whoever commands may: CloudTrail knows
    who that was.
    """
    run, verdict = str(event.get("run", "")), str(event.get("decision", ""))
    comment = clean(str(event.get("comment") or ""))
    if faults := decision_faults(verdict, comment):
        return _answer(run, decided=False, message=" ".join(faults.values()))
    request = desk.claims.find_request(run) if run else None
    if request is None:
        return _answer(run, decided=False, message=f"No run named {run!r} asks for an approval. make runs lists them.")
    release, who = (clean(str(event.get(field) or "")) for field in ("release", "approver"))
    if fault := _fault(request, release, who):
        return _answer(run, decided=False, message=f"{fault} Nothing was decided.")
    approver = request.asked(who) or ""
    by = f"{TERMINAL}, as {approver}" if approver else TERMINAL
    decision = Decision(cast("Verdict", verdict), by, iso_time(now), comment, approver)
    return _settled(desk.decide(request, decision, now), request, decision)


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


def _fault(request: ApprovalRequest, release: str, who: str) -> str:
    """Why this cannot be a decision about the request, or nothing."""
    asked = ", ".join(request.approvers)
    if not release:
        return f"Name the release that you decide about: RELEASE=… This run asks about {request.release.name}."
    if release != request.release.name:
        return f"This run asks about {request.release.name}, not about {release!r}."
    if who and request.asked(who) is None:
        return f"{who!r} was not asked about {request.release.name}: BY=… is one of {asked}."
    if not who and request.policy.tells_apart:
        return f"Here it matters who decides. Say for whom: BY=…, one of {asked}."
    return ""


def _settled(settled: ApprovalRequest | None, request: ApprovalRequest, decision: Decision) -> dict[str, Any]:
    if settled is None:
        return _answer(request.run, decided=False, message=f"{request.release.name}: the time to decide is over.")
    final = settled.decision
    if final is None:
        return _answer(
            request.run, decided=settled.approval_of(decision.approver) is not None, message=others_missing(settled)
        )
    message = f"{decided(request.release.name, final)} {consequence(final, settled.delivery)}"
    if settled.delivery is Delivery.PENDING:
        message += " Give the same command again."
    reached = settled.delivery is Delivery.DELIVERED and final.verdict == decision.verdict
    return _answer(request.run, decided=reached, message=message)


def _answer(run: str, *, decided: bool, message: str) -> dict[str, Any]:
    return {"run": run, "decided": decided, "message": message}
