"""The models that there are: one file each under `models/`."""

from pathlib import Path

from commands.faults import CommandFailed


def check_model(models: Path, model: str) -> None:
    """Raises CommandFailed for a model without a file, with the names of those that have one."""
    names = sorted(path.stem for path in models.glob("*.toml"))
    if not model:
        raise CommandFailed(f"Which model? MODEL is one of: {', '.join(names)}")
    if model not in names:
        raise CommandFailed(f"There is no model {model!r} in {models.name}/. There are: {', '.join(names)}")
