"""How a run ended, as the state machine tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.reports import GateCheck
from contracts.scores import finite_metrics
from functions.announce_outcome.gate import GateRule, tell_gate
from functions.announce_outcome.reasons import human_reason


@dataclass(frozen=True)
class Ending:
    """`outcome` is the end state's name. `champion` is the release that production served when the run asked.

    `redrives` counts how often the run was redriven before it ended so: each end is told of.
    """

    outcome: str
    reason: str
    run: str
    redrives: int
    model: str
    dataset_key: str
    release: str | None
    champion: str | None
    metrics: Mapping[str, float]
    gate: tuple[GateRule, ...]
    owners: tuple[str, ...]

    @classmethod
    def from_event(cls, event: Mapping[str, Any], checks: Sequence[GateCheck] = ()) -> "Ending":
        """Lenient: what a run did not come to know is left out, because people must hear of its end all the same.

        `checks` are the gate's, where it is what ended the run.
        """
        return cls(
            outcome=str(event["outcome"]),
            reason=human_reason(str(event.get("error") or ""), str(event.get("cause") or "")),
            run=str(event["run"]),
            redrives=int(event.get("redrives") or 0),
            model=str(event.get("model") or ""),
            dataset_key=str(event.get("dataset_key") or ""),
            release=event.get("release") or None,
            champion=event.get("champion") or None,
            metrics=finite_metrics(event.get("metrics") or {}),
            gate=tell_gate(checks),
            owners=tuple(dict.fromkeys(event.get("owners") or ())),
        )

    @property
    def told(self) -> str:
        """The reason with the gate's unmet rules, as one text."""
        unmet = [rule.text for rule in self.gate if not rule.met]
        return "\n".join([self.reason, *(f"- {text}" for text in unmet)])
