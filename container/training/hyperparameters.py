"""A job's hyperparameters: SageMaker hands every one over as a string."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from container.fields import quoted
from container.training.faults import InvalidHyperparameters
from contracts.settings import DataSettings, GateSettings

Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class IntegerRange:
    """The values a hyperparameter may have, both ends included."""

    minimum: int
    maximum: int
    default: int | None
    """None: as many as there are CPUs."""


INTEGERS: Final[Mapping[str, IntegerRange]] = {
    "n_estimators": IntegerRange(1, 10_000, default=120),
    "max_depth": IntegerRange(1, 64, default=10),
    "n_jobs": IntegerRange(1, 1_024, default=None),
}
_SETTINGS: Final = ("data", "gate")
# What tuning jobs and the SageMaker SDK add for themselves.
_PLATFORM_PREFIXES: Final = ("_tuning_", "sagemaker_")


@dataclass(frozen=True)
class Hyperparameters:
    """The typed values. `n_jobs` is a number of threads."""

    n_estimators: int
    max_depth: int
    n_jobs: int
    data: DataSettings
    gate: GateSettings


def parse_hyperparameters(text: str, cpus: int) -> Hyperparameters:
    """Read `hyperparameters.json`: one object of strings.

    Raises:
        InvalidHyperparameters: names every offending hyperparameter.
    """
    try:
        given = json.loads(text)
    except ValueError as fault:
        raise InvalidHyperparameters(f"hyperparameters.json is not JSON: {fault}") from fault
    if not isinstance(given, dict):
        raise InvalidHyperparameters("hyperparameters.json holds no object")
    values = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if not name.startswith(_PLATFORM_PREFIXES)
    }
    _refuse_unknown(values)
    integers = {name: _integer(name, values.get(name), allowed, cpus) for name, allowed in INTEGERS.items()}
    return Hyperparameters(
        **integers,
        data=_settings("data", values.get("data"), DataSettings),
        gate=_settings("gate", values.get("gate"), GateSettings),
    )


def _refuse_unknown(values: Mapping[str, str]) -> None:
    known = [*INTEGERS, *_SETTINGS]
    lines = []
    for name in values.keys() - known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
        lines.append(f"{quoted(name)} is unknown; did you mean {nearest}?")
    if lines:
        raise InvalidHyperparameters(f"hyperparameter {' '.join(sorted(lines))} Known: {', '.join(known)}")


def _integer(name: str, text: str | None, allowed: IntegerRange, cpus: int) -> int:
    if text is None:
        return cpus if allowed.default is None else allowed.default
    try:
        value = int(text)
    except ValueError:
        raise InvalidHyperparameters(f"hyperparameter {name} is {quoted(text)}, not an integer") from None
    if not allowed.minimum <= value <= allowed.maximum:
        raise InvalidHyperparameters(
            f"hyperparameter {name} is {value}, allowed are {allowed.minimum} to {allowed.maximum}"
        )
    return value


def _settings(name: str, text: str | None, kind: type[Settings]) -> Settings:
    if text is None:
        return kind()
    try:
        return kind.model_validate_json(text)
    except ValidationError as fault:
        lines = [f"{'.'.join(map(str, error['loc'])) or 'text'}: {error['msg']}" for error in fault.errors()]
        raise InvalidHyperparameters(f"hyperparameter {name}: {'; '.join(lines)}") from fault
