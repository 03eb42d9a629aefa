"""What a training job reports about its candidate: `evaluation.json` in the job's `output.tar.gz`."""

import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import IO, Any, Final, Protocol, cast, get_args

from contracts.metrics import METRICS, Task

EVALUATION_FILE = "evaluation.json"
PLOTS_FOLDER: Final = "plots"
"""Beside it, with pictures of it."""
# The archive also carries the fitted estimator, which may be large; the report itself is small.
MAXIMUM_REPORT_BYTES = 4 * 1024**2
VERSION: Final = 2


class UnreadableReport(ValueError):
    """The archive holds no evaluation, or one that does not have the expected form."""


class Stream(Protocol):
    """Bytes that are read once, such as the body of an object in S3."""

    def read(self, size: int = ..., /) -> bytes:
        """At most `size` bytes."""


@dataclass(frozen=True)
class Interval:
    """The ends of a bootstrap interval."""

    lower: float
    upper: float


@dataclass(frozen=True)
class ClassScores:
    """How the held-out rows of one class were answered. None where there is nothing to divide by."""

    name: str
    rows: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose answer has a probability in one tenth of [0, 1]: the mean probability, and the share that is right."""

    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Scores:
    """One model on the held-out rows. Every metric of the task is either in `values` or, with a reason, in `undefined`.

    `intervals` holds those metrics that were resampled. `classes` and `calibration` are empty for a regression.
    """

    values: Mapping[str, float]
    undefined: Mapping[str, str] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    classes: tuple[ClassScores, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()


@dataclass(frozen=True)
class Gain:
    """Candidate against champion by one metric, in its own unit; above 0 the candidate is better."""

    metric: str
    value: float
    interval: Interval


@dataclass(frozen=True)
class Comparison:
    """Candidate against champion on the same rows. `refused_rows` are those the champion would not answer."""

    metric: str
    """The one that the gate looks at."""
    gains: tuple[Gain, ...]
    refused_rows: int

    def gain(self, metric: str) -> Gain | None:
        """By this metric; None where it is undefined for either."""
        return next((gain for gain in self.gains if gain.metric == metric), None)


@dataclass(frozen=True)
class Bootstrap:
    """How the intervals were made: one-sided `confidence` at each end, from so many resamples of the held-out rows."""

    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Importance:
    """How much worse the candidate answers when one feature's values are shuffled among the held-out rows.

    `loss` is the fall of the accuracy, or the rise of the RMSE: its mean and standard deviation over the shuffles.
    """

    feature: str
    loss: float
    deviation: float


@dataclass(frozen=True)
class Example:
    """A held-out row as text/csv and what the exported model answers for it offline."""

    row: str
    answer: str
    tolerance: float | None = None
    """How far another machine's number may be off; None: the answer is the very same text."""


@dataclass(frozen=True)
class GateCheck:
    """One rule of the gate, named after its key in the settings: `value` is compared with `threshold`.

    `value` is None where it is undefined. `reason` says in a sentence what was found and what is asked for.
    """

    rule: str
    value: float | None
    threshold: float | None
    passed: bool
    reason: str


