"""Stands for the image pipeline where nobody waits for it: publishes the image's address, pinned by its source.

The pipeline builds the image and writes the same parameter. Here processes run the very code that the image would
carry, so the digest is that code's.
"""

from pathlib import Path

import boto3

from commands.image_source import source_hash

ROOT = Path(__file__).resolve().parent.parent
PARAMETER = "/mlops/image"
REPOSITORY = "mlops-image"


def publish_image(session: boto3.Session) -> str:
    """Write the image's address where runs look for it; returns the address."""
    account = session.client("sts").get_caller_identity()["Account"]
    image = f"{account}.dkr.ecr.{session.region_name}.amazonaws.com/{REPOSITORY}@sha256:{source_hash(ROOT)}"
    session.client("ssm").put_parameter(Name=PARAMETER, Value=image, Type="String", Overwrite=True)
    return image
