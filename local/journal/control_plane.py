"""Durability of the emulator's services: a write that was acknowledged survives ``kill -9``.

The emulator saves when it ends. Here the touched service is saved after its handler has returned and before the answer
leaves; what a call changes in other services (an event in a queue, a log group) follows within a second. Reads and
invocations cost nothing.
"""

import asyncio
import functools
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from local.context import Cloud
from local.gateway.loading import after_import
from local.journal import captured_mail, object_versions, table_items
from local.journal.mutations import LAZY_MODULES, mutates, operation_name
from local.journal.service_states import ServiceStates
from local.journal.stack_statuses import any_in_progress, finished_stacks
from local.journal.table_items import TableItems

_SIDE_EFFECTS_SECONDS = 1.0
_LAZY_SECONDS = 5.0
_log = logging.getLogger(__name__)

Handler = Callable[..., Awaitable[Any]]


def install(cloud: Cloud) -> None:
    """Save what changes, when there is a state directory."""
    if cloud.configuration.state_dir is None:
        return
    journal = ControlPlane(cloud.configuration.state_dir)
    journal.hook()
    cloud.alarms.changed = journal.note_change
    cloud.on_ready.append(journal.start)
    cloud.on_stop.append(journal.stop)


class ControlPlane:
    """Follows the emulator's calls and saves what they change: on the event loop, where states change."""

    def __init__(self, state_dir: Path) -> None:
        self._states = ServiceStates(state_dir / "services")
        self._items = TableItems(state_dir / "services" / "dynamodb-items.jsonl")
        self._active = False
        self._lazy_due = False
        self._stopped = threading.Event()
        self._finished_stacks: object = None
        self._table_shape = 0

    def hook(self) -> None:
        """Restore each service module when it is imported, and follow its calls from then on."""
        from ministack import app

        captured_mail.persist()
        object_versions.protect()
        table_items.record(self._items)
        for module in dict.fromkeys(app._state_map.values()):
            after_import(f"ministack.services.{module}", functools.partial(self._restore, module))
        app._get_module = self._hooking(app._get_module)
        app._load_persisted_state = lambda: None
        app.save_all = lambda _: self._save_everything()

    def start(self) -> None:
        """Save side effects in the background."""
        threading.Thread(target=self._save_in_background, name="control-plane-journal", daemon=True).start()

    def stop(self) -> None:
        """End the background saving; all is saved once more when the front door has closed."""
        self._stopped.set()

    def note_change(self) -> None:
        """Something changed without a call: it is saved within a second."""
        self._active = True

    def _hooking(self, original: Callable[[str], Any]) -> Callable[[str], Any]:
        hooked: set[str] = set()

        def get_module(name: str) -> Any:
            module = original(name)
            if name not in hooked and hasattr(module, "get_state") and hasattr(module, "handle_request"):
                hooked.add(name)
                module.handle_request = self._saving(name, module.handle_request)
            return module

        return get_module

    def _restore(self, name: str, module: Any) -> None:
        if not hasattr(module, "get_state"):
            return
        self._states.restore_module(name, module)
        if name == "dynamodb":
            table_items.restore(self._items)

    def _saving(self, module: str, original: Handler) -> Handler:
        async def handle_request(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
        ) -> Any:
            answer = await original(method, path, headers, body, query)
            self._active = True
            operation = operation_name(headers, query, body)
            if module == "cloudformation":
                self._save_finished_stacks()
            if answer[0] < 400 and mutates(module, method, path, operation):
                self._save(module, method, operation, path, query)
            return answer

        return handle_request

    def _save(self, module: str, method: str, operation: str, path: str, query: dict[str, list[str]]) -> None:
        if module == "dynamodb" and operation in _ITEM_OPERATIONS and not self._items.fold_due:
            return  # written item by item
        if module == "s3" and method in ("PUT", "POST", "DELETE") and _is_object(path) and not query.keys() - _HARMLESS:
            return  # the emulator writes an object and its sidecar itself
        self._save_module(module)
        if module in ("ses", "ses_v2"):  # they share identities and captured mails
            self._save_module("ses_v2" if module == "ses" else "ses")

    def _save_module(self, module: str) -> None:
        try:
            self._states.save_module(module)
        except RuntimeError:  # a worker thread of CloudFormation changed a dictionary meanwhile: once more
            self._states.save_module(module)
        if module == "dynamodb":
            self._items.folded()

    def _save_finished_stacks(self) -> None:
        """A stack that reports its end was made of many services: all are saved before the end is reported."""
        finished = finished_stacks()
        if finished != self._finished_stacks:
            self._save_all()
            self._save_module("cloudwatch")  # its alarms
            self._finished_stacks = finished

    def _save_all(self) -> None:
        for module in self._states.loaded_modules():
            if module not in LAZY_MODULES and (module != "dynamodb" or self._tables_changed()):
                self._save_module(module)
        self._active = False

    def _tables_changed(self) -> bool:
        shape, self._table_shape = self._table_shape, table_items.shape()
        return self._items.fold_due or shape != self._table_shape

    def _save_in_background(self) -> None:
        from ministack import app

        rounds = 0
        while not self._stopped.wait(_SIDE_EFFECTS_SECONDS):
            rounds += 1
            try:
                if self._active or any_in_progress():
                    self._lazy_due = True
                    asyncio.run_coroutine_threadsafe(self._save_all_on_loop(), app._MAIN_LOOP).result()
                if self._lazy_due and rounds % int(_LAZY_SECONDS / _SIDE_EFFECTS_SECONDS) == 0:
                    self._lazy_due = False
                    for module in LAZY_MODULES:
                        self._save_module(module)
            except Exception:
                _log.exception("A part of the state was not saved")

    async def _save_all_on_loop(self) -> None:
        self._save_all()

    def _save_everything(self) -> None:
        for module in self._states.loaded_modules():
            self._save_module(module)


_ITEM_OPERATIONS = frozenset(
    {
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "ExecuteTransaction",
        "BatchExecuteStatement",
    }
)


# Names the operation, says nothing more.
_HARMLESS = {"x-id"}


def _is_object(path: str) -> bool:
    return bool(path.strip("/").partition("/")[2])
