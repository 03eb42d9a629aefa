"""The mail that tells one ending."""

from dataclasses import dataclass
from pathlib import Path

from contracts.scores import read_scores, summary
from functions.announce_outcome.ending import Ending
from functions.announce_outcome.outcomes import OUTCOMES, RUN_FAILED, Outcome, Step
from mails.mail import Mail
from mails.rendering import mail_templates

_STRIPES = {"good": "#14713a", "bad": "#b3261e", "calm": "#d39b10"}

_TEMPLATES = mail_templates(Path(__file__).with_name("templates"))


def announce(ending: Ending) -> Mail:
    """The mail. An outcome that is not in the table is told as an unexpected failure, under its own name."""
    known = OUTCOMES.get(ending.outcome)
    told = _fill(known or RUN_FAILED, ending)
    deployed = ending.outcome == "Model Deployed"
    words = {
        "ending": ending,
        "outcome": told,
        "headline": told.headline if known else f"The run ended unexpectedly: {ending.outcome}",
        "stripe": _STRIPES[told.tone],
        "summary": summary(ending.metrics, ending.champion) if deployed and ending.metrics else "",
        "scores": read_scores(ending.metrics) if deployed else (),
    }
    return Mail(
        subject=f"{ending.outcome}: {ending.release or ending.model or ending.run}",
        text=_TEMPLATES.get_template("announcement.txt").render(words),
        html=_TEMPLATES.get_template("announcement.html").render(words),
    )


@dataclass(frozen=True)
class _Names:
    """What the outcomes' texts may name."""

    model: str
    release: str
    serving: str
    run: str


def _fill(outcome: Outcome, ending: Ending) -> Outcome:
    names = vars(
        _Names(
            model=ending.model or "<model>",
            release=ending.release or "the candidate",
            serving=ending.champion or "what it served before",
            run=ending.run,
        )
    )
    return Outcome(
        tone=outcome.tone,
        headline=outcome.headline.format_map(names),
        production=outcome.production.format_map(names),
        steps=tuple(Step(step.text.format_map(names), step.command.format_map(names)) for step in outcome.steps),
    )
