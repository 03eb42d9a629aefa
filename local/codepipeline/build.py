"""Stands for CodeBuild's work on the image: looks at the source it is given, and publishes an image by its digest.

No layer is made: training and serving run this machine's packages. What it publishes, and under which role, is what
`container/buildspec.yml` publishes; the digest is that of a manifest which names the source.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commands.image_source import content_hash
from local import credentials

_PRINCIPAL = "codebuild.amazonaws.com"
_MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_DOCKERFILE = "container/Dockerfile"


class BuildFailed(Exception):
    """The source cannot be built; the message says what is missing."""


@dataclass(frozen=True)
class Source:
    """Where the zip with the sources is."""

    bucket: str
    key: str


def build(project: Mapping[str, Any], source: Source, region: str) -> str:
    """Publish the image of a source, as the role of a CodeBuild project; the image's address.

    Raises:
        BuildFailed: the source lacks something that the build reads.
    """
    role = credentials.role_credentials(project["serviceRole"], _PRINCIPAL, "build")
    body = credentials.client("s3", region, role).get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
    files = _files(body)
    _check(files, project["source"]["buildspec"])
    variables = {each["name"]: each["value"] for each in project["environment"]["environmentVariables"]}
    repository = variables["IMAGE_REPOSITORY"]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MEDIA_TYPE,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "digest": f"sha256:{content_hash(files)}",
            },
            "layers": [],
        }
    )
    ecr = credentials.client("ecr", region, role)
    ecr.get_authorization_token()
    ecr.put_image(
        repositoryName=repository.partition("/")[2],
        imageManifest=manifest,
        imageManifestMediaType=_MEDIA_TYPE,
        imageTag="latest",
    )
    image = f"{repository}@sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    credentials.client("ssm", region, role).put_parameter(
        Name=variables["IMAGE_PARAMETER"], Value=image, Type="String", Overwrite=True
    )
    return image


def _files(body: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except zipfile.BadZipFile as fault:
        raise BuildFailed(f"the source is no zip file: {fault}") from fault


def _check(files: Mapping[str, bytes], buildspec: str) -> None:
    for needed in (buildspec, _DOCKERFILE):
        if needed not in files:
            raise BuildFailed(
                f"YAML_FILE_ERROR: {needed}: no such file" if needed == buildspec else f"{needed} is missing"
            )
    for line in files[_DOCKERFILE].decode().splitlines():
        instruction, *operands = line.split()[:2] or [""]
        if instruction == "COPY" and not operands[0].startswith("--"):
            copied = operands[0]
            if copied not in files and not any(name.startswith(f"{copied}/") for name in files):
                raise BuildFailed(f"COPY {copied}: not found in the source")
