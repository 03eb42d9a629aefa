"""The audit as a person reads it."""

import boto3
import pytest
from moto import mock_aws

from commands.audit import audit_table, read_audit
from commands.deployment import Deployment
from contracts.audit import AuditEntry
from tests.functions.approvals import create_table

ENTRIES = [
    AuditEntry("2026-11-23T05:00:01.000Z", "asked", "iris-model", "iris-model-3", "run-1", "link issued to a@example.com"),
    AuditEntry("2026-11-23T06:00:00.000Z", "viewed", "iris-model", "iris-model-3", "run-1", "link issued to a@example.com", "aa11"),
    AuditEntry("2026-11-23T06:01:00.000Z", "rejected", "iris-model", "iris-model-3", "run-1", "link issued to a@example.com", "aa11", "Two\nlines."),
    AuditEntry("2026-11-24T06:01:00.000Z", "asked", "iris-model", "iris-model-4", "run-2", "link issued to a@example.com"),
]  # fmt: skip


@pytest.fixture
def deployment(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        dynamodb = session.client("dynamodb")
        create_table(dynamodb, "audit")
        for number, entry in enumerate(reversed(ENTRIES)):
            dynamodb.put_item(TableName="audit", Item=entry.item(f"unique-{number}"))
        dynamodb.put_item(TableName="audit", Item=AuditEntry("t", "asked", "iris", "iris-1", "run", "x").item("y"))
        yield Deployment(session, "bucket", "machine", "decide", "audit", "ledger")


def test_entries_come_in_the_order_of_time_for_one_model(deployment):
    assert list(read_audit(deployment, "iris-model")) == ENTRIES
    assert list(read_audit(deployment, "iris-model", "iris-model-4")) == ENTRIES[3:]
    assert list(read_audit(deployment, "wine")) == []


def test_entries_are_lines_of_a_table():
    lines = audit_table(ENTRIES, "iris-model").splitlines()
    assert len(lines) == 1 + len(ENTRIES)
    assert lines[0].split() == ["TIME", "EVENT", "RELEASE", "WHO", "FROM", "DETAIL"]
    assert lines[3].endswith("rejected  iris-model-3  link issued to a@example.com  aa11  Two / lines.")
    assert lines[3].index("aa11") == lines[0].index("FROM")


def test_nothing_is_said_as_such():
    assert audit_table([], "wine") == "Nobody was asked about a release of wine yet."
