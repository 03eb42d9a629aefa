"""Runs the demo and writes `build/demo-report.json`."""

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import ClientError

from commands.deployment import Deployment, find_deployment
from commands.drop import Dropped, drop
from commands.faults import CommandFailed
from contracts.settings import load_settings
from infra.app import EXPLAINED as SYNTHESIS_FAULTS
from infra.project import PROJECT
from infra.synthesise import synthesise
from local.configuration import Configuration, InvalidConfiguration
from local.demo.browser import UnexpectedPage, answer
from local.demo.iris import KNOWN_ROWS, write_iris
from local.demo.mail import Mail, approval_link, read_mails
from local.demo.meter import PeakMemory, Stopwatch
from local.demo.watch import RunNotStarted, find_execution, follow
from local.deployer import DeploymentFailed
from local.launch import CloudNotReady, RunningCloud, deploy_product, running_cloud

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
MODEL = "iris-model"
REPORT = BUILD / "demo-report.json"
# Faults whose message says what a person needs; anything else deserves its traceback.
EXPLAINED = (
    *SYNTHESIS_FAULTS,
    InvalidConfiguration,
    CloudNotReady,
    CommandFailed,
    DeploymentFailed,
    RunNotStarted,
    UnexpectedPage,
)


@dataclass
class Report:
    """What `build/demo-report.json` holds."""

    seconds: dict[str, float] = field(default_factory=dict)
    predictions: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    status: str = "NOT_STARTED"
    peak_memory_mb: float = 0.0

    def write(self, path: Path) -> None:
        """Write the report, seconds and megabytes rounded to what can be trusted."""
        rounded = {name: round(value, 2) for name, value in self.seconds.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({**vars(self), "seconds": rounded, "peak_memory_mb": round(self.peak_memory_mb, 1)}, indent=1)
            + "\n"
        )


def main(arguments: list[str] | None = None) -> int:
    """0 when the model was deployed and both endpoints answered as they must."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--approve", action="store_true", help="answer the approval page without a person")
    options = parser.parse_args(arguments)
    report = Report()
    # `make` notes when it was called, before it set up the environment.
    begun = Stopwatch(time.monotonic() - max(0.0, time.time() - float(os.environ.get("DEMO_STARTED") or time.time())))
    try:
        configuration = Configuration.from_environment({**os.environ, "STATE_DIR": ""})
        synthesise(PROJECT)
        report.seconds["setup"] = begun.seconds()
        _in_cloud(configuration, report, approve=options.approve)
    except EXPLAINED as fault:
        print(fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    finally:
        report.seconds["total"] = begun.seconds()
        report.write(REPORT)
    return _verdict(report)


def _in_cloud(configuration: Configuration, report: Report, *, approve: bool) -> None:
    starting = Stopwatch()
    print("Starting the embedded cloud …", flush=True)
    with running_cloud(configuration, BUILD / "demo-cloud.log") as cloud:
        report.seconds["cloud_ready"] = starting.seconds()
        print(f"  ready at {cloud.endpoint} after {report.seconds['cloud_ready']:.1f} s", flush=True)
        with PeakMemory(cloud.process.pid) as memory:
            deploying = Stopwatch()
            deploy_product(cloud, lambda stack: print(f"  deployed {stack} ({deploying.seconds():.1f} s)", flush=True))
            Demo(cloud, find_deployment(cloud.session()), report, approve=approve).run()
        report.peak_memory_mb = memory.peak_mb


class Demo:
    """One run of the demo in a cloud that has the product deployed."""

    def __init__(self, cloud: RunningCloud, deployment: Deployment, report: Report, *, approve: bool) -> None:
        self._cloud = cloud
        self._deployment = deployment
        self._report = report
        self._approve = approve
        self._stepfunctions = deployment.client("stepfunctions")
        self._approved = Stopwatch()
        self._settings = load_settings(ROOT / "models" / f"{MODEL}.toml")

    def run(self) -> None:
        """Drop, watch, approve, and ask both endpoints."""
        dataset = write_iris(BUILD / "iris.csv")
        self._dropped = Stopwatch()
        dropped = drop(self._deployment, MODEL, dataset)
        print(f"\nDropped iris, 150 rows, as s3://{dropped.bucket}/{dropped.key}\n", flush=True)
        self._follow(dropped)
        if self._report.status == "SUCCEEDED":
            print()
            for endpoint in (self._settings.development_endpoint, self._settings.production_endpoint):
                self._report.predictions[endpoint] = self._predict(endpoint)

    def _follow(self, dropped: Dropped) -> None:
        execution = find_execution(self._stepfunctions, self._deployment.promote_model_arn, dropped)
        for state in follow(self._stepfunctions, execution):
            print(f"  {self._dropped.seconds():6.1f} s  {state}", flush=True)
            self._report.states.append(state)
            if state == "Request Approval":
                self._ask()
            if state == "Deploy Production" and not self._approve:
                self._approved = Stopwatch()  # a person's click is noticed when the run goes on
            if state == "Verify Production":
                self._await_answer(self._settings.production_endpoint)
                self._report.seconds["approval_to_production"] = self._approved.seconds()
        ended = self._stepfunctions.describe_execution(executionArn=execution)
        self._report.status = ended["status"]
        if ended["status"] != "SUCCEEDED":
            print(f"\nThe run ended {ended['status']}: {ended.get('error', '')}: {ended.get('cause', '')}", flush=True)

    def _ask(self) -> None:
        mail = self._await_mail()
        self._report.seconds["drop_to_mail"] = self._dropped.seconds()
        link = approval_link(mail.text)
        print(f"\n{mail.quoted()}\n\n  Open this link to decide:\n  {link}\n", flush=True)
        if self._approve:
            answer(link, "approve", mail.release, "Approved by the demo")
            print("  Answered through the page's own form: approve\n", flush=True)
        self._approved = Stopwatch()

    def _await_mail(self) -> Mail:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for mail in read_mails(self._cloud.endpoint):
                if mail.asks:
                    return mail
            time.sleep(0.1)
        raise CloudNotReady("no approval mail arrived within 30 s")

    def _await_answer(self, endpoint: str) -> None:
        runtime = self._deployment.client("sagemaker-runtime")
        deadline = time.monotonic() + 30
        while True:
            try:
                runtime.invoke_endpoint(
                    EndpointName=endpoint, ContentType="text/csv", Body=next(iter(KNOWN_ROWS)).encode()
                )
            except ClientError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _predict(self, endpoint: str) -> list[dict[str, str]]:
        runtime = self._deployment.client("sagemaker-runtime")
        answers = []
        print(f"  {endpoint}")
        for row, expected in KNOWN_ROWS.items():
            reply = runtime.invoke_endpoint(
                EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=row.encode()
            )
            found = {"class": reply["Body"].read().decode().strip(), "variant": reply["InvokedProductionVariant"]}
            verdict = "" if found["class"] == expected else "  WRONG"
            print(f"    {row}  →  class {found['class']}  (variant {found['variant']}){verdict}")
            answers.append(found)
        return answers


def _verdict(report: Report) -> int:
    expected = list(KNOWN_ROWS.values())
    found = [[answer["class"] for answer in answers] for answers in report.predictions.values()]
    right = found == [expected, expected]
    if report.status == "SUCCEEDED" and right:
        print(f"\nDone in {report.seconds['total']:.0f} s. {REPORT.relative_to(ROOT)} has the figures.")
        return 0
    print("\nThe demo did not end as it should; build/demo-cloud.log has what the cloud said.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
