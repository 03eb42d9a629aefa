import json

import pytest

from functions.expire_development.expiry import Expiring, Stack, expiring, is_over

HOUR = 3_600.0


def pointer(**development: object) -> str:
    return json.dumps({"settings": {}, "development": {"stack": "mlops-deploy-a-dev", **development}, "production": {}})


def test_only_models_whose_pointer_gives_a_time_expire():
    parameters = [
        ("/mlops/models/a", pointer(expires_after_seconds=7200)),
        ("/mlops/models/b", pointer()),
        ("/mlops/models/c", "no pointer"),
        ("/mlops/models/d", "[]"),
    ]
    assert expiring(parameters) == [Expiring("a", "mlops-deploy-a-dev", 7200.0)]


@pytest.mark.parametrize(
    ("status", "over"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("DELETE_FAILED", True),
        ("DELETE_IN_PROGRESS", False),
        ("DELETE_COMPLETE", False),
        ("UPDATE_IN_PROGRESS", False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False),
        ("REVIEW_IN_PROGRESS", False),
        ("ROLLBACK_COMPLETE", False),
        ("UPDATE_ROLLBACK_FAILED", False),
    ],
)
def test_a_stack_that_stands_or_that_half_went_is_over_after_its_time(status, over):
    stack = Stack("id", status, deployed_at=1_000.0)
    assert is_over(stack, HOUR, 1_000.0 + HOUR) is over
    assert is_over(stack, HOUR, 1_000.0 + HOUR - 1) is False


def test_a_stack_goes_once_its_deletion_has_begun():
    assert Stack("id", "DELETE_IN_PROGRESS", 0.0).goes
    assert not Stack("id", "UPDATE_COMPLETE", 0.0).goes
