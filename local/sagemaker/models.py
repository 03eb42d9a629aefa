"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from local.clock import Clock
from local.sagemaker.faults import already_exists, could_not_find, invalid, not_in_embedded_cloud
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.json_rpc import Json, Operation
from local.sagemaker.listing import matching, page, picked
from local.sagemaker.model_package_groups import PACKAGE_KIND
from local.sagemaker.objects import ObjectFault, Objects, S3Uri
from local.sagemaker.resource_names import ResourceNames, name_of
from local.sagemaker.store import Record, Store
from local.sagemaker.tags import set_tags

KIND = "model"
_SUMMARY = ("ModelName", "ModelArn", "CreationTime")
_SORT_KEYS = {"CreationTime": "CreationTime", "Name": "ModelName"}


class Models:
    """A model is an image, an artefact and a role."""

    def __init__(self, store: Store, front_door: FrontDoor, names: ResourceNames, clock: Clock) -> None:
        self._store = store
        self._front_door = front_door
        self._names = names
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """By the API's names."""
        return {
            "CreateModel": self.create,
            "DescribeModel": self.describe,
            "ListModels": self.list,
            "DeleteModel": self.delete,
        }

    def create(self, request: Json) -> Json:
        """The artefact must be readable under the role."""
        name = request["ModelName"]
        arn = self._names.model(name)
        container = self._container(request)
        self._check_artefact(container, request["ExecutionRoleArn"])
        model: Record = {
            "ModelName": name,
            "ModelArn": arn,
            "PrimaryContainer": container,
            "ExecutionRoleArn": request["ExecutionRoleArn"],
            "CreationTime": self._clock.now(),
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        } | picked(request, ("VpcConfig",))
        with self._store.transaction():
            if not self._store.insert(KIND, name, model):
                raise already_exists("model", arn)
            set_tags(self._store, arn, request.get("Tags"))
        return {"ModelArn": arn}

    def describe(self, request: Json) -> Json:
        """With what a model package contributed."""
        return self.existing(request["ModelName"])

    def list(self, request: Json) -> Json:
        """Newest first."""
        found = matching(self._store.all(KIND), request, "ModelName")
        return page(found, request, _SORT_KEYS, lambda model: picked(model, _SUMMARY), "Models")

    def delete(self, request: Json) -> Json:
        """Endpoints that serve it go on."""
        arn = self._names.model(request["ModelName"])
        if self._store.delete(KIND, request["ModelName"]) is None:
            raise could_not_find("model", arn)
        self._store.untag(arn)
        return {}

    def existing(self, name: str) -> Record:
        """Raises ValidationException "Could not find model"."""
        model = self._store.get(KIND, name)
        if model is None:
            raise could_not_find("model", self._names.model(name))
        return model

    def _container(self, request: Json) -> Json:
        """The one container, with image and artefact of its model package when it names one."""
        containers = request.get("Containers", [])
        if len(containers) > 1:
            raise not_in_embedded_cloud("inference pipelines: a model has one container")
        container: Json | None = request.get("PrimaryContainer") or (containers[0] if containers else None)
        if container is None:
            raise invalid("PrimaryContainer or Containers is required.")
        if "ExecutionRoleArn" not in request:
            raise invalid("ExecutionRoleArn is required.")
        if container.get("Mode", "SingleModel") != "SingleModel" or "ModelDataSource" in container:
            raise not_in_embedded_cloud("models other than one model.tar.gz (Mode, ModelDataSource)")
        if "ModelPackageName" in container:
            return self._from_package(container)
        if "Image" not in container:
            raise invalid("PrimaryContainer needs an Image or a ModelPackageName.")
        return container

    def _from_package(self, container: Json) -> Json:
        package = self._store.get(PACKAGE_KIND, name_of(container["ModelPackageName"], PACKAGE_KIND))
        if package is None:
            raise could_not_find("model package", container["ModelPackageName"])
        if package.get("ModelApprovalStatus", "Approved") != "Approved":
            raise invalid(
                f"Cannot create Model for ModelPackage {package['ModelPackageArn']} with status "
                f'"{package["ModelApprovalStatus"]}".'
            )
        packaged = package["InferenceSpecification"]["Containers"][0]
        inherited = picked(packaged, ("Image", "ModelDataUrl"))
        environment = packaged.get("Environment", {}) | container.get("Environment", {})
        return inherited | container | {"Environment": environment}

    def _check_artefact(self, container: Json, role_arn: str) -> None:
        """AWS looks at the artefact when the model is created, under its role."""
        try:
            credentials = self._front_door.assume(role_arn, "SageMaker")
        except RoleRefused as refusal:
            raise invalid(str(refusal)) from refusal
        url = container.get("ModelDataUrl")
        if url is None:
            return
        try:
            Objects(self._front_door.client("s3", credentials)).size(S3Uri.parse(url))
        except ValueError as fault:
            raise invalid(f"Invalid model data location: {fault}") from fault
        except ObjectFault as fault:
            raise invalid(artefact_refusal(fault, url, role_arn, self._names.region)) from fault


def artefact_refusal(fault: ObjectFault, url: str, role_arn: str, region: str) -> str:
    """AWS's words for an artefact that is not there, or not for this role."""
    if fault.code in ("404", "NoSuchKey", "NoSuchBucket", "NotFound"):
        return f"Could not find model data at {url}."
    return (
        f'Could not access model data at {url}. Please ensure that the role "{role_arn}" exists and that its trust '
        'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". '
        f'Also ensure that the role has "s3:GetObject" permissions and that the object is located in {region}.'
    )
