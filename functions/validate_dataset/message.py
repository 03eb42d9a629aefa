"""How a person is told that a dataset was rejected."""

from collections.abc import Sequence

from tables.findings import MAXIMUM_FINDINGS, Finding


def explain(source_key: str, model: str, findings: Sequence[Finding]) -> str:
    """The message of a rejection: which rules, where, and what to do."""
    told = findings[:MAXIMUM_FINDINGS]
    lines = [f"{source_key} breaks the rules for {model}:", *(f"- {finding}" for finding in told)]
    if len(findings) >= MAXIMUM_FINDINGS:
        lines.append("There may be more; these are the first.")
    if any(finding.rows or finding.column is not None for finding in told):
        lines.append("Rows are lines of the file counted from 1; columns without a name are counted from 0.")
    lines.append(
        f"Correct the file and drop it again: make drop MODEL={model} DATASET=<file>. "
        f"The rules stand under [data] in models/{model}.toml."
    )
    return "\n".join(lines)
