"""Stands for the image pipeline: publishes the image's address, pinned by a digest of what goes into the image.

On AWS the pipeline builds the image and writes the same parameter. Here processes run the very code that the image
would carry, so the digest is that code's.
"""

import hashlib
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("container", "contracts", "locks/container.txt")
PARAMETER = "/mlops/image"
REPOSITORY = "mlops-image"


def source_digest(root: Path = ROOT) -> str:
    """SHA-256 over the paths and contents of everything the image is built from."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = root / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def publish_image(session: boto3.Session) -> str:
    """Write the image's address where runs look for it; returns the address."""
    account = session.client("sts").get_caller_identity()["Account"]
    image = f"{account}.dkr.ecr.{session.region_name}.amazonaws.com/{REPOSITORY}@sha256:{source_digest()}"
    session.client("ssm").put_parameter(Name=PARAMETER, Value=image, Type="String", Overwrite=True)
    return image
