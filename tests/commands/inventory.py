"""Everything that an account has, service by service: what a deployment makes is what was not there before."""

from collections.abc import Callable, Iterable
from typing import Any

import boto3

Names = set[str]


def inventory(session: boto3.Session) -> dict[str, Names]:
    """Names by kind of resource. Keys that wait for their deletion count as deleted."""
    return {kind: set(listed(session)) for kind, listed in _LISTED.items()}


def _pages(service: str, operation: str, key: str, name: str | None, **request: Any) -> Callable[..., Iterable[str]]:
    def listed(session: boto3.Session) -> Iterable[str]:
        client = session.client(service)
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate(**request)
        else:
            pages = [getattr(client, operation)(**request)]
        return [each if name is None else each[name] for page in pages for each in page.get(key, [])]

    return listed


def _stacks(session: boto3.Session) -> list[str]:
    stacks = session.client("cloudformation").describe_stacks()["Stacks"]
    return [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"]


def _keys(session: boto3.Session) -> list[str]:
    kms = session.client("kms")
    described = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
    return [each["KeyId"] for each in described if each["KeyState"] != "PendingDeletion"]


def _layer_versions(session: boto3.Session) -> list[str]:
    client = session.client("lambda")
    layers = [each["LayerName"] for each in client.list_layers()["Layers"]]
    versions = [(layer, client.list_layer_versions(LayerName=layer)["LayerVersions"]) for layer in layers]
    return [f"{layer}:{each['Version']}" for layer, found in versions for each in found]


def _function_versions(session: boto3.Session) -> list[str]:
    client = session.client("lambda")
    functions = [each["FunctionName"] for each in client.list_functions()["Functions"]]
    versions = [client.list_versions_by_function(FunctionName=name)["Versions"] for name in functions]
    return [each["FunctionArn"] for found in versions for each in found]


def _log_streams(session: boto3.Session) -> list[str]:
    logs = session.client("logs")
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    streams = [(group, logs.describe_log_streams(logGroupName=group)["logStreams"]) for group in groups]
    return [f"{group}/{each['logStreamName']}" for group, found in streams for each in found]


def _packages(session: boto3.Session) -> list[str]:
    sagemaker = session.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    listed = [
        sagemaker.list_model_packages(ModelPackageGroupName=each["ModelPackageGroupName"])["ModelPackageSummaryList"]
        for each in groups
    ]
    return [each["ModelPackageArn"] for found in listed for each in found]


_LISTED: dict[str, Callable[[boto3.Session], Iterable[str]]] = {
    "stacks": _stacks,
    "buckets": _pages("s3", "list_buckets", "Buckets", "Name"),
    "tables": _pages("dynamodb", "list_tables", "TableNames", None),
    "roles": _pages("iam", "list_roles", "Roles", "RoleName"),
    "policies": _pages("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
    "functions": _pages("lambda", "list_functions", "Functions", "FunctionName"),
    "function versions": _function_versions,
    "layer versions": _layer_versions,
    "log groups": _pages("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "log streams": _log_streams,
    "parameters": _pages("ssm", "describe_parameters", "Parameters", "Name"),
    "queues": _pages("sqs", "list_queues", "QueueUrls", None),
    "topics": _pages("sns", "list_topics", "Topics", "TopicArn"),
    "subscriptions": _pages("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    "alarms": _pages("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "composite alarms": _pages("cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName"),
    "dashboards": _pages("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    "rules": _pages("events", "list_rules", "Rules", "Name"),
    "state machines": _pages("stepfunctions", "list_state_machines", "stateMachines", "name"),
    "training jobs": _pages("sagemaker", "list_training_jobs", "TrainingJobSummaries", "TrainingJobName"),
    "models": _pages("sagemaker", "list_models", "Models", "ModelName"),
    "endpoint configurations": _pages("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    "endpoints": _pages("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    "package groups": _pages(
        "sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
    ),
    "packages": _packages,
    "scalable targets": _pages(
        "application-autoscaling",
        "describe_scalable_targets",
        "ScalableTargets",
        "ResourceId",
        ServiceNamespace="sagemaker",
    ),
    "scaling policies": _pages(
        "application-autoscaling",
        "describe_scaling_policies",
        "ScalingPolicies",
        "PolicyName",
        ServiceNamespace="sagemaker",
    ),
    "keys": _keys,
    "key aliases": _pages("kms", "list_aliases", "Aliases", "AliasName"),
    "repositories": _pages("ecr", "describe_repositories", "repositories", "repositoryName"),
    "build projects": _pages("codebuild", "list_projects", "projects", None),
    "pipelines": _pages("codepipeline", "list_pipelines", "pipelines", "name"),
}
