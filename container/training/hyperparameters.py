"""A job's hyperparameters: SageMaker hands every one over as a string."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from container.training.faults import InvalidHyperparameters
from contracts.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, AlgorithmName
from contracts.drop import SETTINGS_FILE
from contracts.hyperparameters import InvalidHyperparameter, Value, shown
from contracts.settings import DataSettings, GateSettings

Settings = TypeVar("Settings", bound=BaseModel)
_THREADS: Final = ("n_jobs", "nthread")
# What tuning jobs and the SageMaker SDK add for themselves.
_PLATFORM_PREFIXES: Final = ("_tuning_", "sagemaker_")


@dataclass(frozen=True)
class Hyperparameters:
    """The typed values."""

    algorithm: AlgorithmName
    values: Mapping[str, Value | None]
    """Of the algorithm's table, by their names there; None where the dataset or the task decides."""
    warnings: tuple[str, ...]
    """What is deprecated, one line each."""
    data: DataSettings
    gate: GateSettings


def parse_hyperparameters(text: str, cpus: int, settings: str = "{}") -> Hyperparameters:
    """Read `hyperparameters.json`: one object of strings. `cpus` is the number of threads when none is given.

    `settings` is the channel's file with the sections `data` and `gate`. Without it they may be hyperparameters, as
    long as they fit into the 2,500 characters that SageMaker takes of each.

    Raises:
        InvalidHyperparameters: names every offending hyperparameter.
    """
    given = {**_texts(text, "hyperparameters.json"), **_texts(settings, SETTINGS_FILE)}
    algorithm = _algorithm(given.pop("algorithm", DEFAULT_ALGORITHM))
    data = _settings("data", given.pop("data", None), DataSettings)
    gate = _settings("gate", given.pop("gate", None), GateSettings)
    try:
        reading = ALGORITHMS[algorithm].read(given)
    except InvalidHyperparameter as fault:
        names = ", ".join(ALGORITHMS[algorithm].names)
        raise InvalidHyperparameters(f"hyperparameter {fault}. {algorithm} knows {names}") from fault
    defaults = {**dict.fromkeys(_THREADS, cpus), "seed": data.seed % 2**31}
    values = {name: defaults.get(name) if value is None else value for name, value in reading.values.items()}
    return Hyperparameters(algorithm, values, reading.warnings, data, gate)


def _texts(text: str, file: str) -> dict[str, str]:
    try:
        given = json.loads(text)
    except ValueError as fault:
        raise InvalidHyperparameters(f"{file} is not JSON: {fault}") from fault
    if not isinstance(given, dict):
        raise InvalidHyperparameters(f"{file} holds no object")
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if not name.startswith(_PLATFORM_PREFIXES)
    }


def _algorithm(text: str) -> AlgorithmName:
    for name in ALGORITHMS:
        if text.strip() == name:
            return name
    known = " and ".join(get_args(AlgorithmName))
    raise InvalidHyperparameters(f"hyperparameter algorithm is {shown(text)}; there are {known}")


def _settings(name: str, text: str | None, kind: type[Settings]) -> Settings:
    if text is None:
        return kind()
    try:
        return kind.model_validate_json(text)
    except ValidationError as fault:
        lines = [f"{'.'.join(map(str, error['loc'])) or 'text'}: {error['msg']}" for error in fault.errors()]
        raise InvalidHyperparameters(f"hyperparameter {name}: {'; '.join(lines)}") from fault
