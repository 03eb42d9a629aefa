"""`make deploy` and `make diff` against an embedded cloud, from nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commands.account import Account
from commands.deploy.deploying import deploy
from commands.deploy.difference import changed_models, difference
from commands.deploy.image_pipeline import build_image, is_built
from commands.deploy.readiness import BOOTSTRAP_PARAMETER, await_rest, check_alone, check_bootstrap
from commands.faults import CommandFailed
from commands.image_source import SOURCES
from infra.deployment_names import SOURCE_KEY
from infra.project import PROJECT, Project
from infra.synthesise import synthesise
from tests.commands.conftest import Stacks, empty_cloud
from tests.flow.product import until

SENDER = "mlops@example.com"

Say = Callable[[str], None]


class Interrupted(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture(scope="module")
def interrupted(empty) -> tuple[Account, list[str], list[str]]:
    """A deployment that was interrupted after every line it said, each time begun again; its uploads and builds then."""
    _, found = empty
    found.client("sesv2").create_email_identity(EmailIdentity=SENDER)
    heard: set[str] = set()

    def say(line: str) -> None:
        if line not in heard:
            heard.add(line)
            raise Interrupted

    for _ in range(30):
        try:
            assert deploy(found, PROJECT, Stacks(found), say).sound
            break
        except Interrupted:
            continue
    else:
        raise AssertionError(f"never came to its end: {heard}")
    return found, uploads(found), builds(found)


@pytest.fixture
def account(interrupted) -> Account:
    return interrupted[0]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The image's sources, to be changed by a test."""
    for source in SOURCES:
        if (PROJECT.root / source).is_dir():
            shutil.copytree(PROJECT.root / source, tmp_path / source)
        else:
            (tmp_path / source).parent.mkdir(exist_ok=True)
            shutil.copy(PROJECT.root / source, tmp_path / source)
    return tmp_path


def uploads(account: Account) -> list[str]:
    listed = account.client("s3").list_object_versions(Bucket=account.names.bucket, Prefix=SOURCE_KEY)
    return [version["VersionId"] for version in listed["Versions"]]


def builds(account: Account) -> list[str]:
    """How the executions of the image pipeline ended that had a source, newest first."""
    listed = account.client("codepipeline").list_pipeline_executions(pipelineName=account.names.image)
    return [each["status"] for each in listed["pipelineExecutionSummaries"] if each["sourceRevisions"]]


def stack_times(account: Account) -> dict[str, str]:
    return {name: str(account.stack(name).get("LastUpdatedTime")) for name in account.names.stacks}


def test_however_often_it_is_interrupted_the_source_is_uploaded_and_built_once(interrupted):
    _, uploaded, built = interrupted
    assert len(uploaded) == 1
    assert built == ["Succeeded"]


def test_again_nothing_changes(account, said, say):
    before = (uploads(account), builds(account), stack_times(account))
    image = account.parameter("/mlops/image")
    assert deploy(account, PROJECT, Stacks(account), say).sound
    assert (uploads(account), builds(account), stack_times(account)) == before
    assert "The image's source has not changed since it was built" in said
    assert account.parameter("/mlops/image") == image


def test_the_image_comes_before_what_uses_it_and_the_examination_last(account, said, say):
    stacks = Stacks(account)
    deploy(account, PROJECT, stacks, say)
    assert stacks.asked == [["mlops-storage", "mlops-image"], ["mlops-workflow", "mlops-models", "mlops-operations"]]
    steps = ("Bringing up mlops-storage", "Runs use the image", "Bringing up mlops-workflow", "ok ", "Deployed.")
    at = [next(place for place, line in enumerate(said) if line.startswith(step)) for step in steps]
    assert at == sorted(at)
    assert f"pipelines/{account.names.image}/view" in said[-1]


def test_a_changed_source_is_built_and_its_digest_recorded(account, sources, said, say):
    before = account.parameter("/mlops/image")
    (sources / "container" / "new.py").write_text("")
    assert not is_built(account, sources)
    image = build_image(account, sources, say)
    assert image != before
    assert account.parameter("/mlops/image") == image
    assert is_built(account, sources)
    assert "Image pipeline: Build / Image Succeeded" in said
    # And back again, for the other tests.
    assert build_image(account, PROJECT.root, say) == before


