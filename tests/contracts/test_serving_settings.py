import pytest
from pydantic import ValidationError

from contracts.serving import DevelopmentSettings


def test_development_is_one_instance_that_stays():
    assert DevelopmentSettings().resolved() == {
        "instance_type": "ml.m5.large",
        "instance_count": 1,
        "capture_percent": 100,
    }


def test_a_serverless_endpoint_captures_nothing():
    development = DevelopmentSettings.model_validate({"serverless": {"memory_mb": 4096}, "expires_after_seconds": 3600})
    assert development.capture_percent == 0
    resolved = development.resolved()
    assert resolved["serverless"] == {"memory_mb": 4096, "max_concurrency": 5}
    assert resolved["expires_after_seconds"] == 3600


def test_a_run_is_told_of_no_instance_of_a_serverless_endpoint():
    resolved = DevelopmentSettings.model_validate({"serverless": {}}).resolved()
    assert resolved == {"capture_percent": 0, "serverless": {"memory_mb": 2048, "max_concurrency": 5}}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"serverless": {}, "capture_percent": 10}, "captures nothing"),
        ({"serverless": {}, "instance_type": "ml.m5.large"}, "has no instance"),
        ({"serverless": {"memory_mb": 1500}}, "1024, 2048"),
        ({"serverless": {"max_concurrency": 201}}, "less than or equal to 200"),
        ({"instance_count": 2}, "1"),
        ({"expires_after_seconds": 60}, "greater than or equal to 3600"),
    ],
)
def test_what_a_serverless_endpoint_cannot_do_is_refused(settings, reason):
    with pytest.raises(ValidationError) as caught:
        DevelopmentSettings.model_validate(settings)
    assert reason in str(caught.value)
