"""Brings the model artefact of a variant to where its instances find it."""

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from local.sagemaker.archive import UnreadableArchive, unpack
from local.sagemaker.endpoints.faults import FleetFault
from local.sagemaker.endpoints.specification import VariantSpecification
from local.sagemaker.front_door import FrontDoor, RoleRefused
from local.sagemaker.models import artefact_refusal
from local.sagemaker.objects import ObjectFault, Objects, S3Uri


class ModelArtefacts:
    """One unpacked copy for each variant of a fleet, kept while the fleet lives, also over a restart of the server."""

    def __init__(self, folder: Path, front_door: FrontDoor, region: str) -> None:
        self._folder = folder
        self._front_door = front_door
        self._region = region

    def fetch(self, fleet_id: str, variant: VariantSpecification) -> Path:
        """The unpacked model. Raises FleetFault."""
        model = self._variant_folder(fleet_id, variant.name) / "model"
        if model.exists():
            return model  # renamed into place when complete
        partial = model.with_name("model.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        if variant.model_data_url is not None:
            self._download(variant, variant.model_data_url, partial)
        partial.rename(model)
        return model

    def instance_folder(self, fleet_id: str, variant_name: str, instance_id: str) -> Path:
        """An instance's /opt/ml, with the variant's model in it."""
        variant_folder = self._variant_folder(fleet_id, variant_name)
        folder = variant_folder / "instances" / instance_id
        # Hard links: a symbolic one would lead out of what a container sees of this machine.
        shutil.copytree(variant_folder / "model", folder / "model", copy_function=os.link)
        return folder

    def discard(self, fleet_id: str) -> None:
        """Remove everything of a fleet that has ended."""
        shutil.rmtree(self._folder / fleet_id, ignore_errors=True)

    def keep_only(self, fleet_ids: Collection[str]) -> None:
        """After a restart: remove instances' folders, and all of fleets that nobody serves any more."""
        for fleet_folder in self._folder.glob("*"):
            if fleet_folder.name not in fleet_ids:
                self.discard(fleet_folder.name)
            for instances in fleet_folder.glob("*/instances"):
                shutil.rmtree(instances, ignore_errors=True)

    def _variant_folder(self, fleet_id: str, variant_name: str) -> Path:
        return self._folder / fleet_id / variant_name

    def _download(self, variant: VariantSpecification, url: str, folder: Path) -> None:
        archive = folder.with_name("model.tar.gz")
        try:
            credentials = self._front_door.assume(variant.role_arn, "SageMaker")
            Objects(self._front_door.client("s3", credentials)).download(S3Uri.parse(url), archive)
            unpack(archive, folder)
        except RoleRefused as refusal:
            raise FleetFault(str(refusal)) from refusal
        except ObjectFault as fault:
            raise FleetFault(artefact_refusal(fault, url, variant.role_arn, self._region)) from fault
        except UnreadableArchive as fault:
            raise FleetFault(
                f"Failed to extract model data archive from URL {url} for production variant {variant.name}: {fault}"
            ) from fault
        finally:
            archive.unlink(missing_ok=True)
