"""Runs the job and turns whatever ends it into SageMaker's failure file and exit code."""

import traceback

from container.layout import Layout
from container.training.failure import report_failure
from container.training.faults import TrainingFault


def train(layout: Layout) -> int:
    """Run the training job; the result is the exit code, and the failure file says why when it is not 0."""
    try:
        # Imported here because it takes seconds: a job stopped meanwhile, or an image that lacks a package, says so.
        from container.training.job import run  # noqa: PLC0415

        run(layout)
    except TrainingFault as fault:
        report_failure(layout, str(fault))
        return 1
    except Exception as fault:  # noqa: BLE001 - whatever it is, the job's owner reads it in FailureReason
        traceback.print_exc()
        report_failure(layout, f"{type(fault).__name__}: {fault}")
        return 1
    return 0
