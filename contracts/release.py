"""The dossier of a release: what a person is shown before deciding about production."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.answers import Answer
from contracts.rollout import Strategy, in_words, serves_beside
from contracts.scores import Score, finite_metrics, read_scores, summary


class IncompleteRelease(ValueError):
    """A dossier lacks something that a person has to see."""


@dataclass(frozen=True)
class Rollback:
    """Why a release that was made before is to serve again. `requester` is empty where nobody gave a name."""

    requester: str
    reason: str


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
    strategy: Strategy
    """As the settings resolve it, or its kind alone."""
    code: str = ""
    """The commit of the product that the run was made by, or the hash of its sources; empty where that is not known."""
    hourly_usd: float | None = None
    """What the instances cost an hour by the list; None where that is not known."""
    rollback: Rollback | None = None
    """Of a release that is gone back to; it was compared with the champion of its time, which says nothing today."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Release":
        """From the JSON object that a run hands over; fields that are not named here are left alone.

        Raises:
            IncompleteRelease: a field is missing or has another form.
        """
        try:
            rollback = _rollback(fields.get("rollback"))
            metrics = finite_metrics(fields["metrics"])
            return cls(
                **{name: str(fields[name]) for name in _TEXTS},
                rows=int(fields["rows"]),
                metrics=_of_its_own(metrics) if rollback else metrics,
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
                strategy=_strategy(fields["strategy"]),
                code=_code(fields.get("code")),
                hourly_usd=float(fields["hourly_usd"]) if fields.get("hourly_usd") is not None else None,
                rollback=rollback,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise IncompleteRelease(f"the release's dossier lacks or misstates {fault}") from fault

    @property
    def scores(self) -> tuple[Score, ...]:
        """Candidate against champion."""
        return read_scores(self.metrics)

    @property
    def question(self) -> str:
        """What people are asked."""
        return f"Go back to {self.name} in production?" if self.rollback else f"Release {self.name} to production?"

    @property
    def summary(self) -> str:
        """Candidate against champion in a sentence or two, after what is to be gone back to and why."""
        scores = summary(self.metrics, self.compared_with)
        return f"{self.wish} {scores}" if self.wish else scores

    @property
    def wish(self) -> str:
        """Who asks to go back to it and why, in a sentence; empty for a candidate."""
        return _asked(self.rollback, self.champion) if self.rollback else ""

    @property
    def compared_with(self) -> str | None:
        """The champion, where the metrics compare with it."""
        return None if self.rollback else self.champion

    @property
    def smoke_test(self) -> str:
        """The smoke test in a sentence."""
        right = sum(answer.right for answer in self.smoke_answers)
        rows = len(self.smoke_answers)
        return f"The development endpoint answered {right} of {rows} rows as the training job had recorded."

    @property
    def consequence(self) -> str:
        """What an approval sets going, in sentences."""
        instances = f"{self.instance_count} instances of {self.instance_type}"
        cost = (
            ""
            if self.hourly_usd is None
            else f" They cost about {self.hourly_usd:.2f} USD an hour by the list for us-east-1; more while it scales."
        )
        if self.champion is None:
            # Nothing can be shifted from, or served beside, what is not there.
            return (
                f"Creates the endpoint {self.endpoint} with {self.name} on {instances}, all at once. This is the first "
                f"release of {self.model}: there is no champion to go back to.{cost}"
            )
        if serves_beside(self.strategy) and self.rollback is None:
            return (
                f"Puts {self.name} beside {self.champion} on the endpoint {self.endpoint}, on {instances} of its own: "
                f"{in_words(self.strategy)}. A release older than {self.champion} that still serves there goes. If the "
                "deployment fails or production answers otherwise than recorded, what serves now is restored without "
                f"asking.{cost}"
            )
        how = "all at once" if serves_beside(self.strategy) else in_words(self.strategy)
        alone = " What serves beside it goes." if serves_beside(self.strategy) else ""
        joint = "," if how == "all at once" else ":"
        return (
            f"Replaces {self.champion} on the endpoint {self.endpoint} with {self.name} on {instances}{joint} {how}. "
            f"If the deployment fails or production answers otherwise than recorded, "
            f"{self.champion} is restored without asking.{alone}{cost}"
        )


def _strategy(told: Strategy) -> Strategy:
    if not isinstance(told, str | Mapping):
        raise TypeError("strategy")
    return told


def _rollback(told: Mapping[str, Any] | None) -> Rollback | None:
    return Rollback(str(told["requester"]), str(told["reason"])) if told else None


def _of_its_own(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if not name.startswith(("champion_", "gain"))}


def _asked(rollback: Rollback, champion: str | None) -> str:
    """Who wants what, and why."""
    reason = rollback.reason.strip()
    return "".join(
        (
            "This was released before and is to serve again",
            f" instead of {champion}" if champion else "",
            f", asks {rollback.requester}" if rollback.requester else "",
            f": {reason.rstrip('.')}." if reason else ".",
        )
    )


def _code(told: Mapping[str, Any] | None) -> str:
    return str(told["commit"] or f"sources {told['sources']}") if told else ""


_TEXTS = (
    *("name", "model", "endpoint", "dataset_key", "dataset_version", "image", "training_job", "package_arn"),
    *("report_uri", "instance_type"),
)
