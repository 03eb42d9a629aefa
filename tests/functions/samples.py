"""What several functions' tests work on: a release, a report's archive, a stored model."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from contracts.reports import Evaluation, Example, Scores

EXAMPLES = (Example("4.6,3.1,1.5,0.2", "0"), Example("7.7,2.6,6.9,2.3", "2"), Example("6.1,2.8,4.7,1.2", "1"))


def release_fields(**changed: Any) -> dict[str, Any]:
    """The dossier of the recorded approval request, with some fields replaced."""
    recorded = Path(__file__).parents[1] / "events" / "request_approval.json"
    return {**json.loads(recorded.read_text(encoding="utf-8"))["release"], **changed}


def report_archive(examples: tuple[Example, ...] = EXAMPLES) -> bytes:
    """A job's output.tar.gz with an evaluation of these examples."""
    score = Scores(0.96, 0.96, 0.96)
    evaluation = Evaluation(("0", "1", "2"), 100, 50, score, None, ((17, 0, 0), (0, 16, 1), (0, 1, 15)), (), examples)
    report = evaluation.to_json().encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("evaluation.json")
        member.size = len(report)
        tar.addfile(member, io.BytesIO(report))
    return packed.getvalue()
