"""What of the emulators' private parts is used here, checked at every start: an upgrade fails in this place, by name.

Nothing outside the pinned versions was tried. The symbols are looked up in the packages' source, because importing all
those modules would take seconds; ``tests/local/test_compat.py`` imports them and checks what is called and how.
"""

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from pathlib import Path

PINNED_VERSIONS = {
    "ministack": "1.5.33",
    "moto": "5.2.5",
    "boto3": "1.43.106",
    "botocore": "1.43.106",
    "hypercorn": "0.18.0",
}

# Module of the emulator → names of it that are replaced, wrapped or read here.
TOUCHED_SYMBOLS: Mapping[str, tuple[str, ...]] = {
    "hypercorn.protocol.events": ("StreamClosed",),
    "hypercorn.protocol.http_stream": ("HTTPStream",),
    "ministack.app": (
        "SERVICE_HANDLERS",
        "_MAIN_LOOP",
        "_get_module",
        "_load_persisted_state",
        "_loaded_modules",
        "_state_map",
        "app",
        "pin_request_origin",
        "save_all",
    ),
    "ministack.core.iam_actions": (
        "SERVICE_TO_IAM_NAMESPACE",
        "access_denied_response",
        "extract_iam_action",
        "extract_resource_arn",
        "identity_denial_message",
    ),
    "ministack.core.iam_evaluator": (
        "AuthError",
        "EvalContext",
        "_first_match",
        "caller_arn",
        "enforce",
        "evaluate_resource_policy",
        "resolve_caller_identity",
        "resolve_credential",
    ),
    "ministack.core.lambda_runtime": (
        "Worker",
        "_lock",
        "_worker_class_for",
        "_workers",
        "execution_credentials",
        "kill_workers",
        "reset",
    ),
    "ministack.core.persistence": ("_json_default", "_json_object_hook", "_state_format_version"),
    "ministack.core.responses": (
        "get_account_id",
        "get_region",
        "set_request_account_id",
        "set_request_region",
    ),
    "ministack.core.router": ("SERVICE_PATTERNS", "_is_aws_service_name", "extract_access_key_id"),
    "ministack.services.cloudformation": ("_change_sets", "_stacks", "handle_request"),
    "ministack.services.cloudformation.changesets": (
        "_evaluate_conditions",
        "_find_change_set",
        "_resolve_props_for_diff",
        "now_iso",
    ),
    "ministack.services.cloudformation.engine": ("_evaluate_conditions", "_resolve_refs"),
    "ministack.services.cloudformation.handlers": ("_evaluate_conditions", "_resolve_stack", "now_iso"),
    "ministack.services.cloudformation.helpers": (
        "TEMPLATE_URL_MAX_BYTES",
        "_error",
        "_p",
        "_resolve_document",
        "_xml",
    ),
    "ministack.services.cloudformation.provisioners": (
        "_CUSTOM_NAME_REPLACEMENT",
        "_NAME_SEED",
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_STACK_TAG_PROPERTY",
        "_physical_name",
    ),
    "ministack.services.cloudformation.stacks": (
        "_continue_update_rollback_async",
        "_delete_stack_async",
        "_deploy_stack_async",
        "_evaluate_conditions",
        "_roll_back_operation",
        "_runs_on_worker_thread",
        "_update_keeping_seed",
        "now_iso",
    ),
    "ministack.services.cloudwatch": (
        "_alarms",
        "_calc_stats",
        "_cbor_datapoint",
        "_cbor_metric_data_result",
        "_cbor_ok",
        "_dims_from_list",
        "_dims_key",
        "_dispatch_alarm_actions",
        "_evaluate_alarm",
        "_evaluate_all_alarms",
        "_evaluate_parent_alarms",
        "_get_metric_data",
        "_get_metric_statistics",
        "_json_ok",
        "_metric_bucket",
        "_metrics",
        "_p",
        "_parse_ts",
        "_record_history",
        "_set_alarm_state",
        "_stat_value",
        "_store_datum",
        "_ts_iso",
        "record_metric",
    ),
    "ministack.services.dynamodb": (
        "_INDEX_MEMBERS",
        "_items_replaced",
        "_pitr_settings",
        "_remove_item",
        "_resource_policies",
        "_set_item",
        "_tables",
        "_tags",
        "_ttl_settings",
    ),
    "ministack.services.eventbridge": (
        "_SCHEDULER_TICK_INTERVAL",
        "_dispatch_event",
        "_dispatch_to_stepfunctions",
        "_invoke_target",
        "_now_ts",
    ),
    "ministack.services.iam": ("_roles",),
    "ministack.services.lambda_svc": (
        "_build_function_url_event",
        "_create_function_url_config",
        "_execute_function_warm",
        "_function_url_id",
        "_function_urls",
        "_functions",
        "_resolve_layer_zip",
        "_url_config_key",
        "handle_function_url_request",
        "resolve_function_url",
    ),
    "ministack.services.s3": (
        "_bucket_notifications",
        "_bucket_tags",
        "_fire_s3_event",
        "_fire_s3_event_async",
        "_get_object_data",
        "_next_event_sequencer",
        "_parse_notification_config",
        "_read_body",
        "_version_disk_path",
        "_version_file_exists",
        "S3_PERSIST",
    ),
    "ministack.services.sns": ("_fanout", "_matches_filter_policy", "_topic_by_arn_any_scope"),
    "ministack.services.ses": ("_sent_emails", "_sent_emails_list", "get_state", "load_persisted_state"),
    "ministack.services.sqs": ("queue_policy_for_arn",),
    "ministack.services.sts": ("register_session",),
    "ministack.services.tagging": ("resource_tags",),
}


