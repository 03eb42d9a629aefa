"""`python -m commands drop | runs | approve | reject | rerun | redrive`: the make targets of the same names."""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from commands.decide import decide
from commands.deployment import find_deployment
from commands.drop import check, drop
from commands.faults import CommandFailed
from commands.redrive import redrive
from commands.rerun import rerun
from commands.runs import find_run, list_runs, table

MODELS = Path("models")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    options = _parser().parse_args(arguments)
    try:
        print(_run(options))
    except CommandFailed as fault:
        print(fault, file=sys.stderr)
        return 1
    except (ClientError, BotoCoreError) as fault:
        print(f"AWS answered: {fault}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> str:
    if options.command == "drop":
        check(MODELS, options.model, options.dataset)
        dropped = drop(find_deployment(), options.model, options.dataset)
        return f"Dropped s3://{dropped.bucket}/{dropped.key} (version {dropped.version}).\nWatch it: make runs"
    if options.command == "runs":
        return table(list(list_runs(find_deployment(), limit=options.limit)))
    deployment = find_deployment()
    run = find_run(deployment, options.run)
    if options.command == "rerun":
        return f"Started {rerun(deployment, run)} from the dataset of {run}.\nWatch it: make runs"
    if options.command == "redrive":
        return f"{run} goes on in {redrive(deployment, run)}.\nWatch it: make runs"
    return decide(deployment, run, options.command, options.comment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="commands", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dropping = commands.add_parser("drop", help="drop a dataset")
    dropping.add_argument("--model", required=True)
    dropping.add_argument("--dataset", required=True, type=Path)
    listing = commands.add_parser("runs", help="list the runs")
    listing.add_argument("--limit", type=int, default=20)
    starting = commands.add_parser("rerun", help="start a failed run again from its dataset version")
    starting.add_argument("--run", required=True)
    redriving = commands.add_parser("redrive", help="let a run that was stopped or timed out go on")
    redriving.add_argument("--run", required=True)
    for decision in ("approve", "reject"):
        deciding = commands.add_parser(decision, help=f"{decision} what a run asks about")
        deciding.add_argument("--run", required=True)
        deciding.add_argument("--comment", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