def test_a_build_that_fails_is_explained_and_done_anew(account, sources, say):
    dockerfile = (sources / "container" / "Dockerfile").read_text()
    (sources / "container" / "Dockerfile").write_text(f"{dockerfile}COPY absent /opt/absent\n")
    with pytest.raises(CommandFailed, match=r"Build / Image: COPY absent: not found(.|\n)*make deploy` again"):
        build_image(account, sources, say)
    # The same source again: built anew, for what was wrong may have been elsewhere.
    with pytest.raises(CommandFailed, match="COPY absent"):
        build_image(account, sources, say)
    assert builds(account)[:2] == ["Failed", "Failed"]
    assert build_image(account, PROJECT.root, say) == account.parameter("/mlops/image")


def test_an_image_that_is_gone_is_built_again(account, say):
    image = account.parameter("/mlops/image")
    ecr = account.client("ecr")
    ecr.batch_delete_image(repositoryName="mlops-image", imageIds=[{"imageDigest": image.partition("@")[2]}])
    number = len(builds(account))
    assert build_image(account, PROJECT.root, say) == image
    assert len(builds(account)) == number + 1


def test_a_lost_event_does_not_keep_the_pipeline_from_starting(account, sources, say, monkeypatch):
    monkeypatch.setattr("commands.deploy.image_pipeline._EVENT_SECONDS", 2)
    events = account.client("events")
    rule = next(each["Name"] for each in events.list_rules()["Rules"] if "image-Uploaded" in each["Name"])
    events.disable_rule(Name=rule)
    try:
        (sources / "container" / "unheard.py").write_text("")
        assert build_image(account, sources, say) == account.parameter("/mlops/image")
    finally:
        events.enable_rule(Name=rule)
        build_image(account, PROJECT.root, say)


def test_a_repository_as_source_is_pushed_to_and_never_uploaded(account, say, said):
    codepipeline = account.client("codepipeline")
    original = codepipeline.get_pipeline(name="mlops-image")["pipeline"]
    changed = {**original, "stages": [dict(stage) for stage in original["stages"]]}
    action = {**original["stages"][0]["actions"][0]}
    action["actionTypeId"] = {"category": "Source", "owner": "AWS", "provider": "CodeCommit", "version": "1"}
    action["configuration"] = {"RepositoryName": "models", "BranchName": "main"}
    changed["stages"][0]["actions"] = [action]
    codepipeline.update_pipeline(pipeline=changed)
    number = len(uploads(account))
    try:
        assert build_image(account, PROJECT.root, say) == account.parameter("/mlops/image")
        assert "push there" in said[-1]
        account.client("ssm").delete_parameter(Name="/mlops/image")
        with pytest.raises(CommandFailed, match=r"CodeCommit \(models, branch main\)\. Has this project been pushed"):
            build_image(account, PROJECT.root, say)
        assert len(uploads(account)) == number
    finally:
        codepipeline.update_pipeline(pipeline=original)
        build_image(account, PROJECT.root, say)


def test_diff_says_when_nothing_would_change(account):
    told = difference(account, Stacks(account), PROJECT)
    assert told.splitlines() == [
        "compared 5 stacks",
        "Settings of all models are as deployed.",
        "The image's source is as it was built.",
    ]


def test_diff_names_every_setting_that_would_change_and_the_image(account, sources):
    for file in ("infra/deployment.toml", "models/iris-model.toml"):
        (sources / file).parent.mkdir()
        text = (PROJECT.root / file).read_text()
        (sources / file).write_text(text.replace("accuracy = 0.85", "accuracy = 0.9"))
    shutil.copy(PROJECT.models / "iris-model.toml", sources / "models" / "wine-model.toml")
    (sources / "container" / "new.py").write_text("")
    assert difference(account, Stacks(account), Project.at(sources)).splitlines()[1:] == [
        "Model iris-model: gate.minimum.accuracy: 0.85 → 0.9",
        "Model wine-model is new.",
        "The image's source has changed: a new image is built, and runs that start afterwards use it.",
    ]


def test_diff_says_what_becomes_of_a_model_that_is_taken_out():
    assert changed_models({"iris-model": {}}, {}) == [
        "Model iris-model is no longer in models/: its settings go, its endpoints and packages stay."
    ]


def test_without_a_bootstrap_the_command_that_makes_one_is_named(account):
    ssm = account.client("ssm")
    version = account.parameter(BOOTSTRAP_PARAMETER)
    try:
        ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value="5", Type="String", Overwrite=True)
        with pytest.raises(CommandFailed, match="has version 5.*make bootstrap"):
            check_bootstrap(account)
        ssm.delete_parameter(Name=BOOTSTRAP_PARAMETER)
        with pytest.raises(CommandFailed, match="Run once: make bootstrap"):
            check_bootstrap(account)
    finally:
        ssm.put_parameter(Name=BOOTSTRAP_PARAMETER, Value=version, Type="String", Overwrite=True)


