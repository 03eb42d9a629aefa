"""Runs the CDK's command line, in the version of the project's own lock, on templates that are made already."""

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from commands.faults import CommandFailed
from infra.node import use_node
from infra.project import CannotSynthesise

_QUIET = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_VERSION_CHECK": "true", "NODE_NO_WARNINGS": "1"}


@dataclass(frozen=True)
class Cdk:
    """The command line, and the Node.js that runs it."""

    node: str
    script: Path
    assembly: Path

    def deploy(self, stacks: Iterable[str]) -> None:
        """Bring up the stacks and those they need. What has not changed is left alone.

        Raises:
            CommandFailed: a stack did not come up; CloudFormation's own words were printed before.
        """
        done = subprocess.run(
            self._command("deploy", stacks, "--require-approval", "never", "--progress", "events"),
            env={**os.environ, **_QUIET},
            check=False,
            # Addresses of stacks for other programs; what people read comes by the other way.
            stdout=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise CommandFailed(
                f"The CDK could not bring up {' and '.join(stacks)}; the reason stands above. "
                "Mend it and run `make deploy` again: it goes on from there."
            )

    def bootstrap(self, account: str, region: str) -> None:
        """Prepare an account and region for the CDK: once, and again for a newer version.

        Raises:
            CommandFailed: it could not be done; CloudFormation's own words were printed before.
        """
        command = [self.node, str(self.script), "bootstrap", f"aws://{account}/{region}", "--no-notices", "--no-color"]
        # Outside the project, whose app need not be synthesised for this.
        done = subprocess.run(command, env={**os.environ, **_QUIET}, check=False, cwd=self.script.parent)
        if done.returncode != 0:
            raise CommandFailed("The account could not be prepared for the CDK; the reason stands above.")

    def diff(self, stacks: Iterable[str]) -> str:
        """What bringing up the stacks would change, as text for people.

        Raises:
            CommandFailed: the CDK could not compare.
        """
        done = subprocess.run(
            # By the templates alone: comparing by a change set would create one, and stacks that are not there yet.
            self._command("diff", stacks, "--method", "template", "--ci"),
            env={**os.environ, **_QUIET},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise CommandFailed(f"The CDK could not compare the stacks:\n{done.stderr.strip()}")
        return done.stdout.strip()

    def _command(self, verb: str, stacks: Iterable[str], *options: str) -> list[str]:
        app = ("--app", str(self.assembly), "--no-notices", "--no-color")
        return [self.node, str(self.script), verb, *stacks, *app, *options]


def find_cdk(root: Path, assembly: Path) -> Cdk:
    """The CDK's command line under the project's `node_modules`.

    Raises:
        CommandFailed: no Node.js, one that is too old, or no command line.
    """
    try:
        use_node()
    except CannotSynthesise as fault:
        raise CommandFailed(str(fault)) from fault
    script = root / "node_modules" / "aws-cdk" / "bin" / "cdk"
    if not script.is_file():
        raise CommandFailed("The CDK's command line is missing. `make deploy` installs it; by hand: npm ci")
    return Cdk(os.environ["JSII_NODE"], script, assembly)
