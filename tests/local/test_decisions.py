"""The record of IAM decisions: pages of the latest, one of each kind in a file, and what was answered without any."""

import asyncio
import json
from pathlib import Path

from local.clock import Clock
from local.gateway import deciding
from local.gateway.decisions import Decision, DecisionLog


def decision(action: str = "s3:GetObject", at: str = "now", **context: str) -> Decision:
    return Decision(at, "arn:role/r/s", "r", action, "*", allowed=True, reason="", statement=None, context=context)


def test_a_full_log_forgets_the_oldest_and_still_counts_it() -> None:
    log = DecisionLog(kept=2)
    for action in ("a:A", "b:B", "c:C"):
        log.add(decision(action))
    assert [(each["number"], each["action"]) for each in log.find()] == [(2, "b:B"), (3, "c:C")]
    assert log.total == 3
    assert [each["action"] for each in log.find(after=2)] == ["c:C"]


def test_the_file_holds_one_of_each_kind_however_long_the_session(tmp_path: Path) -> None:
    file = tmp_path / "new" / "decisions.jsonl"
    log = DecisionLog(kept=1, file=file)
    for number in range(50):
        log.add(decision(at=str(number)))
        log.add(decision("iam:PassRole", **{"iam:PassedToService": "sagemaker.amazonaws.com"}))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["action"], line["context"]) for line in lines] == [
        ("s3:GetObject", {}),
        ("iam:PassRole", {"iam:PassedToService": "sagemaker.amazonaws.com"}),
    ]


def test_a_roles_call_that_nobody_decided_is_on_record(monkeypatch) -> None:
    log = DecisionLog()
    monkeypatch.setattr(deciding, "_principal", lambda key: "arn:aws:sts::1:assumed-role/r/s" if key == "ASIA" else "")

    async def served() -> None:
        pass

    async def decided() -> None:
        made = deciding._made.get()
        assert made is not None
        made.append(None)

    for call, key in ((served(), "ASIA"), (decided(), "ASIA"), (served(), "")):
        asyncio.run(deciding.watched(call, key, "GET /somewhere", Clock(1.0), log))
    (found,) = log.find()
    assert (found["role"], found["action"], found["evaluated"]) == ("r", "GET /somewhere", False)
