"""A folder dropped as one dataset: `run.json` names its files, and what this one run does otherwise."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from contracts.settings import DataSettings, TrainingSettings

RUN_FILE: Final = "run.json"
CHANNELS: Final = ("train", "validation")
SETTINGS_CHANNEL: Final = "settings"
SETTINGS_FILE: Final = "settings.json"
"""The run's sections `data` and `gate`, for the training job: a hyperparameter has room for 2,500 characters."""
MAXIMUM_RUN_FILE_BYTES: Final = 64 * 1024
# What the settings of a run may differ in. Gate, approval and production protect production from a drop.
_OVERRIDABLE: Final[Mapping[str, type[DataSettings] | type[TrainingSettings]]] = {
    "data": DataSettings,
    "training": TrainingSettings,
}

FileName = Annotated[
    str, StringConstraints(pattern=r"^(train|validation)/[^/\x00-\x1f\x7f]{1,200}\.(?i:csv|csv\.gz|parquet)$")
]
Words = Annotated[str, StringConstraints(max_length=1_000)]


class InvalidRunFile(ValueError):
    """`run.json` breaks a rule. The message has one line per fault: key, rule."""


class RunFile(BaseModel):
    """The content of `run.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files: Annotated[dict[FileName, Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=100)]
    """Bytes by name, `train/…` or `validation/…`: the run starts when all are there, and takes no others."""
    hyperparameters: dict[str, str | int | float | bool] = {}
    """Instead of those of the model's settings, one by one."""
    overrides: dict[str, dict[str, Any]] = {}
    """Other settings of `data` and `training`, by section and key."""
    reason: Words = ""
    requester: Annotated[str, StringConstraints(max_length=200)] = ""

    @model_validator(mode="after")
    def _trains_on_something(self) -> Self:
        if not any(name.startswith("train/") for name in self.files):
            raise ValueError("`files` names no file under train/")
        if other := sorted(self.overrides.keys() - _OVERRIDABLE.keys()):
            allowed = " and ".join(f"`{name}`" for name in sorted(_OVERRIDABLE))
            raise ValueError(f"`overrides` may hold {allowed}, not `{other[0]}`")
        return self

    @property
    def size_bytes(self) -> int:
        """Of all files together."""
        return sum(self.files.values())


def parse_run_file(text: bytes) -> RunFile:
    """Raises: InvalidRunFile."""
    try:
        return RunFile.model_validate_json(text)
    except ValidationError as fault:
        raise InvalidRunFile(_told(fault, RUN_FILE)) from fault


def merged_settings(settings: Mapping[str, Any], run_file: RunFile) -> dict[str, Any]:
    """The resolved sections `data` and `training` of one run.

    Raises:
        InvalidRunFile: an override breaks a rule of the settings.
    """
    changed: dict[str, Any] = {}
    for name, section in _OVERRIDABLE.items():
        given = {**settings[name], **run_file.overrides.get(name, {})}
        if name == "training":
            given["hyperparameters"] = {**given["hyperparameters"], **run_file.hyperparameters}
        try:
            changed[name] = section.model_validate(given).resolved()
        except ValidationError as fault:
            raise InvalidRunFile(_told(fault, f"{RUN_FILE}: {name}")) from fault
    return changed


def _told(fault: ValidationError, where: str) -> str:
    # Names of keys come from outside: no line end of theirs may begin a line of ours.
    named = [(".".join(map(str, error["loc"])).encode("unicode_escape").decode(), error) for error in fault.errors()]
    return "\n".join(f"{where}: {name or 'file'}: {error['msg']}" for name, error in named)
