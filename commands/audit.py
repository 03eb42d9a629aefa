"""Shows what happened about a model's approvals: who was asked, looked, decided and was reminded."""

from collections.abc import Iterator, Sequence

from commands.columns import aligned
from commands.deployment import Deployment
from contracts.audit import AuditEntry

_HEAD = ("TIME", "EVENT", "RELEASE", "WHO", "FROM", "DETAIL")


def read_audit(deployment: Deployment, model: str, release: str = "") -> Iterator[AuditEntry]:
    """The entries about a model, or about one release of it, oldest first."""
    pages = (
        deployment.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=deployment.audit_table,
            KeyConditionExpression="pk = :model",
            ExpressionAttributeValues={":model": {"S": f"model#{model}"}},
            ConsistentRead=True,
        )
    )
    entries = (AuditEntry.from_item(item) for page in pages for item in page["Items"])
    return (entry for entry in entries if release in ("", entry.release))


def audit_table(entries: Sequence[AuditEntry], model: str) -> str:
    """The entries as text, one line each. `FROM` tells visitors' addresses apart."""
    if not entries:
        return f"Nobody was asked about a release of {model} yet."
    return "\n".join(aligned([_HEAD, *(_row(entry) for entry in entries)]))


def _row(entry: AuditEntry) -> tuple[str, ...]:
    # A comment may have several lines; whatever else a person typed was cleaned before it was stored.
    detail = " / ".join(entry.detail.splitlines())
    return (entry.at, entry.event, entry.release, entry.who, entry.source, detail)
