"""Is the account prepared for the CDK?"""

from collections.abc import Iterator

from commands.deploy import readiness
from commands.doctor.finding import Finding, Patient, fault, ok
from commands.faults import CommandFailed


def check_bootstrap(patient: Patient) -> Iterator[Finding]:
    """The bootstrap stack is there, and new enough."""
    try:
        version = readiness.check_bootstrap(patient.account)
    except CommandFailed as failed:
        what, _, remedy = str(failed).rpartition(". ")
        yield fault(what, remedy)
        return
    yield ok(f"the CDK's bootstrap stack has version {version}")
