"""The contract with the emulators: versions, symbols, and how what is wrapped here is called there."""

import ast
import importlib.metadata
import importlib.util
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import compat, stepfunctions
from local.compat import Incompatible, missing_symbols, wrong_versions
from local.configuration import Configuration
from local.gateway.environment import emulator_environment

LOCAL = Path(compat.__file__).parent

# Functions that are replaced or wrapped → the parameters that our code names or counts.
SIGNATURES = {
    "ministack.core.iam_actions:extract_iam_action": "service method path headers body query_params",
    "ministack.core.iam_actions:extract_resource_arn": (
        "service method path headers body query_params region account_id"
    ),
    "ministack.core.iam_actions:access_denied_response": (
        "service action principal_arn request_id error_code message headers resource_arn explicit_deny"
        " resource_policy_arn"
    ),
    "ministack.core.iam_evaluator:_first_match": "ctx stmts effect",
    "ministack.core.iam_evaluator:enforce": ("access_key_id iam_action service region resource_arn service_context"),
    "ministack.core.lambda_runtime:Worker.invoke": (
        "self event request_id trace_id depth durable invoked_function_arn"
    ),
    "ministack.core.lambda_runtime:Worker._spawn": "self",
    "ministack.core.lambda_runtime:_worker_class_for": "config",
    "ministack.core.lambda_runtime:execution_credentials": "config",
    "ministack.services.cloudformation:handle_request": "method path headers body query_params",
    "ministack.services.cloudformation.changesets:_find_change_set": "cs_name stack_name",
    "ministack.services.cloudformation.engine:_evaluate_conditions": "template params",
    "ministack.services.cloudformation.engine:_resolve_refs": (
        "value resources params conditions mappings stack_name stack_id"
    ),
    "ministack.services.cloudformation.helpers:_resolve_document": "params body_key url_key label",
    "ministack.services.cloudformation.provisioners:_s3_create": "logical_id props stack_name",
    "ministack.services.cloudformation.provisioners:_s3_update": "physical_id old_props new_props stack_name",
    "ministack.services.cloudformation.stacks:_continue_update_rollback_async": "stack_name stack_id resources_to_skip",
    "ministack.services.cloudformation.stacks:_delete_stack_async": "stack_name stack_id retain_resources force",
    "ministack.services.cloudformation.stacks:_deploy_stack_async": (
        "stack_name stack_id template param_values disable_rollback tags is_update previous_stack"
        " retain_except_on_create imports"
    ),
    "ministack.services.cloudformation.stacks:_runs_on_worker_thread": "resource_type",
    "ministack.services.cloudwatch:_calc_stats": "points",
    "ministack.services.cloudwatch:_dispatch_alarm_actions": "alarm old_state new_state reason",
    "ministack.services.cloudwatch:_evaluate_alarm": "alarm",
    "ministack.services.cloudwatch:_evaluate_all_alarms": "",
    "ministack.services.cloudwatch:_evaluate_parent_alarms": "child seen",
    "ministack.services.cloudwatch:_get_metric_data": "params cbor_data is_cbor is_json",
    "ministack.services.cloudwatch:_get_metric_statistics": "params cbor_data is_cbor is_json",
    "ministack.services.cloudwatch:_record_history": "alarm_name old_state new_state reason alarm_type reason_data",
    "ministack.services.cloudwatch:_set_alarm_state": "params cbor_data is_cbor is_json",
    "ministack.services.cloudwatch:_stat_value": "stats stat_name points",
    "ministack.services.cloudwatch:_store_datum": "namespace name dims ts unit value values counts stat_values",
    "ministack.services.cloudwatch:record_metric": "namespace metric_name value unit dimensions",
    "ministack.services.dynamodb:_items_replaced": "table",
    "ministack.services.dynamodb:_remove_item": "table pk_val sk_val",
    "ministack.services.dynamodb:_set_item": "table pk_val sk_val item",
    "ministack.services.tagging:resource_tags": "arn",
    "ministack.services.eventbridge:_dispatch_event": "event view",
    "ministack.services.eventbridge:_dispatch_to_stepfunctions": "arn payload",
    "ministack.services.eventbridge:_invoke_target": "target event rule view",
    "ministack.services.lambda_svc:_create_function_url_config": "func_name data qualifier",
    "ministack.services.lambda_svc:_execute_function_warm": "func event request_id",
    "ministack.services.lambda_svc:_function_url_id": "function_url",
    "ministack.services.lambda_svc:handle_function_url_request": (
        "url_id method path headers body query_params resolved source_ip"
    ),
    "ministack.services.s3:_fire_s3_event": (
        "bucket_name key event_name size etag deletion_type restore_event_data version_id sequencer object_extra"
        " record_extra"
    ),
    "ministack.services.s3:_fire_s3_event_async": (
        "bucket_name key event_name size etag deletion_type version_id object_extra record_extra"
    ),
}


