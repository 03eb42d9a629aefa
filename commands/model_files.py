"""The models that there are, one file each under `models/`, and their settings."""

from pathlib import Path

from commands.faults import CommandFailed
from contracts.settings import InvalidSettings, ModelSettings, load_settings


def check_model(models: Path, model: str) -> None:
    """Raises CommandFailed for a model without a file, with the names of those that have one."""
    names = sorted(path.stem for path in models.glob("*.toml"))
    if not model:
        raise CommandFailed(f"Which model? MODEL is one of: {', '.join(names)}")
    if model not in names:
        raise CommandFailed(f"There is no model {model!r} in {models.name}/. There are: {', '.join(names)}")


def model_settings(models: Path, model: str) -> ModelSettings:
    """The settings of a model.

    Raises:
        CommandFailed: there is no such model, or its settings are invalid.
    """
    check_model(models, model)
    try:
        return load_settings(models / f"{model}.toml")
    except InvalidSettings as fault:
        raise CommandFailed(f"The model's settings are invalid:\n{fault}") from fault
