import json

from tests.infra.template import Template


def test_only_untagged_images_expire_and_not_by_age_because_one_may_be_serving(image: Template) -> None:
    policy = json.loads(image.properties("AWS::ECR::Repository")["LifecyclePolicy"]["LifecyclePolicyText"])
    assert [rule["selection"] for rule in policy["rules"]] == [
        {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 100}
    ]


def test_the_build_runs_the_containers_own_script_with_docker(image: Template) -> None:
    build = image.properties("AWS::CodeBuild::Project")
    assert build["Source"] == {"Type": "CODEPIPELINE", "BuildSpec": "container/buildspec.yml"}
    assert build["Environment"]["PrivilegedMode"] is True
    variables = {each["Name"]: image.text(each["Value"]) for each in build["Environment"]["EnvironmentVariables"]}
    assert variables == {
        "IMAGE_REPOSITORY": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mlops-image",
        "IMAGE_PARAMETER": "/mlops/image",
    }


def test_the_build_publishes_one_parameter_and_pushes_to_one_repository(image: Template) -> None:
    resources = {action: each.resources for each in image.statements("BuildRole") for action in each.actions}
    assert resources["ssm:PutParameter"] == ("arn:aws:ssm:us-east-1:123456789012:parameter/mlops/image",)
    assert resources["ecr:PutImage"] == ("arn:aws:ecr:us-east-1:123456789012:repository/mlops-image",)


def test_those_who_run_the_image_may_pull_it(image: Template, workflow: Template) -> None:
    name = image.properties("AWS::ECR::Repository")["RepositoryName"]
    for role in ("TrainingRole", "EndpointRole"):
        (statement,) = [each for each in workflow.statements(role) if each.sid == "PullImage"]
        assert statement.resources == (f"arn:aws:ecr:us-east-1:123456789012:repository/{name}",)
