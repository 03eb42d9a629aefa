"""The dossier of a release: what a person is shown before deciding about production."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.answers import Answer
from contracts.scores import Score, finite_metrics, read_scores, summary

_STRATEGIES = {"all-at-once": "all at once"}


class IncompleteRelease(ValueError):
    """A dossier lacks something that a person has to see."""


@dataclass(frozen=True)
class Release:
    """A candidate that asks for production. `rows` counts the dataset's rows, `metrics` are the training job's."""

    name: str
    model: str
    endpoint: str
    dataset_key: str
    dataset_version: str
    rows: int
    image: str
    training_job: str
    package_arn: str
    report_uri: str
    metrics: Mapping[str, float]
    champion: str | None
    smoke_answers: tuple[Answer, ...]
    warnings: tuple[str, ...]
    instance_type: str
    instance_count: int
    strategy: str
    code: str = ""
    """The commit of the product that the run was made by, or the hash of its sources; empty where that is not known."""
    hourly_usd: float | None = None
    """What the instances cost an hour by the list; None where that is not known."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Release":
        """From the JSON object that a run hands over; fields that are not named here are left alone.

        Raises:
            IncompleteRelease: a field is missing or has another form.
        """
        try:
            return cls(
                **{name: str(fields[name]) for name in _TEXTS},
                rows=int(fields["rows"]),
                metrics=finite_metrics(fields["metrics"]),
                champion=str(fields["champion"]["name"]) if fields["champion"] else None,
                smoke_answers=tuple(
                    Answer(
                        **{name: str(answer[name]) for name in ("row", "expected", "answer", "variant")},
                        right=answer["right"] is True,
                    )
                    for answer in fields["smoke_answers"]
                ),
                warnings=tuple(str(warning) for warning in fields["warnings"]),
                instance_count=int(fields["instance_count"]),
                code=_code(fields.get("code")),
                hourly_usd=float(fields["hourly_usd"]) if fields.get("hourly_usd") is not None else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise IncompleteRelease(f"the release's dossier lacks or misstates {fault}") from fault

    @property
    def scores(self) -> tuple[Score, ...]:
        """Candidate against champion."""
        return read_scores(self.metrics)

    @property
    def summary(self) -> str:
        """Candidate against champion in a sentence or two."""
        return summary(self.metrics, self.champion)

    @property
    def smoke_test(self) -> str:
        """The smoke test in a sentence."""
        right = sum(answer.right for answer in self.smoke_answers)
        rows = len(self.smoke_answers)
        return f"The development endpoint answered {right} of {rows} rows as the training job had recorded."

    @property
    def consequence(self) -> str:
        """What an approval sets going, in sentences."""
        fleet = (
            f"{self.instance_count} instances of {self.instance_type}, {_STRATEGIES.get(self.strategy, self.strategy)}"
        )
        cost = (
            ""
            if self.hourly_usd is None
            else f" They cost about {self.hourly_usd:.2f} USD an hour by the list for us-east-1; more while it scales."
        )
        if self.champion is None:
            return (
                f"Creates the endpoint {self.endpoint} with {self.name} on {fleet}. This is the first release of "
                f"{self.model}: there is no champion to go back to.{cost}"
            )
        return (
            f"Replaces {self.champion} on the endpoint {self.endpoint} with {self.name} on {fleet}. If the deployment "
            f"fails or production answers otherwise than recorded, {self.champion} is restored without asking.{cost}"
        )


def _code(told: Mapping[str, Any] | None) -> str:
    return str(told["commit"] or f"sources {told['sources']}") if told else ""


_TEXTS = (
    *("name", "model", "endpoint", "dataset_key", "dataset_version", "image", "training_job", "package_arn"),
    *("report_uri", "instance_type", "strategy"),
)
