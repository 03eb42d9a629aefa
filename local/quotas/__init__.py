"""Service Quotas of the embedded cloud: the instances that SageMaker grants, by their names on AWS.

What is asked for is granted at once, also less than before: so an account that lacks something can be shown.
"""

import hashlib

from local.context import Cloud
from local.gateway.protocol import Backend
from local.sagemaker.faults import ServiceFault
from local.sagemaker.json_rpc import Json, JsonService, Operation
from local.sagemaker.store import Record, Store

_KIND = "quota"
_SERVICE = "sagemaker"
_INSTANCES = 20.0
_TYPES = (
    "ml.t3.medium",
    "ml.m5.large",
    "ml.m5.xlarge",
    "ml.m5.2xlarge",
    "ml.c5.large",
    "ml.c5.xlarge",
    "ml.c5.2xlarge",
)
_USES = ("for training job usage", "for endpoint usage")
_PAGE = 100


def install(cloud: Cloud) -> dict[str, Backend]:
    """The back end `servicequotas`."""
    settings = cloud.configuration
    store = Store(settings.state_dir / "quotas.sqlite" if settings.state_dir else None)
    cloud.on_stop.append(store.close)
    operations = _Quotas(store, settings.region, settings.account).operations()
    return {"servicequotas": JsonService("service-quotas", operations)}


class _Quotas:
    def __init__(self, store: Store, region: str, account: str) -> None:
        self._store = store
        self._arn = f"arn:aws:servicequotas:{region}:{account}:{_SERVICE}"
        for name in (f"{kind} {use}" for kind in _TYPES for use in _USES):
            code = _code(name)
            self._store.insert(_KIND, code, {"QuotaCode": code, "QuotaName": name, "Value": _INSTANCES})

    def operations(self) -> dict[str, Operation]:
        return {
            "ListServiceQuotas": self.list_quotas,
            "ListAWSDefaultServiceQuotas": self.list_defaults,
            "RequestServiceQuotaIncrease": self.request,
        }

    def list_quotas(self, request: Json) -> Json:
        return self._page(request, self._store.all(_KIND))

    def list_defaults(self, request: Json) -> Json:
        return self._page(request, [{**record, "Value": _INSTANCES} for record in self._store.all(_KIND)])

    def request(self, request: Json) -> Json:
        self._check(request)

        def grant(record: Record) -> None:
            record["Value"] = request["DesiredValue"]

        granted = self._store.update(_KIND, request["QuotaCode"], grant)
        if granted is None:
            raise ServiceFault("NoSuchResourceException", f"There is no quota {request['QuotaCode']} of {_SERVICE}.")
        return {"RequestedQuota": {**self._shown(granted), "DesiredValue": granted["Value"], "Status": "APPROVED"}}

    def _page(self, request: Json, records: list[Record]) -> Json:
        self._check(request)
        start = int(request.get("NextToken", "0"))
        end = start + request.get("MaxResults", _PAGE)
        more = {"NextToken": str(end)} if end < len(records) else {}
        return {"Quotas": [self._shown(record) | {"Value": record["Value"]} for record in records[start:end]], **more}

    def _shown(self, record: Record) -> Json:
        return {
            "ServiceCode": _SERVICE,
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": f"{self._arn}/{record['QuotaCode']}",
            "QuotaCode": record["QuotaCode"],
            "QuotaName": record["QuotaName"],
            "Unit": "None",
        }

    def _check(self, request: Json) -> None:
        if request["ServiceCode"] != _SERVICE:
            raise ServiceFault(
                "NoSuchResourceException", f"The embedded cloud has no quotas of {request['ServiceCode']}."
            )


def _code(name: str) -> str:
    return f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
