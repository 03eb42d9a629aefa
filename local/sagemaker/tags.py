"""AddTags, ListTags, DeleteTags, and tags given when something is created."""

from typing import Any

from local.gateway.loading import after_import
from local.sagemaker.faults import could_not_find, invalid
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.resource_names import parse_arn
from local.sagemaker.store import Store

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
_MOST_TAGS = 50

# The store's kinds carry the names that ARNs use.
TAGGED_KINDS = ("training-job", "model", "endpoint-config", "endpoint", "model-package-group", "model-package")


class Tags:
    """Of any SageMaker resource that has an ARN."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {"AddTags": self.add, "ListTags": self.list, "DeleteTags": self.delete}

    def add(self, request: Json) -> Json:
        """New keys, or new values of known ones."""
        arn = self._existing(request["ResourceArn"])
        set_tags(self._store, arn, request["Tags"])
        return {"Tags": _as_list(self._store.tags(arn))}

    def list(self, request: Json) -> Json:
        """In order of their keys."""
        return {"Tags": _as_list(self._store.tags(self._existing(request["ResourceArn"])))}

    def delete(self, request: Json) -> Json:
        """Keys that are not there are ignored."""
        self._store.untag(self._existing(request["ResourceArn"]), request["TagKeys"])
        return {}

    def _existing(self, arn: str) -> str:
        kind, name = parse_arn(arn) or ("", "")
        if kind not in TAGGED_KINDS or self._store.get(kind, name) is None:
            raise could_not_find("resource", arn)
        return arn


def known_to_iam(store: Store) -> None:
    """Let policies ask for the tags of SageMaker's resources (`aws:ResourceTag/…`), as for those of the emulator's."""

    def hook(tagging: Any) -> None:
        original = tagging.resource_tags

        def resource_tags(arn: str) -> dict[str, str] | None:
            return store.tags(arn) if parse_arn(arn) else original(arn)

        tagging.resource_tags = resource_tags

    after_import("ministack.services.tagging", hook)


def set_tags(store: Store, arn: str, tags: list[dict[str, str]] | None) -> None:
    """Add the tags of a Create or AddTags request. Raises ValidationException beyond AWS's limit."""
    wanted = {tag["Key"]: tag["Value"] for tag in tags or []}
    with store.transaction():
        if len(store.tags(arn) | wanted) > _MOST_TAGS:
            raise invalid(f"A resource has at most {_MOST_TAGS} tags.")
        store.tag(arn, wanted)


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