def test_a_second_deployment_in_account_and_region_is_refused_before_anything_changes(account, say, said):
    other = replace(account, names=replace(account.names, deployment="other"))
    stacks = Stacks(other)
    with pytest.raises(CommandFailed, match=r"has the deployment mlops already \(stack mlops-.*name = 'mlops'"):
        deploy(other, PROJECT, stacks, say)
    assert stacks.asked == []
    assert len(said) == 1


def test_a_stack_of_somebody_else_is_never_taken_for_ours(tmp_path, monkeypatch):
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (_, account):
        cloudformation = account.client("cloudformation")
        template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
        cloudformation.create_stack(StackName="mlops-storage-of-others", TemplateBody=template)
        check_alone(account)
        cloudformation.create_stack(StackName="mlops-storage", TemplateBody=template)
        with pytest.raises(CommandFailed, match="mlops-storage belongs to somebody else.*another name"):
            check_alone(account)


def test_a_first_deployment_that_fails_leaves_no_data_in_the_way_of_the_next(tmp_path, monkeypatch):
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (_, account):
        synthesise(PROJECT)
        template = json.loads((PROJECT.assembly / "mlops-storage.template.json").read_text())
        resources = template["Resources"]
        data = [name for name, each in resources.items() if each["Type"] in ("AWS::S3::Bucket", "AWS::DynamoDB::Table")]
        resources["Broken"] = {"Type": "AWS::SageMaker::Model", "Properties": {}, "DependsOn": data}
        cloudformation = account.client("cloudformation")
        cloudformation.create_stack(StackName="mlops-storage", TemplateBody=json.dumps(template))
        until("the rollback", lambda: account.stack("mlops-storage")["StackStatus"] == "ROLLBACK_COMPLETE")
        events = cloudformation.describe_stack_events(StackName="mlops-storage")["StackEvents"]
        created = {each["LogicalResourceId"] for each in events if each["ResourceStatus"] == "CREATE_COMPLETE"}
        assert created >= set(data)
        assert account.names.bucket not in [each["Name"] for each in account.client("s3").list_buckets()["Buckets"]]
        assert account.client("dynamodb").list_tables()["TableNames"] == []
        Stacks(account).deploy(["mlops-storage"])
        assert account.stack("mlops-storage")["StackStatus"] == "CREATE_COMPLETE"


class Described(Account):
    """An account whose storage stack shows one status after the other."""

    def stack(self, name: str) -> dict:
        return {"StackStatus": STATUSES.pop(0)} if name.endswith("storage") else {"StackStatus": "CREATE_COMPLETE"}


STATUSES: list[str] = []


def test_an_operation_that_an_interrupted_deployment_left_behind_is_awaited(account, said, say, monkeypatch):
    monkeypatch.setattr("commands.deploy.readiness._POLL_SECONDS", 0)
    STATUSES[:] = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    await_rest(Described(account.session, account.names), say)
    assert said == ["mlops-storage is UPDATE_IN_PROGRESS; waiting for that"]
    assert STATUSES == []


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_stack_that_no_deployment_mends_is_left_to_a_person(status, account, say):
    STATUSES[:] = [status]
    with pytest.raises(CommandFailed, match=f"mlops-storage is {status}. .*run `make deploy` again"):
        await_rest(Described(account.session, account.names), say)


@pytest.mark.full
def test_the_commands_as_make_runs_them_with_the_cdks_command_line(tmp_path, monkeypatch):
    with empty_cloud(tmp_path / "cloud.log", monkeypatch) as (_, account):
        account.client("sesv2").create_email_identity(EmailIdentity=SENDER)

        def run(*command: str) -> str:
            line = [sys.executable, "-m", "commands", *command]
            done = subprocess.run(line, cwd=PROJECT.root, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        run("bootstrap")
        assert "Stack mlops-workflow" in run("diff")
        assert "Deployed." in run("deploy")
        assert "The image's source has not changed" in run("deploy")
        assert run("diff").count("There were no differences") == len(account.names.stacks)
        assert "FAULT" not in run("doctor")
        assert "is removed" in run("destroy", "--yes", "mlops")
