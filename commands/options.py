"""What the commands take."""

import argparse
import os
from pathlib import Path

COMMENT_VARIABLE = "DECISION_COMMENT"
"""What people write reaches a command by this variable where it must not pass through a shell."""

STRESS_OPTIONS = {
    "endpoint": "production (as without it), development, or another's name",
    "profile": "levels (as without it), step, ramp, spike, day",
    "rate": "the highest, in requests a second; of levels there is none",
    "seconds": "how long the profile takes; of levels the most that they may",
    "rows": "a file of rows to ask, one a line; the last release's examples without it",
    "objective": "milliseconds that 99 of 100 requests may take; the alarm's in the model's settings without it",
    "factor": "the part of what is safe that becomes the scaling target",
}


def make_parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    parser = argparse.ArgumentParser(
        prog="commands", description="python -m commands …: the make targets of the same names."
    )
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
        deciding.add_argument("--release", default="", help="its name, as the mail shows it")
        deciding.add_argument("--by", dest="approver", default="", help="for which approver, where that matters")
        deciding.add_argument(
            "--comment",
            default=os.environ.get(COMMENT_VARIABLE, ""),
            help=f"why; {COMMENT_VARIABLE} where it must not pass through a shell",
        )
    auditing = commands.add_parser("audit", help="show who was asked, looked and decided")
    auditing.add_argument("--model", required=True)
    auditing.add_argument("--release", default="", help="of this release only")
    releasing = commands.add_parser("releases", help="list a model's releases, or show all about one")
    releasing.add_argument("--model", required=True)
    releasing.add_argument("--release", default="", help="its name or number")
    for name, does in (
        ("rollback", "go back to a release without training, once that is approved"),
        ("ab-promote", "give the newer of two releases that serve all requests"),
        ("ab-rollback", "give the older of two releases that serve all requests"),
    ):
        asking = commands.add_parser(name, help=does)
        asking.add_argument("--model", required=True)
        asking.add_argument("--requester", default="", help="who asks, by mail address")
        asking.add_argument("--comment", default=os.environ.get(COMMENT_VARIABLE, ""), help="why")
        if name == "rollback":
            asking.add_argument("--to", default="", help="the release's name or number; else the one before")
    commands.add_parser("bootstrap", help="prepare the account for the CDK, once")
    commands.add_parser("deploy", help="bring everything up, or to what is here")
    commands.add_parser("diff", help="show what a deployment would change")
    commands.add_parser("doctor", help="look for what would keep the deployment from working")
    commands.add_parser("costs", help="compute docs/costs.md from docs/prices.toml")
    inferring = commands.add_parser("infer", help="propose a model's settings from a dataset")
    inferring.add_argument("--model", required=True)
    inferring.add_argument("--dataset", required=True, type=Path)
    inferring.add_argument("--label", default="", help="the label's name, or its position from 0")
    stressing = commands.add_parser("stress", help="put load on an endpoint")
    stressing.add_argument("--model", required=True)
    for name, text in STRESS_OPTIONS.items():
        stressing.add_argument(f"--{name}", default="", help=text)
    commands.add_parser("elasticity", help="compare scaling policies on the same traffic, in simulated time")
    destroying = commands.add_parser("destroy", help="remove everything, data included")
    destroying.add_argument("--yes", default="", help="the deployment's name, where nobody can be asked")
    return parser
