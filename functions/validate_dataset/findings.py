"""What is wrong with a dataset, and how a person is told."""

from collections.abc import Sequence
from dataclasses import dataclass

# More than this is not read in a mail, and the first rows usually show the fault of all.
MAXIMUM_FINDINGS = 10


@dataclass(frozen=True)
class Finding:
    """One broken rule. `row` is a line of the file counted from 1, `column` a position from 0 or a header's name."""

    fault: str
    row: int | None = None
    column: int | str | None = None

    def __str__(self) -> str:
        column = f'"{self.column}"' if isinstance(self.column, str) else self.column
        place = [f"row {self.row}"] if self.row is not None else []
        place += [f"column {column}"] if column is not None else []
        return f"{', '.join(place)}: {self.fault}" if place else self.fault


def explain(source_key: str, model: str, findings: Sequence[Finding]) -> str:
    """The message of a rejection: which rules, where, and what to do."""
    told = findings[:MAXIMUM_FINDINGS]
    lines = [f"{source_key} breaks the rules for {model}:", *(f"- {finding}" for finding in told)]
    if len(findings) >= MAXIMUM_FINDINGS:
        lines.append("There may be more; these are the first.")
    if any(finding.row is not None or finding.column is not None for finding in told):
        lines.append("Rows are lines of the file counted from 1; columns without a name are counted from 0.")
    lines.append(
        f"Correct the file and drop it again: make drop MODEL={model} DATASET=<file>. "
        f"The rules stand under [data] in models/{model}.toml."
    )
    return "\n".join(lines)
