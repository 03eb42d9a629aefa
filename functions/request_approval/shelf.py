"""Fetches the evidence. What cannot be read is told to the approvers, and does not keep them from being asked."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from contracts.evidence import Evidence
from contracts.reports import (
    EVALUATION_FILE,
    MAXIMUM_REPORT_BYTES,
    PLOTS_FOLDER,
    Evaluation,
    UnreadableReport,
    read_report,
)
from functions.request_approval.evidence import evidence, of_evaluation, of_profiles, of_settings
from mails.mail import Image
from tables.profiles import Profile, UnreadableProfile

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger
    from mypy_boto3_s3 import S3Client

    from functions.request_approval.question import Sources

# The report travels with the fitted estimator. To look for it in more than this would take time that the mails need.
_LARGEST_ARCHIVE_BYTES: Final = 500 * 1024**2
_LARGEST_IMAGE_BYTES: Final = 500_000
_IMAGES: Final = ("scores", "confusion_matrix", "residuals")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


class _Unread(Exception):
    """The message is a sentence for people."""


@dataclass(frozen=True)
class Shelf:
    """Reads from S3."""

    s3: "S3Client"
    logger: "Logger"

    def fetch(self, sources: "Sources") -> tuple[Evidence, tuple[Image, ...]]:
        """What an approver can look into, and the pictures for the mail."""
        parts: list[dict[str, Any]] = []
        images: tuple[Image, ...] = ()
        unread: list[str] = []
        try:
            report, images = self._report(sources)
            parts.append(report)
        except _Unread as fault:
            unread.append(str(fault))
        for read in (self._profiles, self._settings):
            try:
                parts.append(read(sources))
            except _Unread as fault:
                unread.append(str(fault))
        return evidence(*parts, unread=tuple(unread)), images

    def _report(self, sources: "Sources") -> tuple[dict[str, Any], tuple[Image, ...]]:
        images = _IMAGES if sources.compared else tuple(name for name in _IMAGES if name != "scores")
        pictures = {f"{PLOTS_FOLDER}/{name}.png": name for name in images}
        files = {EVALUATION_FILE: MAXIMUM_REPORT_BYTES, **dict.fromkeys(pictures, _LARGEST_IMAGE_BYTES)}
        bucket, _, key = sources.report_uri.removeprefix("s3://").partition("/")
        try:
            archive = self.s3.get_object(Bucket=bucket, Key=key)
            if archive["ContentLength"] > _LARGEST_ARCHIVE_BYTES:
                raise UnreadableReport(f"the archive has {archive['ContentLength']} bytes")
            found = read_report(archive["Body"], files)
            evaluation = Evaluation.from_json(found[EVALUATION_FILE])
            report = of_evaluation(evaluation if sources.compared else evaluation.alone())
        except (UnreadableReport, ClientError, BotoCoreError) as fault:
            told = "The training job's report could not be read: intervals and plots are missing."
            raise self._told(told, fault) from fault
        drawn = [Image(name, found[file]) for file, name in pictures.items() if found.get(file, b"").startswith(_PNG)]
        return report, tuple(drawn)

    def _profiles(self, sources: "Sources") -> dict[str, Any]:
        former = sources.champion.get("profile") if sources.champion else None
        try:
            now = self._profile(sources.bucket, sources.profile)
            before = self._profile(sources.bucket, former) if former else None
        except (UnreadableProfile, ClientError, BotoCoreError) as fault:
            raise self._told("What is known of the datasets could not be read.", fault) from fault
        return of_profiles(now, before)

    def _profile(self, bucket: str, key: str) -> Profile:
        return Profile.from_json(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _settings(self, sources: "Sources") -> dict[str, Any]:
        champion = sources.champion
        if champion is None or "settings" not in champion:
            return {}
        place = champion["settings"]
        try:
            stored = json.loads(self.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read())
            # What one run did otherwise than the model's settings say stands in its manifest.
            stored["training"]["hyperparameters"] = champion["hyperparameters"]
        except (ClientError, BotoCoreError, ValueError, KeyError, TypeError) as fault:
            raise self._told("The settings of the live release could not be read.", fault) from fault
        return of_settings(sources.settings, stored, str(champion["name"]))

    def _told(self, sentence: str, fault: Exception) -> _Unread:
        self.logger.warning("evidence not read", error=str(fault), told=sentence)
        return _Unread(sentence)
