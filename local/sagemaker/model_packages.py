"""Model package groups and their versions: the registry of candidates and releases."""

import hashlib
import json

from local.clock import Clock
from local.sagemaker.faults import ServiceFault, invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.resource_names import ResourceNames, name_of
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

GROUP_KIND = "model-package-group"
KIND = "model-package"
_TOKEN_KIND = "model-package-token"

_GROUP_ECHOED = ("ModelPackageGroupName", "ModelPackageGroupDescription", "ManagedConfiguration")
_GROUP_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)
_GROUP_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "ModelPackageGroupName"}
_ECHOED = (
    "ModelPackageDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
)
_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
)
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "ModelPackageName"}
_REPLACED_BY_UPDATE = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


class ModelPackages:
    """Versioned packages; a package outside a group belongs to AWS Marketplace and is not kept here."""

    def __init__(self, store: Store, names: ResourceNames, clock: Clock) -> None:
        self._store = store
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create_group(self, request: Json) -> Json:
        name = request["ModelPackageGroupName"]
        arn = self._names.model_package_group(name)
        group: Record = picked(request, _GROUP_ECHOED) | {
            "ModelPackageGroupArn": arn,
            "CreationTime": self._clock.now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
            "LastVersion": 0,
        }
        with self._store.transaction():
            if not self._store.insert(GROUP_KIND, name, group):
                raise invalid(f"Model Package Group already exists: {arn}")
            set_tags(self._store, arn, request.get("Tags"))
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, request: Json) -> Json:
        group = self._group(request["ModelPackageGroupName"])
        return {key: value for key, value in group.items() if key != "LastVersion"}

    def list_groups(self, request: Json) -> Json:
        found = matching(self._store.all(GROUP_KIND), request, "ModelPackageGroupName")
        return page(
            found,
            request,
            _GROUP_SORT_KEYS,
            lambda group: picked(group, _GROUP_SUMMARY),
            "ModelPackageGroupSummaryList",
        )

    def delete_group(self, request: Json) -> Json:
        with self._store.transaction():
            group = self._group(request["ModelPackageGroupName"])
            name = group["ModelPackageGroupName"]
            if any(package["ModelPackageGroupName"] == name for package in self._store.all(KIND)):
                raise ServiceFault(
                    "ConflictException", f"Model Package Group {name} still has model packages: delete those first."
                )
            self._store.delete(GROUP_KIND, name)
            self._store.untag(group["ModelPackageGroupArn"])
        return {}

    def create(self, request: Json) -> Json:
        if "ModelPackageGroupName" not in request:
            raise not_in_embedded_cloud("model packages outside a group (ModelPackageGroupName)")
        if "ModelPackageName" in request:
            raise invalid(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one "
                "to use."
            )
        with self._store.transaction():
            repeated = self._of_token(request)
            return {"ModelPackageArn": repeated or self._create_version(request)}

    def describe(self, request: Json) -> Json:
        return self._existing(request["ModelPackageName"])

    def list(self, request: Json) -> Json:
        packages = self._store.all(KIND)
        if (group := request.get("ModelPackageGroupName")) is not None:
            name = self._group(group)["ModelPackageGroupName"]
            packages = [package for package in packages if package["ModelPackageGroupName"] == name]
        if (approval := request.get("ModelApprovalStatus")) is not None:
            packages = [package for package in packages if package.get("ModelApprovalStatus") == approval]
        found = matching(packages, request, "ModelPackageGroupName")
        return page(found, request, _SORT_KEYS, lambda package: picked(package, _SUMMARY), "ModelPackageSummaryList")

    def update(self, request: Json) -> Json:
        with self._store.transaction():
            package = self._existing(request["ModelPackageArn"])
            package |= picked(request, _REPLACED_BY_UPDATE)
            properties = package.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
            for key in request.get("CustomerMetadataPropertiesToRemove", ()):
                properties.pop(key, None)
            if properties or "CustomerMetadataProperties" in package:
                package["CustomerMetadataProperties"] = properties
            if added := request.get("AdditionalInferenceSpecificationsToAdd"):
                package.setdefault("AdditionalInferenceSpecifications", []).extend(added)
            package["LastModifiedTime"] = self._clock.now()
            package["LastModifiedBy"] = {}
            self._store.put(KIND, _key(package), package)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete(self, request: Json) -> Json:
        with self._store.transaction():
            package = self._existing(request["ModelPackageName"])
            self._store.delete(KIND, _key(package))
            self._store.untag(package["ModelPackageArn"])
        return {}

    def _create_version(self, request: Json) -> str:
        group = self._group(request["ModelPackageGroupName"])
        # Counted in the group: the version of a deleted package is never given again.
        group["LastVersion"] += 1
        name, version, now = group["ModelPackageGroupName"], group["LastVersion"], self._clock.now()
        arn = self._names.model_package(name, version)
        package: Record = picked(request, _ECHOED) | {
            "ModelPackageName": f"{name}/{version}",
            "ModelPackageGroupName": name,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": False,
        }
        package.setdefault("ModelApprovalStatus", "PendingManualApproval")
        self._store.put(GROUP_KIND, name, group)
        self._store.put(KIND, _key(package), package)
        set_tags(self._store, arn, request.get("Tags"))
        if token := request.get("ClientToken"):
            self._store.put(_TOKEN_KIND, token, {"ModelPackageArn": arn, "Request": _digest(request)})
        return arn

    def _of_token(self, request: Json) -> str | None:
        """The ARN that an earlier request with this ClientToken got."""
        token = request.get("ClientToken")
        earlier = self._store.get(_TOKEN_KIND, token) if token else None
        if earlier is None:
            return None
        if earlier["Request"] != _digest(request):
            raise invalid(f"ClientToken {token} was used before with a different request.")
        arn: str = earlier["ModelPackageArn"]
        return arn

    def _group(self, name_or_arn: str) -> Record:
        group = self._store.get(GROUP_KIND, name_of(name_or_arn, GROUP_KIND))
        if group is None:
            raise invalid(f"Model Package Group {name_or_arn} does not exist.")
        return group

    def _existing(self, name_or_arn: str) -> Record:
        package = self._store.get(KIND, name_of(name_or_arn, KIND))
        if package is None:
            raise invalid(f"Model Package {name_or_arn} does not exist.")
        return package


def _key(package: Record) -> str:
    return f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"


def _digest(request: Json) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
