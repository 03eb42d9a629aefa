"""The release process: functions, state machines, their roles, and what starts a run."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import function_needs as needs
from infra.deployment import Deployment
from infra.functions import FunctionMaker
from infra.machine_roles import close_run_role, deploy_stack_role, promote_model_role
from infra.machines import state_machine
from infra.names import Names
from infra.prices import hosting_prices
from infra.project import Project
from infra.sagemaker_roles import deployment_role, endpoint_role, training_role
from infra.storage import StorageStack
from infra.trigger import ApprovalsTended, DatasetDropped, DevelopmentExpired, RunEnded, Undelivered
from statemachine.loader import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL


class WorkflowStack(Stack):
    """From a dropped dataset to a released model."""

    def __init__(self, scope: Construct, project: Project, deployment: Deployment, storage: StorageStack) -> None:
        self._names = Names(deployment.name)
        super().__init__(
            scope, self._names.stack("workflow"), description="Takes dropped datasets to approved production endpoints."
        )
        self._deployment = deployment
        self._prices = hosting_prices(project)
        serving_role = endpoint_role(self, deployment)
        self._roles = {
            "TrainingRoleArn": training_role(self, deployment),
            "EndpointRoleArn": serving_role,
            "DeploymentRoleArn": deployment_role(self, deployment, serving_role),
        }
        network = deployment.network
        self._values: dict[str, str | None] = {
            "KeyArn": deployment.kms_key_arn,
            "SubnetIds": ",".join(network.subnet_ids) if network else None,
            "SecurityGroupIds": ",".join(network.security_group_ids) if network else None,
            "Deployment": deployment.name,
            "LedgerTable": self._names.ledger_table,
            "AuditTable": self._names.audit_table,
            "Bucket": self._names.bucket,
            "ModelsPrefix": self._names.models_prefix,
            "ImageParameter": self._names.image_parameter,
            **{key: role.role_arn for key, role in self._roles.items()},
            **self._function_versions(FunctionMaker(self, project, deployment), storage),
        }
        promote_model, close_run = self._machines()
        undelivered = Undelivered(self, "Undelivered", deployment)
        DatasetDropped(self, "DatasetDropped", self._names, promote_model, undelivered)
        RunEnded(self, "RunEnded", self._names, promote_model, close_run, undelivered)
        CfnOutput(self, "PromoteModelArn", value=promote_model.state_machine_arn)

    def _function_versions(self, maker: FunctionMaker, storage: StorageStack) -> dict[str, str]:
        """Every function's version ARN, by the placeholder under which definitions know it."""
        names, deployment = self._names, self._deployment
        signing = {number: key.key_arn for number, key in storage.signing_keys.items()}
        keys = needs.ApprovalKeys(storage.token_key.key_arn, signing)
        decide_release = maker.make(needs.decide_release(names, keys))
        # Whoever holds a mailed link has no AWS identity: the page itself checks the link.
        page = decide_release.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        CfnOutput(self, "DecisionUrl", value=page.url)
        CfnOutput(self, "DecideReleaseFunction", value=decide_release.function_name)
        functions = [
            maker.make(each)
            for each in (
                needs.freeze_dataset(names),
                needs.validate_dataset(names),
                needs.smoke_test(names),
                needs.request_approval(names, deployment, keys, page.url, self._prices),
                needs.verify_production(names),
                needs.announce_outcome(names, deployment),
                needs.explain_failure(names),
                needs.pass_lease(names),
            )
        ]
        ApprovalsTended(
            self, "ApprovalsTended", names, maker.make(needs.tend_approvals(names, deployment, keys, page.url))
        )
        expire_development = needs.expire_development(names, self._roles["DeploymentRoleArn"].role_arn)
        DevelopmentExpired(self, "DevelopmentExpired", names, maker.make(expire_development))
        return {
            f"{each.node.id}FunctionArn": each.current_version.function_arn for each in (decide_release, *functions)
        }

    def _machines(self) -> tuple[sfn.StateMachine, sfn.StateMachine]:
        """Makes the machines; gives back the one that runs are executions of, and the one that follows their ends."""
        deployment = self._deployment
        child_role = deploy_stack_role(self, deployment, self._roles["DeploymentRoleArn"])
        deploy_stack = state_machine(self, DEPLOY_STACK, child_role, self._values, deployment)
        values = {**self._values, "DeployStackArn": deploy_stack.state_machine_arn}
        close_run = state_machine(self, CLOSE_RUN, close_run_role(self, deployment), values, deployment)
        values["CloseRunArn"] = close_run.state_machine_arn
        role = promote_model_role(self, deployment, self._roles["TrainingRoleArn"])
        return state_machine(self, PROMOTE_MODEL, role, values, deployment), close_run
