"""`python -m commands drop | runs | approve | … | deploy`: the make targets of the same names."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from commands.account import Account, find_account
from commands.audit import audit_table, read_audit
from commands.costs import load_prices, report
from commands.decide import decide
from commands.deployment import deployment_name, find_deployment
from commands.drop import check, drop
from commands.faults import CommandFailed
from commands.redrive import redrive
from commands.rerun import rerun
from commands.runs import find_run, list_runs, table
from contracts.settings import load_all_settings
from infra.project import PROJECT

MODELS = Path("models")
COMMENT_VARIABLE = "DECISION_COMMENT"
DEPLOYED_NOT_READY = 2
"""Exit status: everything is deployed, and releases will fail for what the doctor found."""
PRICES, COSTS = PROJECT.root / "docs" / "prices.toml", PROJECT.root / "docs" / "costs.md"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    options = _parser().parse_args(arguments)
    try:
        return int(_COMMANDS[options.command](options))
    except CommandFailed as fault:
        print(fault, file=sys.stderr)
    except (ClientError, BotoCoreError) as fault:
        print(f"AWS answered: {fault}", file=sys.stderr)
    except KeyboardInterrupt:
        print(
            "\nInterrupted. What was begun in AWS goes on there; the same command takes it up again.", file=sys.stderr
        )
    return 1


def _drop(options: argparse.Namespace) -> int:
    check(MODELS, options.model, options.dataset)
    dropped = drop(find_deployment(), options.model, options.dataset)
    return _said(f"Dropped s3://{dropped.bucket}/{dropped.key} (version {dropped.version}).\nWatch it: make runs")


def _runs(options: argparse.Namespace) -> int:
    return _said(table(list(list_runs(find_deployment(), limit=options.limit))))


def _rerun(options: argparse.Namespace) -> int:
    deployment = find_deployment()
    run = find_run(deployment, options.run)
    return _said(f"Started {rerun(deployment, run)} from the dataset of {run}.\nWatch it: make runs")


def _redrive(options: argparse.Namespace) -> int:
    deployment = find_deployment()
    run = find_run(deployment, options.run)
    return _said(f"{run} goes on in {redrive(deployment, run)}.\nWatch it: make runs")


def _decide(options: argparse.Namespace) -> int:
    deployment = find_deployment()
    run = find_run(deployment, options.run)
    return _said(decide(deployment, run, options.release, options.command, options.comment, approver=options.approver))


def _audit(options: argparse.Namespace) -> int:
    return _said(audit_table(list(read_audit(find_deployment(), options.model, options.release)), options.model))


# Synthesising needs packages that the daily commands do without, so these are imported when they are asked for.
def _deploy(_options: argparse.Namespace) -> int:
    from commands.deploy.cdk import find_cdk  # noqa: PLC0415
    from commands.deploy.deploying import deploy  # noqa: PLC0415

    report = deploy(_account(), PROJECT, find_cdk(PROJECT.root, PROJECT.assembly), _say)
    return DEPLOYED_NOT_READY if report.hindrances else 0


def _bootstrap(_options: argparse.Namespace) -> int:
    from commands.deploy.cdk import find_cdk  # noqa: PLC0415

    account = _account()
    find_cdk(PROJECT.root, PROJECT.assembly).bootstrap(account.names.account, account.region)
    return 0


def _diff(_options: argparse.Namespace) -> int:
    from commands.deploy.cdk import find_cdk  # noqa: PLC0415
    from commands.deploy.deploying import prepare  # noqa: PLC0415
    from commands.deploy.difference import difference  # noqa: PLC0415

    account, cdk = _account(), find_cdk(PROJECT.root, PROJECT.assembly)
    prepare(account, PROJECT, _say)
    return _said(difference(account, cdk, PROJECT))


def _doctor(_options: argparse.Namespace) -> int:
    from commands.doctor.examination import examine  # noqa: PLC0415

    report = examine(_account(), PROJECT)
    print(report.text())
    return 0 if report.sound else 1


def _destroy(options: argparse.Namespace) -> int:
    from commands.destroy.consent import ask  # noqa: PLC0415
    from commands.destroy.destroying import destroy  # noqa: PLC0415

    account = _account()
    ask(account, options.yes, sys.stdin)
    return _said(destroy(account, PROJECT, _say))


def _costs(_options: argparse.Namespace) -> int:
    text = report(load_prices(PRICES), deployment_name(), PROJECT.built, load_all_settings(PROJECT.models))
    COSTS.write_text(text, encoding="utf-8")
    return _said(text)


def _infer(arguments: argparse.Namespace) -> int:
    # Imported late: what reads tables is not there where only runs are looked at.
    from commands.infer import infer  # noqa: PLC0415

    return _said(infer(PROJECT, arguments.model, arguments.dataset, arguments.label))


def _stress(options: argparse.Namespace) -> int:
    # What sends requests and draws is not there where only runs are looked at.
    from commands.stress.asking import ask_for_stress  # noqa: PLC0415

    return ask_for_stress(options, _say)


def _account() -> Account:
    return find_account(deployment_name())


def _say(line: str) -> None:
    # At once: what follows may take minutes, and the CDK writes to the same place.
    print(line, flush=True)


def _said(text: str) -> int:
    print(text)
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "drop": _drop,
    "runs": _runs,
    "rerun": _rerun,
    "redrive": _redrive,
    "approve": _decide,
    "reject": _decide,
    "audit": _audit,
    "bootstrap": _bootstrap,
    "deploy": _deploy,
    "diff": _diff,
    "doctor": _doctor,
    "destroy": _destroy,
    "costs": _costs,
    "infer": _infer,
    "stress": _stress,
}

_STRESS_OPTIONS = {
    "endpoint": "production (as without it), development, or another's name",
    "profile": "levels (as without it), step, ramp, spike, day",
    "rate": "the highest, in requests a second; of levels there is none",
    "seconds": "how long the profile takes; of levels the most that they may",
    "rows": "a file of rows to ask, one a line; the last release's examples without it",
    "objective": "milliseconds that 99 of 100 requests may take; the alarm's in the model's settings without it",
    "factor": "the part of what is safe that becomes the scaling target",
}


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
    for name, text in _STRESS_OPTIONS.items():
        stressing.add_argument(f"--{name}", default="", help=text)
    destroying = commands.add_parser("destroy", help="remove everything, data included")
    destroying.add_argument("--yes", default="", help="the deployment's name, where nobody can be asked")
    return parser


if __name__ == "__main__":
    sys.exit(main())
