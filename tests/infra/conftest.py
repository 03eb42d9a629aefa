"""The synthesised templates, read once. They are made only when a source has changed."""

import json

import pytest

from infra.deployment import Deployment
from infra.project import PROJECT, Project
from infra.staging import stage_functions
from infra.synthesise import synthesise
from statemachine.loader import CLOSE_RUN, DEPLOY_STACK, PROMOTE_MODEL, read_definition
from tests.infra.template import Template, read_templates
from tests.infra.variant import LEAST, endpoints_of_every_kind


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    """Every stack's template by its concern."""
    synthesise(PROJECT)
    return read_templates(PROJECT.assembly, "mlops")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, to be synthesised with other settings into a folder of its own."""
    synthesise(PROJECT)
    made = Project(root=PROJECT.root, built=tmp_path_factory.mktemp("built"))
    made.staged_layers.symlink_to(PROJECT.staged_layers)
    stage_functions(made)
    return made


@pytest.fixture(scope="session")
def storage(templates: dict[str, Template]) -> Template:
    return templates["storage"]


@pytest.fixture(scope="session")
def workflow(templates: dict[str, Template]) -> Template:
    return templates["workflow"]


@pytest.fixture(scope="session")
def models(templates: dict[str, Template]) -> Template:
    return templates["models"]


@pytest.fixture(scope="session")
def image(templates: dict[str, Template]) -> Template:
    return templates["image"]


@pytest.fixture(scope="session")
def operations(templates: dict[str, Template]) -> Template:
    return templates["operations"]


@pytest.fixture(scope="session")
def endpoints(templates: dict[str, Template]) -> dict[str, Template]:
    """iris-model's endpoint templates by stage, as they are published."""
    folder = PROJECT.staged_models / "iris-model"
    return {stage: Template(json.loads((folder / f"{stage}.json").read_text()), {}) for stage in ("dev", "prd")}


@pytest.fixture(scope="session")
def definitions() -> dict[str, dict]:
    """The state machines' definitions by the construct that carries them."""
    paths = {"PromoteModel": PROMOTE_MODEL, "DeployStack": DEPLOY_STACK, "CloseRun": CLOSE_RUN}
    return {construct: read_definition(path) for construct, path in paths.items()}


@pytest.fixture(scope="session")
def kinds() -> dict[str, dict[str, Template]]:
    """Endpoint templates by kind (`tests.infra.variant.KINDS`) and stage."""
    made = endpoints_of_every_kind(Deployment.model_validate(LEAST))
    return {
        kind: {stage: Template(json.loads(text), {}) for stage, text in each.items()} for kind, each in made.items()
    }
