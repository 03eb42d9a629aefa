import pytest

from tests.local.cloud_process import CloudProcess

NAME = "ml.c5.large for endpoint usage"


def test_quotas_are_listed_by_their_names_and_granted_as_asked(shared_cloud: CloudProcess) -> None:
    quotas = shared_cloud.client("service-quotas")

    def listed(operation: str) -> dict[str, dict]:
        pages = quotas.get_paginator(operation).paginate(ServiceCode="sagemaker", PaginationConfig={"PageSize": 3})
        return {each["QuotaName"]: each for page in pages for each in page["Quotas"]}

    before = listed("list_service_quotas")
    assert before.keys() == listed("list_aws_default_service_quotas").keys()
    asked = {"ServiceCode": "sagemaker", "QuotaCode": before[NAME]["QuotaCode"], "DesiredValue": 3}
    assert quotas.request_service_quota_increase(**asked)["RequestedQuota"]["Status"] == "APPROVED"
    assert listed("list_service_quotas")[NAME]["Value"] == 3
    assert listed("list_aws_default_service_quotas")[NAME]["Value"] == before[NAME]["Value"]


@pytest.mark.parametrize(("service", "code"), [("sagemaker", "L-00000000"), ("ec2", "L-1216C47A")])
def test_unknown_quotas_are_refused(shared_cloud: CloudProcess, service: str, code: str) -> None:
    quotas = shared_cloud.client("service-quotas")
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.request_service_quota_increase(ServiceCode=service, QuotaCode=code, DesiredValue=1)
