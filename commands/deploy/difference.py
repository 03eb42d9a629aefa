"""`make diff`: what a deployment would change, without changing anything."""

from collections.abc import Mapping
from pathlib import Path

from commands.account import Account
from commands.deploy.cdk import Cdk
from commands.deploy.image_pipeline import find_source, is_built
from commands.faults import CommandFailed
from commands.published import changes, published_settings
from contracts.settings import load_all_settings
from infra.deployment import load_deployment
from infra.project import Project


def difference(account: Account, cdk: Cdk, project: Project) -> str:
    """Stacks as the CDK compares them, then settings and the image's source in words."""
    deployment = load_deployment(project.deployment_file)
    models = {name: deployment.published(settings) for name, settings in load_all_settings(project.models).items()}
    parts = [cdk.diff(account.names.stacks), *changed_models(published_settings(account), models)]
    return "\n".join([*parts, _image(account, project.root)])


def changed_models(deployed: Mapping[str, object], models: Mapping[str, object]) -> list[str]:
    """What would become of each model's settings, by the model's name."""
    lines = []
    for name in sorted(models.keys() | deployed.keys()):
        if name not in deployed:
            lines.append(f"Model {name} is new.")
        elif name not in models:
            lines.append(f"Model {name} is no longer in models/: its settings go, its endpoints and packages stay.")
        else:
            lines += [f"Model {name}: {change}" for change in changes(deployed[name], models[name])]
    return lines or ["Settings of all models are as deployed."]


def _image(account: Account, root: Path) -> str:
    try:
        source = find_source(account)
    except CommandFailed:
        return "The image pipeline is new: it builds the image from this project."
    if source.provider != "S3":
        return f"The image is built from what is pushed to {source.place}."
    if is_built(account, root):
        return "The image's source is as it was built."
    return "The image's source has changed: a new image is built, and runs that start afterwards use it."
