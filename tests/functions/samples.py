"""What several functions' tests work on: a release, a report's archive."""

import json
from pathlib import Path
from typing import Any

from contracts.reports import Example
from tests.evaluations import evaluation, packed

EXAMPLES = (Example("4.6,3.1,1.5,0.2", "0"), Example("7.7,2.6,6.9,2.3", "2"), Example("6.1,2.8,4.7,1.2", "1"))


def release_fields(**changed: Any) -> dict[str, Any]:
    """The dossier of the recorded approval request, with some fields replaced."""
    recorded = Path(__file__).parents[1] / "events" / "request_approval.json"
    return {**json.loads(recorded.read_text(encoding="utf-8"))["release"], **changed}


def report_archive(examples: tuple[Example, ...] = EXAMPLES) -> bytes:
    """A job's output.tar.gz with an evaluation of these examples."""
    return packed(evaluation(examples=examples).to_json().encode())
