"""Is there an image, of the kind that SageMaker takes?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def check_image(patient: Patient) -> Iterator[Finding]:
    """The parameter names an image by its digest, the repository has it, as one Docker manifest."""
    account = patient.account
    image = account.parameter(account.names.image_parameter)
    if image is None:
        yield fault(f"no image has been built: {account.names.image_parameter} is not set", "make deploy")
        return
    digest = image.rpartition("@")[2]
    if not digest.startswith("sha256:"):
        yield fault(f"{account.names.image_parameter} does not name a digest: {image}", "make deploy")
        return
    manifest = _manifest_type(patient, digest)
    if manifest is None:
        yield fault(
            f"{account.names.image} has no image {digest}, which runs are told to use",
            "make deploy; it builds the image again.",
        )
    elif manifest != DOCKER_MANIFEST:
        yield fault(
            f"the image is a {manifest}; SageMaker takes one Docker manifest only",
            "Build with --provenance=false (container/buildspec.yml), then make deploy.",
        )
    else:
        yield ok(f"runs use {digest[:19]}…, a Docker manifest")


def _manifest_type(patient: Patient, digest: str) -> str | None:
    ecr = patient.account.client("ecr")
    try:
        found = ecr.describe_images(repositoryName=patient.account.names.image, imageIds=[{"imageDigest": digest}])
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        return None
    return str(found["imageDetails"][0]["imageManifestMediaType"]) if found["imageDetails"] else None
