"""The order of taking a deployment away. Every step finds what is still there, so it can be begun again anywhere."""

from collections.abc import Callable

from commands.account import Account
from commands.destroy import data
from commands.destroy.endpoints import remove_endpoints
from commands.destroy.logs import TRAINING_LOGS, remove_logs
from commands.destroy.releases import remove_jobs, remove_packages
from commands.destroy.runs import end_runs
from commands.destroy.stack_removal import remove_stack_named
from commands.published import pointers
from infra.project import Project

Say = Callable[[str], None]


def destroy(account: Account, project: Project, say: Say) -> str:
    """Remove everything; what AWS keeps all the same, in words.

    Raises:
        CommandFailed: something does not go; afterwards it can be called again.
    """
    names = account.names
    models = _models(account, project)
    # First, so that nobody is alarmed by what follows.
    remove_stack_named(account, names.stack("operations"), say)
    end_runs(account, say)
    remove_endpoints(account, models, say)
    remove_packages(account, models, say)
    remove_jobs(account, models, say)
    # The functions and machines before the data: they write to everything else.
    remove_stack_named(account, names.stack("workflow"), say)
    data.remove_images(account, say)
    remove_stack_named(account, names.stack("image"), say)
    data.empty_bucket(account, say)
    remove_stack_named(account, names.stack("storage"), say)
    data.remove_bucket(account)
    data.remove_tables(account, say)
    # Late: the pointers tell which models there were, should this be interrupted.
    remove_stack_named(account, names.stack("models"), say)
    data.remove_parameters(account, say)
    remove_logs(account, say)
    return _kept(account)


def _models(account: Account, project: Project) -> list[str]:
    """Those of the project and those that are deployed."""
    return sorted({path.stem for path in project.models.glob("*.toml")} | pointers(account).keys())


def _kept(account: Account) -> str:
    names = account.names
    return "\n".join(
        [
            f"Deployment {names.deployment} is removed. What stays:",
            "  its KMS keys for 7 days, without cost, until AWS deletes them",
            "  the history of its executions and deleted stacks for 90 days, which cannot be deleted",
            f"  its templates and packages in {names.asset_bucket}, which all CDK apps here share: npx cdk gc",
            f"  the log group {TRAINING_LOGS}, which all training jobs of the account share",
            "  SES identities, which you made: aws sesv2 delete-email-identity",
        ]
    )
