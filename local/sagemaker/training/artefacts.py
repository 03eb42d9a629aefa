"""Takes what a training container left behind to S3."""

from pathlib import Path

from local.sagemaker.archive import pack
from local.sagemaker.json_rpc import Json
from local.sagemaker.objects import ObjectFault, Objects, S3Uri
from local.sagemaker.training.faults import client_error
from local.sagemaker.training.layout import TrainingLayout


def artefact_uri(job: Json, name: str) -> S3Uri:
    """``<S3OutputPath>/<job>/output/<name>``, SageMaker's own layout."""
    root = S3Uri.parse(job["OutputDataConfig"]["S3OutputPath"])
    return root / f"{job['TrainingJobName']}/output/{name}"


def upload_model(job: Json, layout: TrainingLayout, objects: Objects) -> str:
    """Where the model went. Raises JobFault."""
    return _upload(job, layout, layout.model, objects, "model.tar.gz")


def upload_output(job: Json, layout: TrainingLayout, objects: Objects) -> None:
    """Nothing when the container wrote nothing. Raises JobFault."""
    if any(layout.output.iterdir()):
        _upload(job, layout, layout.output, objects, "output.tar.gz")


def _upload(job: Json, layout: TrainingLayout, folder: Path, objects: Objects, name: str) -> str:
    archive = layout.base_dir / name
    uri = artefact_uri(job, name)
    pack(folder, archive)
    try:
        objects.upload(archive, uri, job["OutputDataConfig"].get("KmsKeyId"))
    except ObjectFault as fault:
        raise client_error(f"Artifact upload failed:{fault}") from fault
    return str(uri)
