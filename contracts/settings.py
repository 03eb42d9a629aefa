"""A model's settings: one TOML file under `models/`, checked when synthesising and when dropping a dataset.

The resolved settings travel through a run as JSON (`ModelSettings.resolved`), frozen at its start.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from contracts.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, AlgorithmName
from contracts.hyperparameters import as_text
from contracts.metrics import COMPARED_BY_DEFAULT, METRICS, Metric, Task
from contracts.section import InstanceType, Section
from contracts.serving import DevelopmentSettings, ProductionSettings

# SageMaker: endpoint names have at most 63 characters; "-development" is the longest suffix we add.
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){0,39}$")]
MAIL_PATTERN: Final = r"^[^@\s<>\"',;]+@[^@\s<>\"',;]+\.[^@\s<>\"',;]+$"
MailAddress = Annotated[str, StringConstraints(pattern=MAIL_PATTERN)]


def _within_a_run(seconds: int) -> int:
    # A run ends after 360 days (promote-model's TimeoutSeconds); it trains and waits for its turn before it asks.
    if seconds > 300 * 86_400:
        raise ValueError("at most 300 days")
    return seconds


class InvalidSettings(ValueError):
    """A settings file breaks a rule. The message has one line per fault: file, key, rule."""


class ColumnRules(Section):
    """What one column has to keep, the label's included. What is not said is not asked."""

    type: Literal["number", "boolean", "category"] | None = None
    """Unset: as the cells look."""
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str | int | float, ...] | None = None
    """The only values there may be. Texts for a category, numbers for a number."""
    missing: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The largest share of rows that may lack a value."""
    unique: bool = False
    """Whether no value may stand in two rows."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.maximum < self.minimum:
            raise ValueError("`maximum` is below `minimum`")
        if self.type in ("boolean", "category") and (self.minimum is not None or self.maximum is not None):
            raise ValueError("`minimum` and `maximum` are for numbers")
        if self.type == "number" and any(isinstance(value, str) for value in self.allowed or ()):
            raise ValueError("`allowed` of a column of numbers holds a text")
        return self


