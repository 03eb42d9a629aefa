"""What requests to Application Auto Scaling have in common."""

from local.sagemaker.autoscaling.records import DIMENSION, TARGET, ScaledVariant
from local.sagemaker.faults import ServiceFault, invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json
from local.sagemaker.listing import page
from local.sagemaker.store import Record, Store

NAMESPACE = "sagemaker"


def scaled_variant(request: Json) -> ScaledVariant:
    """Raises ValidationException for anything but the instance count of a production variant."""
    if request["ServiceNamespace"] != NAMESPACE or request["ScalableDimension"] != DIMENSION:
        raise not_in_embedded_cloud(f"scaling of other than {DIMENSION}")
    scaled = ScaledVariant.parse(request["ResourceId"])
    if scaled is None:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    return scaled


def of_request(records: list[Record], request: Json) -> list[Record]:
    """Those of the request's namespace and, where given, resource and dimension."""
    return [
        record
        for record in records
        if all(
            record[member] == request.get(member, record[member])
            for member in ("ServiceNamespace", "ResourceId", "ScalableDimension")
        )
    ]


def first_page(records: list[Record], request: Json, key: str, time_key: str = "CreationTime") -> Json:
    """Newest first, from where the request's token says."""
    # 50 unless asked for more: https://docs.aws.amazon.com/autoscaling/application/APIReference
    return page(records, {"MaxResults": 50} | request, {"": time_key}, dict, key)


def no_target(scaled: ScaledVariant) -> ServiceFault:
    """In AWS's words."""
    return ServiceFault(
        "ObjectNotFoundException",
        f"No scalable target found for service namespace: {NAMESPACE}, resource ID: {scaled.resource_id}, scalable "
        f"dimension: {DIMENSION}",
    )


def registered(store: Store, scaled: ScaledVariant) -> Record:
    """The target. Raises ObjectNotFoundException."""
    target = store.get(TARGET, scaled.resource_id)
    if target is None:
        raise no_target(scaled)
    return target