class Incompatible(RuntimeError):
    """An installed package is not the one this code was written against; the message names it and what to install."""


def check() -> None:
    """Compare versions and symbols. Raises Incompatible with everything that differs."""
    wrong = wrong_versions(PINNED_VERSIONS)
    if wrong:
        raise Incompatible("The embedded cloud needs other packages; install the lock file. " + " ".join(wrong))
    from local import stepfunctions  # it keeps its own list, beside the repairs

    missing = missing_symbols(TOUCHED_SYMBOLS) + missing_symbols(stepfunctions.TOUCHED_SYMBOLS)
    if missing:
        raise Incompatible(f"The emulator lacks what the embedded cloud uses of it: {', '.join(missing)}")


def wrong_versions(pinned: Mapping[str, str]) -> list[str]:
    """One sentence for each package that is missing or has another version."""
    found = {name: _installed(name) for name in pinned}
    return [
        f"{name} is {found[name] or 'not installed'}, needed is {needed}."
        for name, needed in pinned.items()
        if found[name] != needed
    ]


def missing_symbols(touched: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Dotted names that their module's source does not define or import at top level."""
    missing = []
    for module, names in touched.items():
        source = _source(module)
        missing += [f"{module}.{name}" for name in names if not _defines(source, name)]
    return missing


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _source(module: str) -> str:
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return ""
    path = Path(spec.origin).parent.joinpath(*inner)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate.read_text(encoding="utf-8")
    return ""


def _defines(source: str, name: str) -> bool:
    # Plain searches: regular expressions over these files would be a tenth of the time a start may take.
    definitions = (f"\ndef {name}(", f"\nasync def {name}(", f"\nclass {name}", f"\n{name} = ", f"\n{name}: ")
    imports = (f"\n    {name},\n", f" import {name}\n", f", {name}\n", f" import {name}, ")
    return any(text in source for text in definitions + imports) or _imported_between(source, name)


def _imported_between(source: str, name: str) -> bool:
    """In one line with others, neither the first nor the last of them."""
    found = source.find(f", {name}, ")
    return found >= 0 and source.startswith("from ", source.rfind("\n", 0, found) + 1)
