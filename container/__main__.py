"""`python -m container [train|serve]`."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from container.layout import Layout

USAGE = "usage: python -m container [train|serve]"


def command(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """`train` or `serve`; None when the arguments say neither.

    SageMaker passes the word as the only argument. The SageMaker SDK's local mode passes none when it trains, but
    sets TRAINING_JOB_NAME.
    """
    if not arguments:
        return "train" if environment.get("TRAINING_JOB_NAME") else "serve"
    return arguments[0] if list(arguments) in (["train"], ["serve"]) else None


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; the result is the process's exit code."""
    layout = Layout(Path(environment.get("SAGEMAKER_BASE_DIR") or "/opt/ml"))
    # Imported where needed: a server must not load what only training needs, nor wait for it.
    match command(arguments, environment):
        case "train":
            from container.training.entry import train  # noqa: PLC0415
            from container.training.supervisor import supervise  # noqa: PLC0415

            return supervise(layout, train)
        case "serve":
            from container.serving.entry import serve  # noqa: PLC0415

            return serve(layout, environment)
        case _:
            print(USAGE, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
