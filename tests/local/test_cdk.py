"""The CDK's own command line against the embedded cloud, unmodified: what people will try first."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.node import use_node
from local.launch import BOOTSTRAP_TEMPLATE
from tests.local.cloud_process import ACCOUNT, REGION, ROOT, CloudProcess, until

pytestmark = pytest.mark.full

APP = """
import aws_cdk as cdk
from aws_cdk import aws_lambda, aws_s3_assets, aws_stepfunctions

app = cdk.App()
stack = cdk.Stack(app, "tiny")
asset = aws_s3_assets.Asset(stack, "Data", path="data.txt")
function = aws_lambda.Function(
    stack,
    "Task",
    runtime=aws_lambda.Runtime.PYTHON_3_13,
    handler="task.handle",
    code=aws_lambda.Code.from_asset("function"),
    environment={"DATA": asset.s3_object_url},
)
asset.grant_read(function)
url = function.add_function_url(auth_type=aws_lambda.FunctionUrlAuthType.NONE)
definition = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
machine = aws_stepfunctions.StateMachine(
    stack, "Machine", definition_body=aws_stepfunctions.DefinitionBody.from_string(definition)
)
cdk.CfnOutput(stack, "Url", value=url.url)
cdk.CfnOutput(stack, "MachineArn", value=machine.state_machine_arn)
cdk.CfnOutput(stack, "Version", value=function.current_version.function_arn)
app.synth()
"""
READ = """
import os, boto3
def handle(event, context):
    bucket, _, key = os.environ["DATA"].removeprefix("s3://").partition("/")
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
"""


def command_line() -> list[str]:
    """The CDK's CLI in the pinned version: the project's own, or fetched."""
    own = ROOT / "node_modules" / ".bin" / "cdk"
    if own.exists():
        return [str(own)]
    pinned = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("needs npx")
    return [npx, "--yes", f"aws-cdk@{pinned}"]


def cdk(cloud: CloudProcess, folder: Path, *arguments: str) -> None:
    use_node()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://localhost:{cloud.port}",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    app = ["--app", f"{sys.executable} app.py"]
    done = subprocess.run(
        [*command_line(), *arguments, *app], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_deploys_runs_and_destroys_an_app(make_cloud: Callable[..., CloudProcess], tmp_path: Path) -> None:
    cloud = make_cloud(keeps=False, BOOTSTRAP_TEMPLATE=str(BOOTSTRAP_TEMPLATE))
    folder = tmp_path / "app"
    (folder / "function").mkdir(parents=True)
    (folder / "app.py").write_text(APP)
    (folder / "data.txt").write_text("from the asset")
    (folder / "function" / "task.py").write_text(READ)

    cdk(cloud, folder, "deploy", "--require-approval", "never")
    cloudformation = cloud.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName="tiny")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["RoleARN"] == f"arn:aws:iam::{ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}"
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    answer = cloud.client("lambda").invoke(FunctionName=outputs["Version"])["Payload"]
    assert json.load(answer) == "from the asset"
    states = cloud.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=outputs["MachineArn"])["executionArn"]
    until("the execution", lambda: states.describe_execution(executionArn=execution)["status"] == "SUCCEEDED")
    assert outputs["Url"].startswith(f"http://localhost:{cloud.port}/")

    cdk(cloud, folder, "destroy", "--force")
    statuses = [each["StackName"] for each in cloudformation.describe_stacks()["Stacks"]]
    assert statuses == ["CDKToolkit"]
