"""SageMaker's failure file: why a job failed."""

import sys
from typing import Final

from container.layout import Layout

# DescribeTrainingJob returns at most this much of the failure file.
_REASON_CHARACTERS: Final = 1_024


def report_failure(layout: Layout, reason: str) -> None:
    """Write `reason`, as one line, into the failure file and to the log."""
    line = " ".join(reason.split())[:_REASON_CHARACTERS]
    print(f"training failed: {line}", file=sys.stderr, flush=True)
    layout.failure.parent.mkdir(parents=True, exist_ok=True)
    layout.failure.write_text(line, encoding="utf-8")
