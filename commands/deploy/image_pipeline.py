"""Has the image pipeline build the source as it is here, once, and checks what it published."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from commands.account import Account
from commands.deploy.executions import PENDING, await_end, executions, reason, start, status_of, turns
from commands.faults import CommandFailed
from commands.image_source import left_out, source_hash, source_zip
from infra.deployment_names import SOURCE_KEY

_HASH = "source-sha256"
# How long S3's event may take to start the pipeline before this command starts it.
_EVENT_SECONDS = 60


@dataclass(frozen=True)
class Source:
    """The pipeline's source: its provider, and where it reads from, in words."""

    provider: str
    place: str


def find_source(account: Account) -> Source:
    """The deployed pipeline's source.

    Raises:
        CommandFailed: there is no pipeline.
    """
    codepipeline = account.client("codepipeline")
    try:
        stages = codepipeline.get_pipeline(name=account.names.image)["pipeline"]["stages"]
    except codepipeline.exceptions.PipelineNotFoundException as fault:
        raise CommandFailed(f"There is no pipeline {account.names.image}. Run: make deploy") from fault
    action = stages[0]["actions"][0]
    settings = action["configuration"]
    repository = settings.get("FullRepositoryId") or settings.get("RepositoryName") or ""
    branch = settings.get("BranchName", "")
    place = f"{repository}, branch {branch}" if repository else f"s3://{account.names.bucket}/{SOURCE_KEY}"
    return Source(action["actionTypeId"]["provider"], place)


def is_built(account: Account, root: Path) -> bool:
    """Whether the source as it is here was uploaded and built, and its image is the one that runs use."""
    version = _uploaded(account, source_hash(root))
    done = version is not None and status_of(account, version)[1] == "Succeeded"
    return done and _published(account) is not None


def build_image(account: Account, root: Path, say: Callable[[str], None]) -> str:
    """The image's address, pinned by its digest, after building it when the source is not built yet.

    Raises:
        CommandFailed: the build failed, takes too long, or published nothing; or the source is a repository that
            has to be pushed to.
    """
    source = find_source(account)
    if source.provider != "S3":
        return _build_pushed(account, source, say)
    if forgotten := left_out(root):
        say(f"Not in the image, because git does not track it: {', '.join(forgotten)}. To have it there: git add")
    wanted = source_hash(root)
    version = _uploaded(account, wanted)
    if version is None:
        version = _upload(account, root, wanted)
        say(f"Uploaded the image's source to {source.place} (version {version})")
        execution = _await_event(account, version)
    else:
        execution, status = status_of(account, version)
        if status == "Succeeded" and (image := _published(account)):
            say("The image's source has not changed since it was built")
            return image
        if not execution:
            # Uploaded by a call that was interrupted; its event may still be on the way.
            execution = _await_event(account, version)
        elif status not in PENDING:
            say(f"The last build of this source ended {status}" if status != "Succeeded" else "The image is gone")
            execution = ""
    return _await_image(account, execution or start(account), say)


def _build_pushed(account: Account, source: Source, say: Callable[[str], None]) -> str:
    """Of a repository the pipeline hears by itself; what is here is built once it has been pushed."""
    newest = (executions(account) or [{"pipelineExecutionId": "", "status": ""}])[0]
    if newest["status"] == "Succeeded" and (image := _published(account)):
        say(f"The image is what was last built from {source.place}; push there to have another one built")
        return image
    going_on = newest["pipelineExecutionId"] if newest["status"] in PENDING else ""
    try:
        return _await_image(account, going_on or start(account), say)
    except CommandFailed as failed:
        raise CommandFailed(
            f"The image is built from {source.provider} ({source.place}). Has this project been pushed there?\n{failed}"
        ) from failed


def _uploaded(account: Account, wanted: str) -> str | None:
    """The version of the uploaded source, if it is the wanted one."""
    s3 = account.client("s3")
    try:
        found = s3.head_object(Bucket=account.names.bucket, Key=SOURCE_KEY)
    except s3.exceptions.ClientError as fault:
        if fault.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
            return None
        raise
    return str(found["VersionId"]) if found["Metadata"].get(_HASH) == wanted else None


def _upload(account: Account, root: Path, wanted: str) -> str:
    put = account.client("s3").put_object(
        Bucket=account.names.bucket, Key=SOURCE_KEY, Body=source_zip(root), Metadata={_HASH: wanted}
    )
    return str(put["VersionId"])


def _await_event(account: Account, version: str) -> str:
    """The execution that the upload itself starts; "" when none has come."""
    for _ in turns(_EVENT_SECONDS):
        if execution := status_of(account, version)[0]:
            return execution
    return ""


def _await_image(account: Account, execution: str, say: Callable[[str], None]) -> str:
    status = await_end(account, execution, say)
    if status == "Superseded":
        raise CommandFailed("A newer source overtook this one in the image pipeline. Run `make deploy` again.")
    if status != "Succeeded":
        raise CommandFailed(
            f"The image pipeline ended {status}: {reason(account, execution)}\n"
            "Mend that and run `make deploy` again: it builds once more."
        )
    image = _published(account)
    if image is None:
        raise CommandFailed(
            f"The image was built, but {account.names.image_parameter} names no image of {account.names.image}. "
            "Look at the end of the build's log."
        )
    return image


def _published(account: Account) -> str | None:
    """The image that runs use, if the repository has it."""
    image = account.parameter(account.names.image_parameter)
    if image is None:
        return None
    ecr = account.client("ecr")
    try:
        found = ecr.describe_images(
            repositoryName=account.names.image, imageIds=[{"imageDigest": image.rpartition("@")[2]}]
        )
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        return None
    return image if found["imageDetails"] else None
