"""The manifest of a release, as *Record Release* writes it into the ledger: what serves, how it was made, who said yes.

Items of a model have `pk` = `model#<model>`. `sk` is `champion` of the release that serves, `release#<number>` of each
that was made, and `release#<number>#<time>` each time that one was gone back to.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.scores import Score, read_scores


@dataclass(frozen=True)
class Variant:
    """A place in the production endpoint. `weight` is its share of the requests, from 0 to 1."""

    name: str
    release: str
    weight: float

    @property
    def number(self) -> int:
        """The release's."""
        return release_number(self.release)


@dataclass(frozen=True)
class Manifest:
    """One release. Fields that releases had not from the beginning are empty in old manifests."""

    name: str
    number: int
    released_at: str
    """ISO 8601 in UTC: when it came to serve."""
    run: str
    """ARN of the execution that deployed it."""
    dataset_key: str
    dataset_version: str
    dataset_sha256: str
    image: str
    training_job: str
    model_data_url: str
    artefact_sha256: str
    settings: str
    """`s3://` address of the settings; its key is the hash of their content."""
    template_url: str
    """The endpoint template that it was deployed with, likewise."""
    strategy: str
    code: str
    hyperparameters: Mapping[str, str]
    metrics: Mapping[str, float]
    approved_by: str
    approved_at: str
    comment: str
    requester: str
    """Who asked to go back to it; empty where nobody did."""
    reason: str
    variants: tuple[Variant, ...]

    @classmethod
    def from_text(cls, text: str) -> "Manifest":
        """From the JSON in the ledger.

        Raises:
            ValueError: not such a text.
        """
        try:
            return cls._from_fields(json.loads(text))
        except (KeyError, TypeError, AttributeError) as fault:
            raise ValueError(f"a manifest lacks or misstates {fault}") from fault

    @classmethod
    def _from_fields(cls, told: Mapping[str, Any]) -> "Manifest":
        settings, approval, asked = told["settings"], told["approval"], told.get("asked") or {}
        code = told.get("code") or {}
        former = [{"name": "model-a", "release": told["name"], "weight": 1}]
        return cls(
            **{name: str(told[name]) for name in _TEXTS},
            number=int(told["number"]),
            artefact_sha256=str(told.get("artefact_sha256") or ""),
            settings=f"s3://{settings['bucket']}/{settings['key']}",
            strategy=str(told.get("strategy") or "all-at-once"),
            code=str(code.get("commit") or code.get("sources") or ""),
            hyperparameters={name: str(value) for name, value in told["hyperparameters"].items()},
            metrics=told["metrics"],
            approved_by=str(approval["by"]),
            approved_at=str(approval["at"]),
            comment=str(approval.get("comment") or ""),
            requester=str(asked.get("requester") or ""),
            reason=str(asked.get("reason") or ""),
            variants=tuple(
                Variant(str(each["name"]), str(each["release"]), float(each["weight"]))
                for each in told.get("variants") or former
            ),
        )

    @property
    def scores(self) -> tuple[Score, ...]:
        """What it reached, beside the champion that it was compared with."""
        return read_scores(self.metrics)


def release_number(release: str) -> int:
    """The number that a release's name ends in.

    Raises:
        ValueError: it ends in none.
    """
    return int(release.rpartition("-")[2])


_TEXTS = (
    *("name", "released_at", "run", "dataset_key", "dataset_version", "dataset_sha256", "image", "training_job"),
    *("model_data_url", "template_url"),
)
