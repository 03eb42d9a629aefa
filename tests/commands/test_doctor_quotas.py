"""How many instances an update needs at once, by the way it is done."""

from typing import Any

import pytest

from commands.doctor.examination import look
from commands.doctor.quotas import check_instances
from tests.infra.variant import STEPS, model

STEP = {"kind": "step", "step": STEPS}


class Quotas:
    """An account that has one of each."""

    def client(self, service: str) -> "Quotas":
        assert service == "service-quotas"
        return self

    def get_paginator(self, operation: str) -> "Quotas":
        assert operation.endswith("service_quotas")
        return self

    def paginate(self, ServiceCode: str) -> list[dict[str, Any]]:  # noqa: N803 - the SDK's name
        assert ServiceCode == "sagemaker"
        names = ("ml.m5.large for training job", "ml.m5.large for endpoint", "ml.c5.large for endpoint")
        return [{"Quotas": [{"QuotaName": f"{name} usage", "Value": 1.0} for name in names]}]


class Patient:
    def __init__(self, **settings: Any) -> None:
        self.account, self.models = Quotas(), {"iris": model("iris", **settings)}


def told(**settings: Any) -> str:
    return " ".join(f"{each.what} {each.remedy}" for each in look(check_instances, Patient(**settings)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("production", "least", "most"),
    [
        ({}, 4, 20),
        ({"strategy": {"kind": "canary"}}, 4, 20),
        ({"strategy": {"kind": "rolling"}}, 3, 15),
        ({"strategy": {"kind": "rolling", "batch_instances": 1}}, 3, 11),
        ({"strategy": {"kind": "ab"}}, 8, 40),
        ({"scaling": STEP}, 4, 20),
    ],
)
def test_the_least_is_a_fault_and_the_most_is_what_to_ask_for(production: Any, least: int, most: int) -> None:
    text = told(production=production)
    assert f"ml.c5.large for endpoint usage: 1 granted, {least} needed" in text
    assert f"Ask for {most} at Service Quotas: Amazon SageMaker, ml.c5.large for endpoint usage." in text


def test_a_serverless_endpoint_needs_no_instance() -> None:
    assert "ml.m5.large for endpoint usage" in told()
    assert "ml.m5.large for endpoint usage" not in told(development={"serverless": {}})
