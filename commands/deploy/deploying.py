"""The order of a deployment. Every step finds out what is done already, so that it can be begun again anywhere."""

from collections.abc import Callable

from commands.account import Account
from commands.deploy.cdk import Cdk
from commands.deploy.image_pipeline import build_image
from commands.deploy.readiness import await_rest, check_alone, check_bootstrap
from commands.deploy.summary import summary
from commands.doctor.examination import Report, examine
from commands.faults import CommandFailed
from infra.app import EXPLAINED as SYNTHESIS_FAULTS
from infra.project import Project
from infra.synthesise import synthesise

Say = Callable[[str], None]


def deploy(account: Account, project: Project, cdk: Cdk, say: Say) -> Report:
    """Bring everything up and examine it; the doctor's report.

    Raises:
        CommandFailed: a step could not be done; the message says what to do before deploying again.
    """
    names = account.names
    prepare(account, project, say)
    await_rest(account, say)
    say(f"Bringing up {names.stack('storage')} and {names.stack('image')}")
    cdk.deploy([names.stack("storage"), names.stack("image")])
    image = build_image(account, project.root, say)
    say(f"Runs use the image {image}")
    say(f"Bringing up {names.stack('workflow')}, {names.stack('models')} and {names.stack('operations')}")
    cdk.deploy([names.stack("workflow"), names.stack("models"), names.stack("operations")])
    report = examine(account, project)
    say(report.text())
    say(summary(account, report))
    return report


def prepare(account: Account, project: Project, say: Say) -> None:
    """What can be wrong before anything is changed, and the templates.

    Raises:
        CommandFailed: no bootstrap, no room for this deployment, or settings that break a rule.
    """
    say(f"Deployment {account.names.deployment} in account {account.names.account}, region {account.region}")
    check_bootstrap(account)
    check_alone(account)
    try:
        changed = synthesise(project)
    except SYNTHESIS_FAULTS as fault:
        raise CommandFailed(project.told(fault)) from fault
    say(f"Templates made; {len(changed)} sources had changed" if changed else "Templates are up to date")
