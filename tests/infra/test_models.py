import json
import re
from pathlib import Path

from contracts.serving import DevelopmentSettings
from contracts.settings import load_settings
from infra.code_version import code_version
from infra.endpoint_plan import plans
from infra.project import PROJECT, Project
from tests.infra.template import Template

SETTINGS = load_settings(PROJECT.models / "iris-model.toml")


def pointer(models: Template) -> dict:
    return json.loads(models.text(models.properties("AWS::SSM::Parameter", "irismodelPointer")["Value"]))


def test_a_run_finds_settings_and_templates_through_one_parameter(models: Template) -> None:
    assert models.properties("AWS::SSM::Parameter", "irismodelPointer")["Name"] == "/mlops/models/iris-model"
    found = pointer(models)
    assert found.keys() == {"settings", "development", "production", "code"}
    assert re.fullmatch("[0-9a-f]{64}", found["code"]["sources"])
    # A tree without Git has no commit.
    assert re.fullmatch("([0-9a-f]{40}(-dirty)?)?", found["code"]["commit"])
    assert found["settings"]["bucket"] == "cdk-hnb659fds-assets-123456789012-us-east-1"
    assert found["development"]["stack"] == "mlops-deploy-iris-model-dev"
    assert found["production"]["stack"] == "mlops-deploy-iris-model-prd"


def test_a_development_endpoint_that_expires_says_so_beside_its_stack() -> None:
    development = {"expires_after_seconds": 7200}
    settings = SETTINGS.model_copy(update={"development": DevelopmentSettings.model_validate(development)})
    expiring, production = plans(settings)
    assert expiring.pointer() == {"scaled_shape": "", **development}
    assert "expires_after_seconds" not in production.pointer()
    assert "expires_after_seconds" not in plans(SETTINGS)[0].pointer()


def published(models: Template) -> dict[str, str]:
    """The text behind each address of the pointer, found in the assembly by its content's hash."""
    found = pointer(models)
    keys = {
        "settings": found["settings"]["key"],
        "development": found["development"]["template_url"].rpartition("/")[2],
        "production": found["production"]["template_url"].rpartition("/")[2],
    }
    return {name: (PROJECT.assembly / f"asset.{key}").read_text() for name, key in keys.items()}


def test_published_settings_are_the_resolved_ones(models: Template) -> None:
    assert json.loads(published(models)["settings"]) == json.loads(json.dumps({**SETTINGS.resolved(), "tags": []}))


def test_published_templates_are_the_endpoints_own(models: Template, endpoints: dict[str, Template]) -> None:
    texts = published(models)
    assert json.loads(texts["development"]) == endpoints["dev"].all
    assert json.loads(texts["production"]) == endpoints["prd"].all


def test_templates_are_where_cloudformation_can_read_them(models: Template) -> None:
    url = pointer(models)["production"]["template_url"]
    assert url.startswith("https://s3.us-east-1.amazonaws.com/cdk-hnb659fds-assets-123456789012-us-east-1/")


def test_assets_are_where_the_machines_may_read(models: Template, workflow: Template) -> None:
    found = pointer(models)
    for role, sid in (("PromoteModelRole", "LoadSettings"), ("DeployStackRole", "ReadTemplate")):
        (statement,) = [each for each in workflow.statements(role) if each.sid == sid]
        assert statement.resources == (f"arn:aws:s3:::{found['settings']['bucket']}/*.json",)
    assert found["settings"]["key"].endswith(".json")
    assert found["production"]["template_url"].endswith(".json")


def test_logs_of_endpoints_end(models: Template) -> None:
    groups = {
        each["Properties"]["LogGroupName"]: each["Properties"]["RetentionInDays"]
        for each in models.of_type("AWS::Logs::LogGroup").values()
    }
    prefix = "/aws/sagemaker/Endpoints/iris-model-"
    assert groups == {f"{prefix}development": 90, f"{prefix}production": 90}


def test_packages_of_a_model_are_kept_when_its_stack_goes(models: Template) -> None:
    group = models.resource("AWS::SageMaker::ModelPackageGroup")
    assert group["Properties"]["ModelPackageGroupName"] == "iris-model"
    assert group["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_codes_version_changes_with_a_source_and_is_told_without_git(tmp_path: Path) -> None:
    project = Project.at(tmp_path)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "x.py").write_text("1")
    first = code_version(project)
    assert (first["commit"], code_version(project)) == ("", first)
    (tmp_path / "contracts" / "x.py").write_text("2")
    assert code_version(project)["sources"] != first["sources"]
