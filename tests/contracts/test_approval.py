import json

import pytest

from contracts.approval import ApprovalRequest, Decision, Delivery, hash_link, link_key, request_key
from contracts.environment import MissingVariables, read_environment
from contracts.evidence import Evidence
from contracts.release import IncompleteRelease, Release
from contracts.times import epoch_seconds, iso_time, time_in_words
from tests.functions.samples import release_fields


def item(**changed):
    return {
        **request_key("run-1"),
        "run": {"S": "run-1"},
        "state": {"S": "waiting"},
        "dossier": {"S": json.dumps(release_fields())},
        "asked_at": {"S": "2026-11-23T05:00:00Z"},
        "expires_at": {"N": "1000"},
        "approvers": {"L": [{"S": "a@example.com"}]},
        "policy": {"S": '{"required": 2}'},
        "evidence": {"S": Evidence().to_json()},
        "remind_at": {"N": "900"},
        "mailed": {"M": {"a@example.com": {"S": "message"}}},
        "reminded": {"M": {}},
        "told": {"M": {}},
        "approvals": {"M": {}},
        "token": {"B": b"encrypted"},
        **changed,
    }


def test_a_request_is_read_from_its_item():
    request = ApprovalRequest.from_item(item())
    assert (request.run, request.release.name, request.approvers, request.mailed) == (
        "run-1", "iris-model-3", ("a@example.com",), frozenset({"a@example.com"}),
    )  # fmt: skip
    assert request.decision is None
    assert request.delivery is None
    assert "encrypted" not in repr(request)


def test_the_deadline_itself_is_too_late():
    request = ApprovalRequest.from_item(item())
    assert not request.expired(999.999)
    assert request.expired(1000)


def test_a_decision_is_read_with_its_delivery():
    decided = {"decision": {"S": "reject"}, "decided_by": {"S": "x"}, "decided_at": {"S": "t"}, "comment": {"S": "why"}}
    request = ApprovalRequest.from_item(item(state={"S": "decided"}, delivery={"S": "pending"}, **decided))
    assert request.decision == Decision("reject", "x", "t", "why")
    assert request.delivery is Delivery.PENDING


def test_what_the_run_is_told():
    decided = {"decision": {"S": "approve"}, "decided_by": {"S": "link issued to a@example.com"}}
    decided |= {"decided_at": {"S": "2026-11-23T05:00:00Z"}, "comment": {"S": "fine"}, "delivery": {"S": "pending"}}
    said = {
        "decision": "approve",
        "by": "link issued to a@example.com",
        "at": "2026-11-23T05:00:00Z",
        "comment": "fine",
    }
    assert json.loads(ApprovalRequest.from_item(item(state={"S": "decided"}, **decided)).output()) == said
    before = {"b@example.com": {"M": {"at": {"S": "2026-11-22T05:00:00Z"}, "comment": {"S": ""}}}}
    both = ApprovalRequest.from_item(item(state={"S": "decided"}, approvals={"M": before}, **decided))
    assert json.loads(both.output()) == {
        **said, "before": [{"approver": "b@example.com", "at": "2026-11-22T05:00:00Z", "comment": ""}],
    }  # fmt: skip
    with pytest.raises(ValueError, match="nothing was decided"):
        ApprovalRequest.from_item(item()).output()
    rejected = Decision("reject", "a terminal command", "2026-11-23T05:00:00Z", "Not before Friday.")
    assert rejected.error == "ReleaseRejected"
    assert rejected.cause() == "Not before Friday. (rejected at 2026-11-23T05:00:00Z, a terminal command)"


def test_only_a_links_hash_is_stored():
    assert link_key(hash_link("secret-link")) == {
        "pk": {"S": f"link#{hash_link('secret-link')}"},
        "sk": {"S": "link"},
    }
    assert "secret-link" not in str(link_key(hash_link("secret-link")))
    assert len(hash_link("x")) == 64


def test_a_release_says_what_an_approval_does():
    release = Release.from_fields(release_fields())
    assert release.champion == "iris-model-2"
    assert "Replaces iris-model-2 on the endpoint iris-model-production with iris-model-3" in release.consequence
    assert "2 instances of ml.c5.large, all at once" in release.consequence
    assert release.smoke_test.startswith("The development endpoint answered 3 of 3 rows")
    first = Release.from_fields(release_fields(champion=None))
    assert "first release of iris-model" in first.consequence


def test_a_roll_back_takes_the_place_of_everything_that_serves():
    back = {"requester": "", "reason": ""}
    beside = release_fields(strategy={"kind": "ab", "weight": 0.1, "guarded": False}, rollback=back)
    release = Release.from_fields(beside)
    assert "Replaces iris-model-2" in release.consequence
    assert "all at once" in release.consequence
    assert release.compared_with is None
    assert not [name for name in release.metrics if name.startswith(("champion", "gain"))]
    assert release.summary.startswith("This was released before and is to serve again instead of iris-model-2. Of 50")


def test_fields_that_are_not_known_yet_are_left_alone():
    assert Release.from_fields(release_fields(cost_per_hour=0.2)).name == "iris-model-3"


@pytest.mark.parametrize(
    "changed", [{"name": ...}, {"rows": "many"}, {"metrics": None}, {"champion": "text"}, {"smoke_answers": [{}]}]
)
def test_a_dossier_with_holes_is_refused(changed):
    fields = release_fields(**changed)
    fields = {name: value for name, value in fields.items() if value is not ...}
    with pytest.raises(IncompleteRelease):
        Release.from_fields(fields)


def test_times_in_words():
    assert iso_time(1795413600.9) == "2026-11-23T06:00:00Z"
    assert epoch_seconds("2026-11-23T06:00:00.500Z") == 1795413600.5
    assert time_in_words(1795413600) == "Monday 23 November 2026, 06:00 UTC"
    with pytest.raises(ValueError, match="without an offset"):
        epoch_seconds("2026-11-23T06:00:00")


def test_an_environment_is_read_at_once_or_not_at_all():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Environment:
        approvals_table: str
        page_url: str

    assert read_environment(Environment, {"APPROVALS_TABLE": "t", "PAGE_URL": "u", "HOME": "/"}) == Environment(
        "t", "u"
    )
    with pytest.raises(MissingVariables, match="not set: APPROVALS_TABLE, PAGE_URL"):
        read_environment(Environment, {"PAGE_URL": ""})
