from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from commands.doctor.examination import CHECKS, RELEASING, look
from commands.doctor.finding import Finding
from commands.doctor.network import check_network
from infra.deployment import Deployment
from tests.infra.variant import ACCOUNT, LEAST, SUBNETS

VPC = "vpc-0a1b2c3d"


class Account:
    """An account with these subnets; EC2 refuses every other id."""

    def __init__(self, *subnets: tuple[str, str, str], error: str = "InvalidSubnetID.NotFound") -> None:
        self._subnets = {
            name: {"SubnetId": name, "VpcId": vpc, "AvailabilityZoneId": zone} for name, vpc, zone in subnets
        }
        self._error = error

    def client(self, service: str) -> "Account":
        assert service == "ec2"
        return self

    def describe_subnets(self, SubnetIds: list[str]) -> dict[str, Any]:  # noqa: N803 - the SDK's name
        for name in SubnetIds:
            if name not in self._subnets:
                told = {"Error": {"Code": self._error, "Message": f"The subnet ID '{name}' does not exist"}}
                raise ClientError(told, "DescribeSubnets")  # type: ignore[arg-type]
        return {"Subnets": [self._subnets[name] for name in SubnetIds]}


class Patient:
    def __init__(self, account: Account, deployment: Deployment = ACCOUNT) -> None:
        self.account, self.deployment = account, deployment


@pytest.fixture
def examine() -> Callable[[Patient], Finding]:
    def only(patient: Patient) -> Finding:
        (finding,) = look(check_network, patient)  # type: ignore[arg-type]
        return finding

    return only


def test_subnets_in_two_zones_are_sound(examine: Callable[[Patient], Finding]) -> None:
    account = Account((SUBNETS[0], VPC, "use1-az1"), (SUBNETS[1], VPC, "use1-az2"))
    assert examine(Patient(account)) == Finding("ok", "subnets in 2 availability zones")


def test_subnets_in_one_zone_are_a_fault(examine: Callable[[Patient], Finding]) -> None:
    account = Account((SUBNETS[0], VPC, "use1-az1"), (SUBNETS[1], VPC, "use1-az1"))
    finding = examine(Patient(account))
    assert (finding.level, "one availability zone, use1-az1" in finding.what) == ("fault", True)


def test_a_subnet_of_another_vpc_is_a_fault(examine: Callable[[Patient], Finding]) -> None:
    account = Account((SUBNETS[0], VPC, "use1-az1"), (SUBNETS[1], "vpc-11111111", "use1-az2"))
    assert examine(Patient(account)).what == f"{SUBNETS[1]} of [network] is not in {VPC}"


def test_a_subnet_that_is_not_there_is_a_fault(examine: Callable[[Patient], Finding]) -> None:
    finding = examine(Patient(Account((SUBNETS[0], VPC, "use1-az1"))))
    assert (finding.level, SUBNETS[1] in finding.what) == ("fault", True)


def test_without_the_right_to_look_nothing_is_said_to_be_wrong(examine: Callable[[Patient], Finding]) -> None:
    finding = examine(Patient(Account(error="UnauthorizedOperation")))
    assert (finding.level, "could not be looked at" in finding.what) == ("warning", True)


def test_a_deployment_without_vpc_has_no_zones(examine: Callable[[Patient], Finding]) -> None:
    assert examine(Patient(Account(), Deployment.model_validate(LEAST))).level == "ok"


def test_the_doctor_looks_and_a_release_waits_for_it() -> None:
    assert ("network", check_network) in CHECKS
    assert "network" in RELEASING
