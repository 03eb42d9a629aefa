from pathlib import Path

import pytest

from contracts.settings import InvalidSettings
from infra.deployment import load_deployment
from infra.project import PROJECT

LEAST = 'sender = "mlops@example.com"\noperators = ["ops@example.com"]\n'
NETWORK = """[network]
vpc_id = "vpc-1234abcd"
subnet_ids = ["subnet-1234abcd", "subnet-2234abcd"]
security_group_ids = ["sg-1234abcd"]
"""
ONE_SUBNET = NETWORK.replace(', "subnet-2234abcd"', "")
NO_GROUP = NETWORK.replace('"sg-1234abcd"', "")
CROWD = [f"operator-{number}@example.com" for number in range(11)]


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
    assert (deployment.network, deployment.kms_key_arn, deployment.budget) == (None, None, None)
    assert deployment.image.source == "s3"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("operators = ['ops@example.com']", "sender: Field required"),
        (
            "sender = 'nobody'\noperators = ['ops@example.com']",
            "sender: Value error, a mail address that SES has verified",
        ),
        ("sender = 'a@example.com'\noperators = []", "operators: Tuple should have at least 1 item"),
        (f"name = 'M'\n{LEAST}", "name: String should match"),
        (f"name = 'a-name-longer-than-the-bucket-allows-by-far'\n{LEAST}", "name: String should match"),
        (f"permissions_boundary = 'boundary'\n{LEAST}", "permissions_boundary: String should match"),
        (f"colour = 'red'\n{LEAST}", "colour: Extra inputs are not permitted"),
        (f"{LEAST}[retention]\nlogs_days = 42\n", "retention.logs_days: Input should be 1, 3, 5"),
        (f"{LEAST}[retention]\ncapture_days = 0\n", "retention.capture_days: Input should be greater than"),
        (f"{LEAST}[tags]\n'aws:x' = 'y'\n", "tags.aws:x.[key]: Value error, tags that begin with `aws:`"),
        (f"{LEAST}[tags]\nx = 'a*b'\n", "tags.x: String should match"),
        (
            f"{LEAST}[tags]\n'mlops:deployment' = 'y'\n",
            "tags.mlops:deployment.[key]: Value error, mlops:deployment, mlops:model, mlops:run, mlops:release",
        ),
        (f"kms_key_arn = 'alias/ours'\n{LEAST}", "kms_key_arn: String should match"),
        (f"{LEAST}{NETWORK.replace('vpc-1234abcd', 'ours')}", "network.vpc_id: String should match"),
        (f"{LEAST}{ONE_SUBNET}", "network.subnet_ids: Tuple should have at least 2"),
        (f"{LEAST}{NETWORK.replace('2234', '1234')}", "network.subnet_ids: Value error, names one twice"),
        (f"{LEAST}{NO_GROUP}", "network.security_group_ids: Tuple should have at least 1"),
        (f"{LEAST}[image]\nsource = 'ftp'\n", "image: Input tag 'ftp' found using 'source' does not match"),
        (f"{LEAST}[image]\nsource = 's3'\nbranch = 'main'\n", "image.s3.branch: Extra inputs"),
        (f"{LEAST}[image]\nsource = 'codecommit'\n", "image.codecommit.repository: Field required"),
        (
            f"{LEAST}[image]\nsource = 'codecommit'\nrepository = 'r'\nconnection_arn = 'x'\n",
            "image.codecommit.connection_arn: Extra inputs",
        ),
        (
            f"{LEAST}[image]\nsource = 'github'\nrepository = 'a/b'\n",
            "image.github.connection_arn: Field required",
        ),
        (f"{LEAST}[budget]\nmonthly_usd = 0\ntag = 'x'\n", "budget.monthly_usd: Input should be greater than 0"),
        (
            f"{LEAST}[budget]\nmonthly_usd = 9\ntag = 'x'\n",
            "file: Value error, `budget.tag` is 'x', which is neither of",
        ),
        (
            f"sender = 'a@example.com'\noperators = {CROWD}\n[budget]\nmonthly_usd = 9\ntag = 'x'\n[tags]\nx = 'y'\n",
            "file: Value error, AWS Budgets mails to at most 10",
        ),
    ],
)
def test_a_fault_names_file_key_and_rule(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/deployment.toml: {fault}")


def test_everything_is_tagged_with_the_deployments_name(tmp_path: Path) -> None:
    deployment = load(tmp_path, f"name = 'blue'\n{LEAST}[tags]\nteam = 'ml'\n[budget]\nmonthly_usd = 9\ntag = 'team'\n")
    assert deployment.all_tags == {"team": "ml", "mlops:deployment": "blue"}


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
