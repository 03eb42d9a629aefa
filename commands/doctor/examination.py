"""All checks, one after the other. One that cannot look hides none of the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from commands.account import Account
from commands.doctor.alarms import check_alarms, check_subscriptions, check_undelivered
from commands.doctor.bootstrap import check_bootstrap
from commands.doctor.finding import Check, Finding, Patient, warning
from commands.doctor.image import check_image
from commands.doctor.leases import check_leases
from commands.doctor.mail import check_mail
from commands.doctor.network import check_network
from commands.doctor.page import check_page
from commands.doctor.quotas import check_concurrency, check_instances
from commands.doctor.region import check_region
from commands.doctor.settings import check_settings
from commands.doctor.stacks import check_stacks
from commands.faults import CommandFailed
from contracts.settings import InvalidSettings, load_all_settings
from infra.deployment import load_deployment
from infra.project import Project

CHECKS: tuple[tuple[str, Check], ...] = (
    ("region", check_region),
    ("bootstrap", check_bootstrap),
    ("concurrency", check_concurrency),
    ("instances", check_instances),
    ("network", check_network),
    ("mail", check_mail),
    ("stacks", check_stacks),
    ("image", check_image),
    ("settings", check_settings),
    ("page", check_page),
    ("subscriptions", check_subscriptions),
    ("undelivered", check_undelivered),
    ("alarms", check_alarms),
    ("leases", check_leases),
)
RELEASING = frozenset({"bootstrap", "concurrency", "instances", "network", "mail", "stacks", "image", "settings"})
"""The checks whose faults make releases fail; those of the others are about what has happened before, or about the page
that `make approve` can do without.
"""
_DENIED = ("AccessDenied", "Unauthorized", "AuthorizationError")
_SIGNS = {"ok": "ok     ", "warning": "WARNING", "fault": "FAULT  "}


@dataclass(frozen=True)
class Report:
    """What all checks found, with the name of the check."""

    findings: Sequence[tuple[str, Finding]]

    @property
    def sound(self) -> bool:
        """No fault; there may be warnings."""
        return not any(finding.level == "fault" for _, finding in self.findings)

    @property
    def hindrances(self) -> list[str]:
        """The checks with a fault for which releases will fail."""
        return sorted({name for name, finding in self.findings if finding.level == "fault" and name in RELEASING})

    def text(self) -> str:
        """One line for each finding, and one below it for what to do."""
        lines = []
        for name, finding in self.findings:
            lines.append(f"{_SIGNS[finding.level]} {name:13} {finding.what}")
            if finding.remedy:
                lines.append(f"{'':22}→ {finding.remedy}")
        return "\n".join(lines)


def examine(account: Account, project: Project) -> Report:
    """Run every check.

    Raises:
        CommandFailed: the project's own settings are invalid.
    """
    try:
        patient = Patient(account, load_deployment(project.deployment_file), load_all_settings(project.models))
    except InvalidSettings as invalid:
        raise CommandFailed(project.told(invalid)) from invalid
    return Report([(name, finding) for name, check in CHECKS for finding in look(check, patient)])


def look(check: Check, patient: Patient) -> Iterator[Finding]:
    """What one check finds, or that it could not look."""
    try:
        yield from check(patient)
    except (ClientError, BotoCoreError, OSError) as hindrance:
        yield warning(f"could not be looked at: {hindrance}", _remedy(hindrance))


def _remedy(hindrance: Exception) -> str:
    code = hindrance.response["Error"]["Code"] if isinstance(hindrance, ClientError) else ""
    if any(word in code for word in _DENIED):
        return "Ask for the right that the message names, or have somebody look who has it."
    return "Try again; if it stays, look at the service in the console."
