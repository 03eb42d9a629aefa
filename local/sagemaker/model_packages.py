"""CreateModelPackage, DescribeModelPackage, ListModelPackages, UpdateModelPackage, DeleteModelPackage."""

import hashlib
import json

from local.clock import Clock
from local.sagemaker.faults import invalid, not_in_embedded_cloud
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.model_package_groups import PACKAGE_KIND, ModelPackageGroups
from local.sagemaker.resource_names import ResourceNames, name_of
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

_TOKEN_KIND = "model-package-client-token"  # noqa: S105 - a kind of record

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
    """Versions of a model: candidates and releases. Packages outside a group, for AWS Marketplace, are not kept."""

    def __init__(self, store: Store, groups: ModelPackageGroups, names: ResourceNames, clock: Clock) -> None:
        self._store = store
        self._groups = groups
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create(self, request: Json) -> Json:
        """The next version of its group; the same one again for a ClientToken seen before."""
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
        """By ARN or group/version."""
        return self._existing(request["ModelPackageName"])

    def list(self, request: Json) -> Json:
        """Newest first; of one group, or with one approval status, where asked."""
        packages = self._store.all(PACKAGE_KIND)
        if (group := request.get("ModelPackageGroupName")) is not None:
            name = self._groups.existing(group)["ModelPackageGroupName"]
            packages = [package for package in packages if package["ModelPackageGroupName"] == name]
        if (approval := request.get("ModelApprovalStatus")) is not None:
            packages = [package for package in packages if package.get("ModelApprovalStatus") == approval]
        found = matching(packages, request, "ModelPackageGroupName")
        return page(found, request, _SORT_KEYS, lambda package: picked(package, _SUMMARY), "ModelPackageSummaryList")

    def update(self, request: Json) -> Json:
        """Approval and metadata."""
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
            self._store.put(PACKAGE_KIND, _key(package), package)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete(self, request: Json) -> Json:
        """Its version is not given again."""
        with self._store.transaction():
            package = self._existing(request["ModelPackageName"])
            self._store.delete(PACKAGE_KIND, _key(package))
            self._store.untag(package["ModelPackageArn"])
        return {}

    def _create_version(self, request: Json) -> str:
        name, version = self._groups.next_version(request["ModelPackageGroupName"])
        now = self._clock.now()
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
        self._store.put(PACKAGE_KIND, _key(package), package)
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

    def _existing(self, name_or_arn: str) -> Record:
        package = self._store.get(PACKAGE_KIND, name_of(name_or_arn, PACKAGE_KIND))
        if package is None:
            raise invalid(f"Model Package {name_or_arn} does not exist.")
        return package


def _key(package: Record) -> str:
    return f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"


def _digest(request: Json) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
