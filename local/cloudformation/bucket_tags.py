"""A bucket's tags: the emulator's CloudFormation makes buckets without those that their template gives."""

from collections.abc import Callable
from typing import Any

Provisioned = tuple[str, dict[str, Any]]


def install() -> None:
    """Tag a bucket whenever CloudFormation makes or changes one."""
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    def tagging(provision: Callable[..., Provisioned], properties_at: int) -> Callable[..., Provisioned]:
        def provisioned(*given: Any) -> Provisioned:
            name, attributes = provision(*given)
            s3._bucket_tags[name] = {tag["Key"]: tag["Value"] for tag in given[properties_at].get("Tags", [])}
            return name, attributes

        return provisioned

    handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    # (logical id, properties, stack); (physical id, properties before, properties, stack)
    handlers["create"] = tagging(handlers["create"], 1)
    handlers["update"] = tagging(handlers["update"], 2)
