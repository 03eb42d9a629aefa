"""What a training job reports about its candidate: `evaluation.json` in the job's `output.tar.gz`."""

import io
import json
import tarfile
from dataclasses import asdict, dataclass

EVALUATION_FILE = "evaluation.json"
# The archive also carries the fitted estimator, which may be large; the report itself is small.
MAXIMUM_REPORT_BYTES = 4 * 1024**2


class UnreadableReport(ValueError):
    """The archive holds no evaluation, or one that does not have the expected form."""


@dataclass(frozen=True)
class Scores:
    """Scores on the held-out rows, each in [0, 1]."""

    accuracy: float
    f1_macro: float
    f1_micro: float


@dataclass(frozen=True)
class Example:
    """A held-out row as text/csv and the class that the exported model answers for it offline."""

    row: str
    answer: str


@dataclass(frozen=True)
class GateCheck:
    """One rule of the gate: `value` is compared with `threshold`."""

    rule: str
    value: float
    threshold: float
    passed: bool


@dataclass(frozen=True)
class Evaluation:
    """How candidate and champion answered the same held-out rows.

    `confusion_matrix[i][j]` counts rows of class `classes[i]` that were answered with `classes[j]`.
    """

    classes: tuple[str, ...]
    train_rows: int
    test_rows: int
    candidate: Scores
    champion: Scores | None
    confusion_matrix: tuple[tuple[int, ...], ...]
    gate: tuple[GateCheck, ...]
    examples: tuple[Example, ...]

    @property
    def gate_passed(self) -> bool:
        """Whether every rule of the gate holds."""
        return all(check.passed for check in self.gate)

    def to_json(self) -> str:
        """The file's text. NaN has no place in it."""
        return json.dumps(asdict(self), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Evaluation":
        """Raises: UnreadableReport."""
        try:
            fields = json.loads(text)
            return cls(
                classes=tuple(fields["classes"]),
                train_rows=fields["train_rows"],
                test_rows=fields["test_rows"],
                candidate=Scores(**fields["candidate"]),
                champion=Scores(**fields["champion"]) if fields["champion"] else None,
                confusion_matrix=tuple(tuple(row) for row in fields["confusion_matrix"]),
                gate=tuple(GateCheck(**check) for check in fields["gate"]),
                examples=tuple(Example(**example) for example in fields["examples"]),
            )
        except (ValueError, KeyError, TypeError) as fault:
            raise UnreadableReport(f"{EVALUATION_FILE} does not have the expected form: {fault}") from fault


def read_evaluation(archive: bytes) -> Evaluation:
    """The evaluation inside a job's `output.tar.gz`.

    Raises:
        UnreadableReport: not an archive, no evaluation in it, or one larger than `MAXIMUM_REPORT_BYTES`.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.removeprefix("./") == EVALUATION_FILE:
                    if member.size > MAXIMUM_REPORT_BYTES:
                        raise UnreadableReport(f"{EVALUATION_FILE} has {member.size} bytes")
                    content = tar.extractfile(member)
                    return Evaluation.from_json(content.read() if content else b"")
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise UnreadableReport(f"not a readable archive: {fault}") from fault
    raise UnreadableReport(f"no {EVALUATION_FILE} in the archive")