@dataclass(frozen=True)
class Evaluation:
    """How candidate and champion answered the same held-out rows, and what the gate says about it.

    `confusion_matrix[i][j]` counts rows of class `classes[i]` that the candidate answered with `classes[j]`; empty for
    a regression. `importance` begins with the most important features and may leave out the least.
    `artefact_bytes` counts the artefact's files, `latency_milliseconds` is the model's own time for one row.
    """

    task: Task
    classes: tuple[str, ...]
    train_rows: int
    test_rows: int
    candidate: Scores
    champion: Scores | None
    comparison: Comparison | None
    bootstrap: Bootstrap
    confusion_matrix: tuple[tuple[int, ...], ...]
    importance: tuple[Importance, ...]
    latency_milliseconds: float
    artefact_bytes: int
    gate: tuple[GateCheck, ...]
    examples: tuple[Example, ...]

    @property
    def gate_passed(self) -> bool:
        """Whether every rule of the gate holds."""
        return all(check.passed for check in self.gate)

    def alone(self) -> "Evaluation":
        """The same without the champion of that time."""
        return replace(self, champion=None, comparison=None)

    def to_json(self) -> str:
        """The file's text, a line for each field. NaN has no place in it."""
        fields = {"version": VERSION, **asdict(self)}
        lines = (f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in fields.items())
        return "{" + ",\n".join(lines) + "}\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evaluation":
        """Raises: UnreadableReport."""
        try:
            fields = json.loads(text)
            version = fields.pop("version")
            if version != VERSION:
                raise UnreadableReport(f"{EVALUATION_FILE} has version {version!r}, this program reads {VERSION}")
            return _evaluation(fields)
        except UnreadableReport:
            raise
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise UnreadableReport(f"{EVALUATION_FILE} does not have the expected form: {fault!r}") from fault


def read_evaluation(archive: Stream) -> Evaluation:
    """The evaluation inside a job's `output.tar.gz`, which is read as a stream and never held as a whole.

    Raises:
        UnreadableReport: not an archive, no evaluation in it, or one larger than `MAXIMUM_REPORT_BYTES`.
    """
    return Evaluation.from_json(read_report(archive, {EVALUATION_FILE: MAXIMUM_REPORT_BYTES})[EVALUATION_FILE])


def read_report(archive: Stream, wanted: Mapping[str, int]) -> dict[str, bytes]:
    """Files of that archive, each with the most bytes that it may have. Only the evaluation has to be there.

    Raises:
        UnreadableReport: not an archive, no evaluation in it, or a file that is larger.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", archive), mode="r|gz") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if member.isfile() and name in wanted:
                    if member.size > wanted[name]:
                        raise UnreadableReport(f"{name} has {member.size} bytes")
                    content = tar.extractfile(member)
                    found[name] = content.read() if content else b""
                if len(found) == len(wanted):
                    break
    except (tarfile.TarError, EOFError, OSError, zlib.error) as fault:
        raise UnreadableReport(f"not a readable archive: {fault}") from fault
    if EVALUATION_FILE not in found:
        raise UnreadableReport(f"no {EVALUATION_FILE} in the archive")
    return found


def _evaluation(fields: dict[str, Any]) -> Evaluation:
    if fields["task"] not in get_args(Task):
        raise ValueError(f"task {fields['task']!r}")
    champion, comparison = fields.pop("champion"), fields.pop("comparison")
    return Evaluation(
        champion=_scores(champion) if champion else None,
        comparison=_comparison(comparison) if comparison else None,
        candidate=_scores(fields.pop("candidate")),
        classes=tuple(fields.pop("classes")),
        bootstrap=Bootstrap(**fields.pop("bootstrap")),
        confusion_matrix=tuple(tuple(row) for row in fields.pop("confusion_matrix")),
        importance=tuple(Importance(**each) for each in fields.pop("importance")),
        gate=tuple(GateCheck(**check) for check in fields.pop("gate")),
        examples=tuple(Example(**example) for example in fields.pop("examples")),
        **fields,
    )


def _scores(fields: dict[str, Any]) -> Scores:
    unknown = {*fields["values"], *fields["undefined"]} - METRICS.keys()
    if unknown:
        raise ValueError(f"unknown metrics {sorted(unknown)}")
    return Scores(
        values={name: float(value) for name, value in fields["values"].items()},
        undefined={name: str(reason) for name, reason in fields["undefined"].items()},
        intervals={name: Interval(**ends) for name, ends in fields["intervals"].items()},
        classes=tuple(ClassScores(**each) for each in fields["classes"]),
        calibration=tuple(CalibrationBin(**each) for each in fields["calibration"]),
    )


def _comparison(fields: dict[str, Any]) -> Comparison:
    gains = tuple(Gain(**{**gain, "interval": Interval(**gain["interval"])}) for gain in fields["gains"])
    return Comparison(fields["metric"], gains, fields["refused_rows"])
