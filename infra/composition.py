"""The composition root: every stack of the product in one app."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App, AssetStaging, Tags
from aws_cdk import aws_iam as iam

from contracts.settings import ModelSettings
from infra.deployment import Deployment
from infra.image import ImageStack
from infra.models import ModelsStack
from infra.operations import OperationsStack
from infra.project import Project
from infra.storage import StorageStack
from infra.workflow import WorkflowStack

# Where the CDK has changed its mind, take the newer way.
FEATURES = {
    # The keys that the storage stack exports must not go while the workflow uses them.
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    "@aws-cdk/aws-lambda:recognizeLayerVersion": True,
    "@aws-cdk/core:checkSecretUsage": True,
    "@aws-cdk/aws-iam:standardizedServicePrincipals": True,
}


def compose(project: Project, deployment: Deployment, models: Mapping[str, ModelSettings], outdir: Path) -> App:
    """The app, not yet synthesised. Functions and layer have to be staged.

    Raises:
        statemachine.loader.InvalidDefinition: a state machine breaks a rule.
        infra.project.CannotSynthesise: something else that a person has to mend.
    """
    # A second app in the same process would take its files for copied already, into the first one's folder.
    AssetStaging.clear_asset_hash_cache()
    app = App(outdir=str(outdir), analytics_reporting=False, tree_metadata=False, context=FEATURES)
    storage = StorageStack(app, deployment)
    WorkflowStack(app, project, deployment, storage).add_stack_dependency(storage)
    ModelsStack(app, project, deployment, models)
    OperationsStack(app, deployment, models, sorted(each.name for each in project.staged_functions.iterdir()))
    ImageStack(app, deployment).add_stack_dependency(storage)
    for key, value in deployment.all_tags.items():
        Tags.of(app).add(key, value)
    if deployment.permissions_boundary is not None:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(storage, "Boundary", deployment.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(boundary)
    return app
