from pathlib import Path

import pytest

from contracts.settings import InvalidSettings
from infra.deployment import load_deployment
from infra.project import PROJECT

LEAST = 'sender = "mlops@example.com"\noperators = ["ops@example.com"]\n'


def load(folder: Path, text: str) -> object:
    file = folder / "deployment.toml"
    file.write_text(text)
    return load_deployment(file)


def test_the_projects_own_settings_hold() -> None:
    deployment = load_deployment(PROJECT.deployment_file)
    assert deployment.name == "mlops"
    assert deployment.retention.keep_data is True


def test_little_has_to_be_said(tmp_path: Path) -> None:
    deployment = load(tmp_path, LEAST)
    assert (deployment.name, deployment.permissions_boundary, deployment.tags) == ("mlops", None, {})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("operators = ['ops@example.com']", "sender: Field required"),
        ("sender = 'nobody'\noperators = ['ops@example.com']", "sender: String should match"),
        ("sender = 'a@example.com'\noperators = []", "operators: Tuple should have at least 1 item"),
        (f"name = 'M'\n{LEAST}", "name: String should match"),
        (f"name = 'a-name-longer-than-the-bucket-allows-by-far'\n{LEAST}", "name: String should match"),
        (f"permissions_boundary = 'boundary'\n{LEAST}", "permissions_boundary: String should match"),
        (f"colour = 'red'\n{LEAST}", "colour: Extra inputs are not permitted"),
        (f"{LEAST}[retention]\nlogs_days = 42\n", "retention.logs_days: Input should be 1, 3, 5"),
        (f"{LEAST}[retention]\ncapture_days = 0\n", "retention.capture_days: Input should be greater than"),
        (f"{LEAST}[tags]\n'aws:x' = 'y'\n", "tags.aws:x.[key]: Value error, tags that begin with `aws:`"),
        (f"{LEAST}[tags]\nx = 'a*b'\n", "tags.x: String should match"),
    ],
)
def test_a_fault_names_file_key_and_rule(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/deployment.toml: {fault}")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(tmp_path, "sender = 1")
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["sender", "operators"]


def test_what_is_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"deployment.toml: not valid TOML"):
        load(tmp_path, "sender = ")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no such file"):
        load_deployment(tmp_path / "deployment.toml")
