"""Statements are really taken from the roles of a running deployment, one after the other: each stops the release.

Which ones is not chosen by hand: every statement that decided a call of an approved run, of every role whose refusal a
run can tell of. How it ended has to name the action that was refused.
"""

import pytest

from tests.flow.product import Product, Run, until
from tests.flow.rights import Rights, decisions

pytestmark = [pytest.mark.full, pytest.mark.long(5), pytest.mark.timeout(1800)]

# Roles of what a run waits for. Those of mails, of the page and of the lease work beside it: their functions' own tests
# and flows show what happens without them.
ROLES = (
    "PromoteModelRole", "DeployStackRole", "DeploymentRole", "TrainingRole", "EndpointRole",
    "FreezeDatasetRole", "ValidateDatasetRole", "SmokeTestRole", "VerifyProductionRole",
)  # fmt: skip
# Statements whose lack stops nothing, and what it does instead.
UNTOLD = {
    ("EndpointRole", "CaptureData"): "an endpoint answers whether or not its requests can be kept",
    ("EndpointRole", "WriteLogs"): "an endpoint answers whether or not its lines can be kept",
    ("TrainingRole", "WriteLogs"): "a job trains whether or not its lines can be kept",
}
# CloudFormation says of a template that it may not read no more than this.
UNNAMED = "S3 error: Access Denied"


def used_by(product: Product, rights: Rights, after: int) -> list[tuple[str, str]]:
    """(role, statement) of every call since a decision, in the templates' order."""
    used = {(each["role"], (each["statement"] or {}).get("Sid")) for each in decisions(product, after)}
    return [
        (role, each["Sid"])
        for role, each in rights.statements()
        if role in ROLES and (rights.role(role), each["Sid"]) in used
    ]


def last_number(product: Product) -> int:
    return int(decisions(product, limit="1")[-1]["number"])


def refused(product: Product, role: str, after: int) -> set[str]:
    """The actions that a role was refused since a decision."""
    return {each["action"] for each in decisions(product, after, allowed="false") if each["role"] == role}


def released_or_not(product: Product, run: Run) -> dict:
    """Approve when asked, and wait for the end."""
    until("a question or the end", lambda: "Request Approval" in run.states() or run.describe()["status"] != "RUNNING")
    if "Request Approval" in run.states():
        run.decide("approve")
    return run.ends()


def release_without(product: Product, rights: Rights, iris: str, model: str, role: str, sid: str) -> str | None:
    """What is wrong with the end of a release that lacks a statement; None when the end tells of it."""
    product.model(model)
    after = last_number(product)
    with rights.without(role, sid):
        run = product.drop(model, iris)
        ended = released_or_not(product, run)
        if (role, sid) in UNTOLD:  # some of what is refused happens beside the run
            until(f"a refusal for want of {sid}", lambda: refused(product, rights.role(role), after))
    denied = refused(product, rights.role(role), after)
    told = ended["status"] == "FAILED" and any(words in ended.get("cause", "") for words in (*denied, UNNAMED))
    if denied and told == ((role, sid) not in UNTOLD):
        return None
    return f"refused {sorted(denied)}, ended in {run.states()[-1]}: {ended.get('cause', '')[:500]}"


def test_without_any_one_statement_the_release_fails_and_says_which_right_it_lacked(product, iris, portioning):
    rights = Rights(product)
    before = last_number(product)
    product.model("removed-nothing")
    product.drop("removed-nothing", iris).approve()
    statements = used_by(product, rights, before)
    assert len(statements) > 25
    assert {role for role, _ in statements} == set(ROLES)
    taken_away = portioning.part("statements taken away", statements, "/".join)
    wrong = {
        (role, sid): told
        for number, (role, sid) in enumerate(taken_away)
        if (told := release_without(product, rights, iris, f"removed-{number}", role, sid))
    }
    assert wrong == {}, "\n".join(f"{key}: {value}" for key, value in wrong.items())
    print(f"\n{len(taken_away)} of {len(statements)} statements were taken away, one after the other")