@pytest.fixture(scope="module", autouse=True)
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The emulator reads its environment when it is imported."""
    before = dict(os.environ)
    os.environ.update(emulator_environment(Configuration()))
    yield
    os.environ.clear()
    os.environ.update(before)


def resolve(dotted: str) -> Any:
    module, _, attributes = dotted.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found


def test_the_installed_packages_are_the_pinned_ones() -> None:
    compat.check()


@pytest.mark.parametrize("module", sorted(compat.TOUCHED_SYMBOLS))
def test_every_touched_symbol_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    assert [name for name in compat.TOUCHED_SYMBOLS[module] if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("dotted", sorted(SIGNATURES))
def test_what_is_wrapped_is_called_as_expected(dotted: str) -> None:
    assert list(inspect.signature(resolve(dotted)).parameters) == SIGNATURES[dotted].split()


def test_cloudformation_keeps_its_tables_in_the_shape_that_types_are_added_in() -> None:
    from ministack.services.cloudformation import provisioners

    machine = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    assert {"create", "update", "update_with_logical_id", "delete"} == machine.keys()
    assert provisioners._REPLACING_PROPERTIES["AWS::IAM::Role"] == ("RoleName", "Path")
    assert provisioners._STACK_TAG_PROPERTY["AWS::IAM::Role"] == ("Tags", "list")
    assert provisioners._CUSTOM_NAME_REPLACEMENT["AWS::IAM::Role"] == {"name": "RoleName"}


def test_every_touch_is_listed() -> None:
    listed = {f"{module}.{name}" for module, names in compat.TOUCHED_SYMBOLS.items() for name in names}
    listed |= {dotted.replace(":", ".") for dotted in stepfunctions.TOUCHED}
    touched = {touch for path in LOCAL.rglob("*.py") for touch in touches(path)}
    assert touched
    assert touched - listed == set()


def touches(path: Path) -> Iterator[str]:
    """Names of the first emulator that a file of ours imports, or reads from a module it imports."""
    tree, modules = ast.parse(path.read_text()), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                if is_module(dotted):
                    modules[alias.asname or alias.name] = dotted
                else:
                    yield dotted
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            dotted = f"{modules[node.value.id]}.{node.attr}"
            if not is_module(dotted):
                yield dotted


def is_module(dotted: str) -> bool:
    try:
        return importlib.util.find_spec(dotted) is not None
    except ModuleNotFoundError:
        return False


def test_another_version_is_named_with_the_one_that_is_needed() -> None:
    assert wrong_versions({"boto3": "0.1", "absent-package": "1.0"}) == [
        f"boto3 is {importlib.metadata.version('boto3')}, needed is 0.1.",
        "absent-package is not installed, needed is 1.0.",
    ]


def test_a_missing_symbol_is_named() -> None:
    assert missing_symbols({"ministack.app": ("app", "absent"), "ministack.absent": ("x",)}) == [
        "ministack.app.absent",
        "ministack.absent.x",
    ]


def test_the_start_refuses_what_it_was_not_written_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "PINNED_VERSIONS", {"ministack": "9.9"})
    with pytest.raises(Incompatible, match=r"ministack is 1\.5\.33, needed is 9\.9"):
        compat.check()
    monkeypatch.setattr(compat, "PINNED_VERSIONS", {})
    monkeypatch.setattr(compat, "TOUCHED_SYMBOLS", {"ministack.app": ("absent",)})
    with pytest.raises(Incompatible, match=r"ministack\.app\.absent"):
        compat.check()
