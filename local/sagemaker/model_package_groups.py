"""CreateModelPackageGroup, DescribeModelPackageGroup, ListModelPackageGroups, DeleteModelPackageGroup."""

from local.clock import Clock
from local.sagemaker.faults import ServiceFault, invalid
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.resource_names import ResourceNames, name_of
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

KIND = "model-package-group"
PACKAGE_KIND = "model-package"

_ECHOED = ("ModelPackageGroupName", "ModelPackageGroupDescription", "ManagedConfiguration")
_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "ModelPackageGroupName"}


class ModelPackageGroups:
    """A group has the versions of one model."""

    def __init__(self, store: Store, names: ResourceNames, clock: Clock) -> None:
        self._store = store
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateModelPackageGroup": self.create,
            "DescribeModelPackageGroup": self.describe,
            "ListModelPackageGroups": self.list,
            "DeleteModelPackageGroup": self.delete,
        }

    def create(self, request: Json) -> Json:
        """Usable at once."""
        name = request["ModelPackageGroupName"]
        arn = self._names.model_package_group(name)
        group: Record = picked(request, _ECHOED) | {
            "ModelPackageGroupArn": arn,
            "CreationTime": self._clock.now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
            "LastVersion": 0,
        }
        with self._store.transaction():
            if not self._store.insert(KIND, name, group):
                raise invalid(f"Model Package Group already exists: {arn}")
            set_tags(self._store, arn, request.get("Tags"))
        return {"ModelPackageGroupArn": arn}

    def describe(self, request: Json) -> Json:
        """By name or ARN."""
        group = self.existing(request["ModelPackageGroupName"])
        return {key: value for key, value in group.items() if key != "LastVersion"}

    def list(self, request: Json) -> Json:
        """Newest first."""
        found = matching(self._store.all(KIND), request, "ModelPackageGroupName")
        return page(found, request, _SORT_KEYS, lambda group: picked(group, _SUMMARY), "ModelPackageGroupSummaryList")

    def delete(self, request: Json) -> Json:
        """Refused while it has packages."""
        with self._store.transaction():
            group = self.existing(request["ModelPackageGroupName"])
            name = group["ModelPackageGroupName"]
            if any(package["ModelPackageGroupName"] == name for package in self._store.all(PACKAGE_KIND)):
                raise ServiceFault(
                    "ConflictException", f"Model Package Group {name} still has model packages: delete those first."
                )
            self._store.delete(KIND, name)
            self._store.untag(group["ModelPackageGroupArn"])
        return {}

    def existing(self, name_or_arn: str) -> Record:
        """The record. Raises ValidationException when there is none."""
        group = self._store.get(KIND, name_of(name_or_arn, KIND))
        if group is None:
            raise invalid(f"Model Package Group {name_or_arn} does not exist.")
        return group

    def next_version(self, name_or_arn: str) -> tuple[str, int]:
        """The group's name and a version never given before, also not to a package that was deleted."""
        with self._store.transaction():
            group = self.existing(name_or_arn)
            group["LastVersion"] += 1
            self._store.put(KIND, group["ModelPackageGroupName"], group)
        return group["ModelPackageGroupName"], group["LastVersion"]
