"""The way out of an execution: API clients under the machine's role, and questions about what the role may do."""

from collections.abc import Callable
from typing import Any

from botocore.handlers import handle_copy_source_param

from local import credentials
from local.faults.origin import name_in
from local.stepfunctions.permissions import PRINCIPAL


def assume_role(role_arn: str, machine_arn: str) -> credentials.Credentials:
    """A session for Step Functions. Raises ClientError AccessDenied when the role does not trust it."""
    # One session a machine: clients are kept by their credentials, and making one takes long.
    name = machine_arn.rpartition(":")[2]
    return credentials.role_credentials(role_arn, PRINCIPAL, name, source_arn=machine_arn)


def authorize(session: credentials.Credentials, action: str, resource: str, region: str) -> None:
    """Raises PermissionError when the session may not do it."""
    from local.gateway.authorization import Denied
    from local.gateway.authorization import authorize as decide

    try:
        # The rule is Step Functions' own, which policies can demand.
        decide(session, action, resource, region, {"events:ManagedBy": PRINCIPAL})
    except Denied as fault:
        raise PermissionError(str(fault)) from fault


def clients_for(machine_arn: str) -> Callable[[str, str, str], Any]:
    """The clients of one execution's tasks: (service, region, role ARN) → client. Raises ClientError."""

    def client(service: str, region: str, role_arn: str) -> Any:
        made = credentials.client(service, region, assume_role(role_arn, machine_arn), validate=False)
        if service == "s3":
            # boto3 encodes a copy's source; a definition has encoded it, because AWS's Step Functions does not.
            made.meta.events.unregister("before-parameter-build.s3.CopyObject", handle_copy_source_param)
        name_in(made)
        return made

    return client
