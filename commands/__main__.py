"""`python -m commands drop | runs | approve | … | deploy`: the make targets of the same names."""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from commands.account import Account, find_account
from commands.audit import audit_table, read_audit
from commands.costs import load_prices, report
from commands.decide import decide
from commands.deployment import Deployment, deployment_name, find_deployment
from commands.drop import check, drop
from commands.faults import CommandFailed
from commands.model_files import check_model
from commands.options import make_parser
from commands.redrive import redrive
from commands.releases.asking import Asker, rollback, shift_traffic
from commands.releases.ledger import Releases, read_releases
from commands.releases.listing import manifest_text, releases_table
from commands.rerun import rerun
from commands.runs import find_run, list_runs, table
from contracts.settings import load_all_settings
from infra.project import PROJECT

MODELS = Path("models")
DEPLOYED_NOT_READY = 2
"""Exit status: everything is deployed, and releases will fail for what the doctor found."""
PRICES, COSTS = PROJECT.root / "docs" / "prices.toml", PROJECT.root / "docs" / "costs.md"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    options = make_parser().parse_args(arguments)
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
    entries = list(read_audit(find_deployment(), options.model, options.release))
    if not entries:
        check_model(MODELS, options.model)
    return _said(audit_table(entries, options.model))


def _read_releases(deployment: Deployment, model: str) -> Releases:
    """Those of a model that may be gone from `models/`; one that never was is a slip."""
    releases = read_releases(deployment, model)
    if not releases.made:
        check_model(MODELS, model)
    return releases


def _releases(options: argparse.Namespace) -> int:
    releases = _read_releases(find_deployment(), options.model)
    return _said(manifest_text(releases.named(options.release)) if options.release else releases_table(releases))


def _rollback(options: argparse.Namespace) -> int:
    deployment = find_deployment()
    releases = _read_releases(deployment, options.model)
    target, run = rollback(deployment, releases, options.to, _asker(options))
    return _said(f"{run} goes back to {target.name}, once that is approved.\nWatch it: make runs")


def _shift_traffic(options: argparse.Namespace) -> int:
    deployment = find_deployment()
    releases = _read_releases(deployment, options.model)
    to: Literal["older", "newer"] = "newer" if options.command == "ab-promote" else "older"
    target, run = shift_traffic(deployment, releases, to, _asker(options))
    return _said(f"{run} gives {target.name} all requests.\nWatch it: make runs")


def _asker(options: argparse.Namespace) -> Asker:
    return Asker(options.requester, options.comment, datetime.now(UTC))


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


def _elasticity(_options: argparse.Namespace) -> int:
    # What draws is not there where only runs are looked at.
    from commands.elasticity.asking import compare  # noqa: PLC0415

    return compare(_say)


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
    "releases": _releases,
    "rollback": _rollback,
    "ab-promote": _shift_traffic,
    "ab-rollback": _shift_traffic,
    "bootstrap": _bootstrap,
    "deploy": _deploy,
    "diff": _diff,
    "doctor": _doctor,
    "destroy": _destroy,
    "costs": _costs,
    "infer": _infer,
    "stress": _stress,
    "elasticity": _elasticity,
}


if __name__ == "__main__":
    sys.exit(main())
