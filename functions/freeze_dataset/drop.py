"""Which files a run works on, and in which settings it differs from the model's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.drop import RUN_FILE, InvalidRunFile, RunFile, merged_settings, parse_run_file
from contracts.errors import DatasetRejected, DropIncomplete

_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+", re.ASCII)


@dataclass(frozen=True)
class DroppedFile:
    """One version of one object, and the channel that it is for."""

    channel: str
    key: str
    version: str
    size_bytes: int

    @property
    def name(self) -> str:
        """Within its channel."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class Request:
    """What `run.json` says beside the files; for a single file nothing."""

    settings: Mapping[str, Any]
    """Resolved sections, in the place of the model's."""
    reason: str = ""
    requester: str = ""


def is_folder(key: str) -> bool:
    """Whether a run was started by the `run.json` of a folder."""
    return key.rpartition("/")[2] == RUN_FILE


def read_request(text: bytes, settings: Mapping[str, Any]) -> tuple[RunFile, Request]:
    """Raises: DatasetRejected: the file breaks a rule."""
    try:
        run_file = parse_run_file(text)
        changed = merged_settings(settings, run_file)
    except InvalidRunFile as fault:
        raise DatasetRejected(f"{fault}\nCorrect {RUN_FILE} and drop it again.") from fault
    return run_file, Request(changed, run_file.reason, run_file.requester)


def check_requester(requester: str, approval: Mapping[str, Any]) -> None:
    """Where whoever asks for a run may not approve it, it has to be known who that is.

    Raises:
        DatasetRejected: it is not, or too few others are left to approve.
    """
    if approval["requester_may_approve"]:
        return
    if not _MAIL_ADDRESS.fullmatch(requester):
        raise DatasetRejected(
            "This model's settings say that whoever asks for a run may not approve it, so it has to be known who that "
            f'is: drop the dataset as a folder, with a {RUN_FILE} that says "requester": "<your mail address>".'
        )
    others = [each for each in approval["approvers"] if each.lower() != requester.lower()]
    if len(others) < approval["required"]:
        raise DatasetRejected(
            f"{requester} asks for this run and may not approve it, and then too few are left who may: "
            f"{approval['required']} have to, and approval.approvers of its settings names {len(others)} others."
        )


def check_size(size_bytes: int, settings: Mapping[str, Any]) -> None:
    """Raises: DatasetRejected: larger than the model's settings allow."""
    limit = settings["data"]["maximum_bytes"]
    if size_bytes > limit:
        raise DatasetRejected(f"The dataset has {size_bytes:,} bytes; the limit is {limit:,} (data.maximum_bytes).")


def check_complete(run_file: RunFile, sizes: Mapping[str, int]) -> None:
    """`sizes` are of the files that are there.

    Raises:
        DropIncomplete: one is missing, or is not as large as it shall be.
    """
    waited = []
    for name, size_bytes in run_file.files.items():
        if name not in sizes:
            waited.append(f"{name} is missing")
        elif sizes[name] != size_bytes:
            waited.append(f"{name} has {sizes[name]:,} bytes and not {size_bytes:,}")
    if waited:
        shown = "; ".join(waited[:5]) + (f"; and {len(waited) - 5} more" if len(waited) > 5 else "")
        raise DropIncomplete(f"Not all files that {RUN_FILE} names are there: {shown}.")