class DriftSettings(Section):
    """How far a column may differ from the dataset of the last release before people are warned, or it is refused."""

    warn_psi: Annotated[float, Field(gt=0)] = 0.2
    """Population stability index: below .1 is usually called stable, above .25 shifted."""
    warn_ks: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Kolmogorov-Smirnov: the largest distance between two cumulative distributions, of numbers only."""
    reject_psi: Annotated[float, Field(gt=0)] | None = None
    reject_ks: Annotated[float, Field(gt=0, le=1)] | None = None


class DataSettings(Section):
    """What a dataset of this model looks like, and the least that is worth training on."""

    label: int | str = 0
    """Column of the label: position from 0, or a name in the header."""
    header: bool | None = None
    """Whether the first line holds the columns' names. Unset: as it looks."""
    separator: Literal[",", ";", "\t"] | None = None
    """Between the cells of a CSV file. Unset: as it looks."""
    task: Literal["classification", "regression"] | None = None
    """Unset: a regression when the label holds numbers that are no classes."""
    missing_values: tuple[str, ...] = ("NA", "N/A", "null")
    """What stands for a missing value beside an empty cell and `nan`, in upper or lower case."""
    columns: dict[str, ColumnRules] = Field(default_factory=dict)
    """By the columns' names, or by their positions from 0 where there is no header."""
    other_columns: Literal["allowed", "refused"] = "allowed"
    """Columns beside those under `columns`, the label and what is ignored."""
    ignore: tuple[int | str, ...] = ()
    """Columns that the model is not given: identifiers, free text."""
    maximum_bytes: Annotated[int, Field(gt=0, le=5 * 1024**3)] = 100 * 1024**2
    """Limit of one dataset. S3 copies at most 5 GiB in one call."""
    minimum_rows: Annotated[int, Field(ge=2)] = 30
    minimum_rows_per_class: Annotated[int, Field(ge=2)] = 5
    maximum_duplicates: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The largest share of rows that may be a copy of an earlier row."""
    maximum_leakage: Annotated[float, Field(ge=0, le=1)] = 0.1
    """The largest share of validation rows that may also stand in the training files. Real tables have a few."""
    drift: DriftSettings = DriftSettings()
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.33
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 42

    @model_validator(mode="after")
    def _columns_can_be_found(self) -> Self:
        if isinstance(self.label, str) and self.header is False:
            raise ValueError("a label given by name needs a header")
        if any(isinstance(position, int) and position < 0 for position in (self.label, *self.ignore)):
            raise ValueError("a column's position counts from 0")
        if self.label in self.ignore:
            raise ValueError("the label cannot be ignored")
        return self


class TrainingSettings(Section):
    """The SageMaker training job: where it runs and the algorithm's hyperparameters."""

    instance_type: InstanceType = "ml.m5.large"
    fallback_instance_types: tuple[InstanceType, ...] = ()
    """Tried in this order when the account's quota or AWS's capacity refuses the first."""
    instance_count: Literal[1] = 1
    volume_gb: Annotated[int, Field(ge=1, le=16_384)] = 30
    maximum_seconds: Annotated[int, Field(ge=60, le=432_000)] = 3_600
    algorithm: AlgorithmName = DEFAULT_ALGORITHM
    hyperparameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """The algorithm's; `contracts/algorithms.py` has them all."""

    @property
    def hyperparameter_texts(self) -> dict[str, str]:
        """As SageMaker wants them: strings."""
        return {name: as_text(value) for name, value in self.hyperparameters.items()}

    @model_validator(mode="after")
    def _hyperparameters_fit_the_algorithm(self) -> Self:
        # What needs the dataset (is the number of classes right?) is left to the training job.
        ALGORITHMS[self.algorithm].read(self.hyperparameter_texts)
        return self

    @model_validator(mode="after")
    def _each_instance_type_once(self) -> Self:
        types = (self.instance_type, *self.fallback_instance_types)
        if len(set(types)) < len(types):
            raise ValueError("`fallback_instance_types` names a type twice, or that of `instance_type`")
        return self

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it; hyperparameters are strings."""
        return {**super().resolved(), "hyperparameters": self.hyperparameter_texts}


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class GateMinima(Section):
    """The least a metric must reach. All but `r2` are of classifications, and in [0, 1]."""

    accuracy: Share | None = None
    f1_macro: Share | None = None
    f1_micro: Share | None = None
    roc_auc: Share | None = None
    r2: Annotated[float, Field(le=1, allow_inf_nan=False)] | None = None


class GateMaxima(Section):
    """The most a metric may come to; errors of a regression are in the label's unit."""

    log_loss: Amount | None = None
    calibration_error: Share | None = None
    rmse: Amount | None = None
    mae: Amount | None = None
    latency_milliseconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The exported model's own time for one row, on the training job's instance."""
    artefact_bytes: Annotated[int, Field(gt=0)] | None = None
    """The files that are served, as they are unpacked."""


class ClassMinima(Section):
    """The least that one class must reach."""

    recall: Share | None = None
    precision: Share | None = None
    f1: Share | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of recall, precision, f1")
        return self


class GateSettings(Section):
    """What a candidate must reach before a person is asked about it; what is left out is not asked for."""

    minimum: GateMinima = GateMinima()
    maximum: GateMaxima = GateMaxima()
    classes: dict[str, ClassMinima] = Field(default_factory=dict)
    """By the class's text."""
    champion: Literal["better", "not-worse", "off"] = "not-worse"
    """`better`: the lower end of the gain's interval is above 0. `not-worse`: the gain itself is at least -`margin`.
    A first release has no champion and meets either."""
    metric: Literal["accuracy", "f1_macro", "f1_micro", "roc_auc", "log_loss", "rmse", "mae", "r2"] | None = None
    """What candidate and champion are compared by; None is accuracy, of a regression RMSE."""
    margin: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.02
    """How much worse still counts as not worse: of a score (higher is better) in its own unit, of an error (lower is
    better) as a share of the champion's."""
    confidence: Annotated[float, Field(ge=0.5, le=0.999)] = 0.999
    """One-sided: a candidate that is just as good passes `better` once in a thousand times."""

    @model_validator(mode="after")
    def _of_one_task(self) -> Self:
        classification, regression = (self.rules_of(task) for task in get_args(Task))
        if classification and regression:
            raise ValueError(
                f"`{classification[0]}` is for classes and `{regression[0]}` for a regression; a model is one of them"
            )
        return self

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it: what is not asked for is not there."""
        return self.model_dump(mode="json", exclude_none=True)

    def rules_of(self, task: Task) -> tuple[str, ...]:
        """The keys that only a model of this task can meet, such as `minimum.accuracy`."""
        named = [*(("minimum", name) for name in self.minimum.model_dump(exclude_none=True))]
        named += [("maximum", name) for name in self.maximum.model_dump(exclude_none=True)]
        keys = [f"{section}.{name}" for section, name in named if name in METRICS and METRICS[name].task == task]
        if self.classes and task == "classification":
            keys.append("classes")
        if self.metric and METRICS[self.metric].task == task:
            keys.append("metric")
        return tuple(keys)

    def compared_by(self, task: Task) -> Metric:
        """The metric that candidate and champion of this task are compared by."""
        return METRICS[self.metric or COMPARED_BY_DEFAULT[task]]


class ApprovalSettings(Section):
    """Who is asked, who of them may decide, and for how long."""

    approvers: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    required: Literal[1, 2] = 1
    """So many different people have to approve. One is enough to reject."""
    requester_may_approve: bool = True
    """Otherwise a `run.json` has to name its requester by mail address, and that person is not asked."""
    expires_after_seconds: Annotated[int, Field(ge=60), AfterValidator(_within_a_run)] = 7 * 86_400
    remind_before_seconds: Annotated[int, Field(ge=0)] = 86_400
    """So long before the end those who have not answered are asked again; 0: nobody is."""
    escalation: MailAddress | None = None
    """Is asked when the others are reminded, and may decide as they may."""

    @model_validator(mode="after")
    def _somebody_can_decide(self) -> Self:
        people = {address.lower() for address in self.approvers}
        if len(people) < len(self.approvers):
            raise ValueError("`approvers` names somebody twice")
        if len(people) < self.required:
            raise ValueError(f"`required` is {self.required}, and `approvers` names {len(people)}")
        if self.escalation and self.escalation.lower() in people:
            raise ValueError("`escalation` is one of `approvers`: name somebody else")
        return self

    @model_validator(mode="after")
    def _reminds_in_time(self) -> Self:
        given = "remind_before_seconds" in self.model_fields_set
        if given and self.remind_before_seconds >= self.expires_after_seconds:
            raise ValueError("`remind_before_seconds` is not below `expires_after_seconds`")
        if self.escalation and not self.reminds:
            raise ValueError("`escalation` is asked when the others are reminded: set `remind_before_seconds`")
        return self

    @property
    def reminds(self) -> int:
        """Seconds before the end. Where only the end is given, and the usual time is no less, nobody is reminded."""
        return self.remind_before_seconds if self.remind_before_seconds < self.expires_after_seconds else 0

    def resolved(self) -> dict[str, Any]:
        """The section as a run carries it."""
        return {**super().resolved(), "remind_before_seconds": self.reminds}


class LeaseSettings(Section):
    """Which run goes first when several of a model come to be released at once. Newer and older is by the drop."""

    policy: Literal["newest", "oldest", "hold"] = "newest"
    """`newest`: the newest dataset wins, and a pending question about an older one is withdrawn. `hold`: the newest
    wins, but a pending question stays until it is decided. `oldest`: every run has its turn, the oldest first."""


class ModelSettings(Section):
    """All settings of one model."""

    name: ModelName
    owners: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    """Who hears how runs end."""
    data: DataSettings = DataSettings()
    training: TrainingSettings = TrainingSettings()
    gate: GateSettings = GateSettings()
    approval: ApprovalSettings
    lease: LeaseSettings = LeaseSettings()
    development: DevelopmentSettings = DevelopmentSettings()
    production: ProductionSettings = ProductionSettings()

    @property
    def development_endpoint(self) -> str:
        """Its name."""
        return f"{self.name}-development"

    @property
    def production_endpoint(self) -> str:
        """Its name."""
        return f"{self.name}-production"

    def resolved(self) -> dict[str, Any]:
        """The settings as the JSON object a run carries."""
        names = ("training", "gate", "approval", "development", "production")
        sections = {each: getattr(self, each).resolved() for each in names}
        settings = {**self.model_dump(mode="json"), **sections}
        settings["development"]["endpoint"] = self.development_endpoint
        settings["production"]["endpoint"] = self.production_endpoint
        return settings


def load_settings(path: Path) -> ModelSettings:
    """Read one model's settings.

    Raises:
        InvalidSettings: the file is no TOML, or breaks a rule; one line per fault, with file, key and rule.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise InvalidSettings(f"{path}: not valid TOML: {fault}") from fault
    table.setdefault("name", path.stem)
    try:
        settings = ModelSettings.model_validate(table)
    except ValidationError as fault:
        lines = [f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in fault.errors()]
        raise InvalidSettings("\n".join(lines)) from fault
    if settings.name != path.stem:
        raise InvalidSettings(f"{path}: name: is {settings.name!r}, must be the file's name {path.stem!r}")
    return settings


def load_all_settings(folder: Path) -> dict[str, ModelSettings]:
    """Every model under `folder` by name, in order of their names.

    Raises:
        InvalidSettings: with the faults of all files together, or when there is no file.
    """
    settings, faults = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            settings[path.stem] = load_settings(path)
        except InvalidSettings as fault:
            faults.append(str(fault))
    if not settings and not faults:
        faults.append(f"{folder}: no settings found; add one TOML file per model")
    if faults:
        raise InvalidSettings("\n".join(faults))
    return settings
