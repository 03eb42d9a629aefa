"""Counts what AWS would bill: state transitions and Lambda invocations, of executions that really ran."""

import json
from pathlib import Path
from typing import Any

from commands.deployment import find_deployment
from commands.history import entered, read_events
from local.configuration import Configuration
from local.demo.iris import iris_csv
from local.launch import deploy_product, free_port, running_cloud
from tests.flow.product import Product

MODEL = "bench-model"
CREATION_SECONDS = 8 * 60
TIME_FACTOR = 60.0
# One turn of deploy-stack's watch over a stack that is being changed.
WATCH = ("Wait For Deployment", "Look At Deployment", "Deployment Finished?")


def count_approved_run(log: Path) -> dict[str, int]:
    """One run from the drop to the deployed model, with the executions of deploy-stack that it started."""
    with running_cloud(Configuration(port=free_port()), log) as cloud:
        deploy_product(cloud)
        product = Product(cloud, find_deployment(cloud.session()))
        product.model(MODEL)
        run = product.drop(MODEL, iris_csv())
        run.approve()
        return _total([run.arn, *_deployments(product)], product)


def count_slow_creation(log: Path) -> dict[str, int]:
    """One execution of deploy-stack whose endpoint takes eight minutes of the cloud's time to start."""
    slow = Configuration(port=free_port(), time_factor=TIME_FACTOR, instance_start_seconds=CREATION_SECONDS)
    with running_cloud(slow, log) as cloud:
        deploy_product(cloud)
        product = Product(cloud, find_deployment(cloud.session()))
        product.model(MODEL)
        run = product.drop(MODEL, iris_csv())
        run.reaches("Smoke Test")
        deployments = _deployments(product)
        states = [step.state for arn in deployments for step in entered(read_events(product.stepfunctions, arn))]
        return _total(deployments, product) | {"watch": sum(state in WATCH for state in states)}


def _deployments(product: Product) -> list[str]:
    machines = product.stepfunctions.list_state_machines()["stateMachines"]
    deploy_stack = next(machine["stateMachineArn"] for machine in machines if machine["name"] == "deploy-stack")
    return [
        execution["executionArn"]
        for execution in product.stepfunctions.list_executions(stateMachineArn=deploy_stack)["executions"]
    ]


def _total(executions: list[str], product: Product) -> dict[str, int]:
    counted = {"transitions": 0, "invocations": 0}
    for execution in executions:
        events = list(read_events(product.stepfunctions, execution))
        # AWS bills a transition for each state that is entered, and for each retry.
        counted["transitions"] += len(list(entered(events)))
        counted["invocations"] += sum(_invokes(event) for event in events)
    return counted


def _invokes(event: dict[str, Any]) -> bool:
    return event.get("taskScheduledEventDetails", {}).get("resourceType") == "lambda"


if __name__ == "__main__":
    print(json.dumps(count_approved_run(Path("build/bench-cloud.log"))))
