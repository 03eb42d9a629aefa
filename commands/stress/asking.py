"""Reads what `make stress` was given, and does it."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from commands.deployment import find_deployment
from commands.faults import CommandFailed
from commands.model_files import model_settings
from commands.stress.judgement import SAFETY_FACTOR
from commands.stress.profiles import RATE, SECONDS, phases
from commands.stress.report import Asked
from commands.stress.running import stress, summary, write
from commands.stress.stopping import Limits
from commands.stress.target import find_target
from infra.project import PROJECT


def ask_for_stress(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """0 when all that was planned was sent and every answer was right.

    Raises:
        CommandFailed: an option means nothing, there is no such endpoint, or it does not answer.
    """
    settings = model_settings(PROJECT.models, options.model)
    profile = options.profile or "levels"
    seconds = number("SECONDS", options.seconds, SECONDS)
    planned = phases(profile, number("RATE", options.rate, RATE), seconds)
    default = settings.production.alarms.latency_milliseconds
    objective = number("OBJECTIVE", options.objective, default) / 1000
    factor = number("FACTOR", options.factor, SAFETY_FACTOR)
    if factor > 1:
        raise CommandFailed(f"FACTOR={factor:g} would ask an instance for more than it can do; 1 is the most.")
    limits = _limits(profile, seconds if options.seconds else None)
    deployment = find_deployment()
    target = find_target(deployment, settings, options.endpoint, Path(options.rows) if options.rows else None)
    count = len(target.questions)
    say(f"{target.endpoint} gave its answers to {count} rows of {target.rows_from}. Ctrl-C stops, with a report.")
    asked = Asked(options.model, target.endpoint, profile, count, target.rows_from, objective, factor)
    told = stress(deployment, target, asked, planned, limits, say)
    say(PROJECT.told(summary(write(told, PROJECT.built))))
    return 0 if told["stopped"]["reason"] == "finished" and not told["failures"]["kinds"] else 1


def _limits(profile: str, seconds: float | None) -> Limits:
    """Schedules end by themselves; levels take as long as the endpoint does."""
    if profile != "levels":
        return Limits(seconds=math.inf)
    return Limits(seconds=seconds) if seconds else Limits()


def number(name: str, text: str, default: float) -> float:
    """A number above 0. Raises CommandFailed for anything else."""
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise CommandFailed(f"{name}={text} is no number above 0.")
    return value
