"""Stack operations that a crash cut off go on at the next start: no stack stays IN_PROGRESS forever.

An operation leaves its arguments on the stack's record, which is saved like everything else. Resources that were
recorded are taken over, the one in flight is found by its name and tags, the rest is done. A deletion is simply
repeated, and so is the rest of a roll back that ContinueUpdateRollback has begun.
"""

import asyncio
import contextvars
import copy
import logging
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from local.cloudformation.taken_over import begin_operation, take_over
from local.context import Cloud

_KEY = "_operation"
_FUNCTIONS = {
    "deploy": "_deploy_stack_async",
    "delete": "_delete_stack_async",
    "continue": "_continue_update_rollback_async",
}
# True while an operation is repeated: a resource of that name which is the stack's own is no conflict then.
_resuming: contextvars.ContextVar[bool] = contextvars.ContextVar("resuming_stack_operation", default=False)
_log = logging.getLogger(__name__)

Operation = Callable[..., Awaitable[None]]
_originals: dict[str, Operation] = {}


def is_resuming() -> bool:
    """Whether the operation in progress repeats one that a crash cut off."""
    return _resuming.get()


def install() -> None:
    """Have stack operations leave their arguments behind while they run."""
    from ministack.services.cloudformation import changesets, handlers, stacks

    for kind, name in _FUNCTIONS.items():
        _originals[kind] = getattr(stacks, name)
        recording = _recording(kind, _originals[kind])
        for module in (handlers, changesets, stacks):
            if hasattr(module, name):
                setattr(module, name, recording)


def resume(cloud: Cloud) -> None:
    """Start the operations that the saved state says were running."""
    state_dir = cloud.configuration.state_dir
    if state_dir is None or not _any_interrupted(state_dir / "services" / "cloudformation.json"):
        return
    from ministack import app
    from ministack.services import cloudformation

    for (account, region, _), stack in list(cloudformation._stacks._data.items()):
        if _KEY in stack and _was_running(stack):
            _log.warning("Going on with the interrupted operation on stack %s", stack["StackName"])
            asyncio.run_coroutine_threadsafe(_resume_one(account, region, stack), app._MAIN_LOOP)


def _was_running(stack: dict[str, Any]) -> bool:
    # A roll back that is to be continued says so only when it is begun, which is after the call was acknowledged.
    return stack["StackStatus"].endswith("IN_PROGRESS") or stack[_KEY]["kind"] == "continue"


def _any_interrupted(saved: Path) -> bool:
    # Looking into the file first: importing CloudFormation takes a second.
    return saved.exists() and f'"{_KEY}"' in saved.read_text(encoding="utf-8")


def _recording(kind: str, original: Operation) -> Operation:
    def start(stack_name: str, stack_id: str, *arguments: Any, **more: Any) -> Awaitable[None]:
        from ministack.services import cloudformation

        # Before the operation is acknowledged, not when the event loop gets to it.
        stack, operation_id = cloudformation._stacks.get(stack_name), str(uuid.uuid4())
        if stack is not None:
            plain = {name: _plain(value) for name, value in more.items()}
            stack[_KEY] = {
                "kind": kind,
                "id": operation_id,
                "arguments": [_plain(value) for value in arguments],
                "more": plain,
            }

        async def run() -> None:
            begin_operation(operation_id)
            try:
                await original(stack_name, stack_id, *arguments, **more)
            finally:
                if stack is not None:
                    stack.pop(_KEY, None)

        return run()

    return start


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else value


async def _resume_one(account: str, region: str, stack: dict[str, Any]) -> None:
    from ministack.core.responses import set_request_account_id, set_request_region

    from local.cloudformation.acting import act_for_stack

    set_request_account_id(account)
    set_request_region(region)
    _resuming.set(True)
    act_for_stack(stack)
    operation = stack[_KEY]
    begin_operation(operation["id"])
    name, stack_id, more = stack["StackName"], stack["StackId"], operation["more"]
    try:
        if operation["kind"] == "deploy":
            await _redeploy(stack, operation["arguments"], more)
        else:
            await _originals[operation["kind"]](name, stack_id, *operation["arguments"], **more)
    except Exception:
        _log.exception("The operation on stack %s could not go on", name)
    # Not before the end: a second crash goes on with what was asked for, not with how the first one went on.
    stack.pop(_KEY, None)
    _settle_change_sets(stack)


async def _redeploy(stack: dict[str, Any], arguments: list[Any], more: dict[str, Any]) -> None:
    name, stack_id = stack["StackName"], stack["StackId"]
    if more.get("is_update"):
        take_over(stack)
        await _originals["deploy"](name, stack_id, *arguments, **more)
        return
    template, parameters = arguments[0], arguments[1]
    if "ROLLBACK" not in stack["StackStatus"]:
        # What was created is the previous state: equal resources are left alone, missing ones created.
        again = {**more, "is_update": True, "previous_stack": _as_previous(stack, template, parameters)}
        await _originals["deploy"](name, stack_id, *arguments, **again)
    if "ROLLBACK" in stack["StackStatus"]:
        await _undo_creation(stack, template, parameters, more)
    else:
        stack["StackStatus"] = stack["StackStatus"].replace("UPDATE", "CREATE")


async def _undo_creation(
    stack: dict[str, Any], template: dict[str, Any], parameters: dict[str, Any], more: dict[str, Any]
) -> None:
    """A creation that fails leaves nothing: there is no former state that a roll back could go back to."""
    from ministack.services.cloudformation import stacks

    operation = {
        "is_update": False,
        "created": list(stack.get("_resources", {})),
        "template": template,
        "param_values": parameters,
        "retain_except_on_create": more.get("retain_except_on_create", False),
    }
    await stacks._roll_back_operation(stack["StackName"], stack["StackId"], stack, operation)


def _as_previous(stack: dict[str, Any], template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "_resources": copy.deepcopy(stack.get("_resources", {})),
        "_template": template,
        "_resolved_params": parameters,
        **{key: copy.deepcopy(stack.get(key)) for key in ("_template_body", "Parameters", "Tags", "Outputs")},
    }


def _settle_change_sets(stack: dict[str, Any]) -> None:
    from ministack.services import cloudformation

    complete = stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    for change_set in cloudformation._change_sets._data.values():
        executing = change_set.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS"
        if change_set.get("StackId") == stack["StackId"] and executing:
            change_set["ExecutionStatus"] = "EXECUTE_COMPLETE" if complete else "EXECUTE_FAILED"
