"""DynamoDB items, written one by one: a table is not saved whole for each put.

An append-only file of changes beside the last whole state. A change is written before its call is answered; what a
crash cut off in the middle of a line was never acknowledged.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from local.gateway.loading import after_import

# The file is folded into the whole state when it has grown to this; reading it at start takes a tenth of a second.
_FOLD_BYTES = 8_000_000
_ITEM_FIELDS = frozenset({"items", "ItemCount", "TableSizeBytes", "_index_members"})

# (table ARN, table id, partition key, sort key, item or None for a deletion)
Change = tuple[str, str, str, str, dict[str, Any] | None]


class TableItems:
    """The file of item changes. ``fold`` is due after whole-table operations and when the file has grown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._bytes = path.stat().st_size if path.exists() else 0
        self._replaced = False
        self._recording = True

    @property
    def fold_due(self) -> bool:
        """Whether the whole state has to be saved instead."""
        return self._replaced or self._bytes > _FOLD_BYTES

    def put(self, table: dict[str, Any], partition: str, sort: str, item: dict[str, Any] | None) -> None:
        """Write one change; None is a deletion."""
        if not self._recording:
            return
        line = json.dumps([table["TableArn"], table.get("TableId", ""), partition, sort, item]).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self._file = self._path.open("ab")
            self._file.write(line)
            self._file.flush()
            self._bytes += len(line)

    def replaced(self) -> None:
        """All items of a table were exchanged at once."""
        self._replaced = True

    def folded(self) -> None:
        """The whole state was saved: start afresh."""
        self.close()
        with self._lock:
            self._path.unlink(missing_ok=True)
            self._bytes = 0
            self._replaced = False

    def close(self) -> None:
        """Close the file; the next change opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Changes made meanwhile are not recorded: they come from the file."""
        self._recording = False
        try:
            yield
        finally:
            self._recording = True

    def changes(self) -> Iterator[Change]:
        """The changes in the order of writing."""
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                table_arn, table_id, partition, sort, item = json.loads(line)
                yield table_arn, table_id, partition, sort, item


def record(items: TableItems) -> None:
    """Have every change of an item recorded."""

    def hook(dynamodb: Any) -> None:
        dynamodb._set_item = _recording_put(dynamodb._set_item, items)
        dynamodb._remove_item = _recording_removal(dynamodb._remove_item, items)
        dynamodb._items_replaced = _recording_exchange(dynamodb._items_replaced, items)

    after_import("ministack.services.dynamodb", hook)


def shape() -> int:
    """A fingerprint of everything but the items: it changes when a table has to be saved whole."""
    from ministack.core import persistence
    from ministack.services import dynamodb

    tables = {
        str(key): {name: value for name, value in table.items() if name not in _ITEM_FIELDS}
        for key, table in dynamodb._tables._data.items()
    }
    settings = [dynamodb._tags, dynamodb._ttl_settings, dynamodb._pitr_settings, dynamodb._resource_policies]
    return hash(json.dumps([tables, settings], default=persistence._json_default))


def restore(items: TableItems) -> None:
    """Apply the recorded changes to the tables that were loaded; those of tables that are gone are left out."""
    changes = list(items.changes())
    if changes:
        with items.paused():
            _apply(changes)


def _apply(changes: list[Change]) -> None:
    from ministack.services import dynamodb

    for table_arn, table_id, partition, sort, item in changes:
        _, _, _, region, account, resource = table_arn.split(":", 5)
        table = dynamodb._tables.get_scoped(account, region, resource.removeprefix("table/"))
        if table is None or table.get("TableId", "") != table_id:
            continue
        if item is None:
            dynamodb._remove_item(table, partition, sort)
        else:
            dynamodb._set_item(table, partition, sort, item)


def _recording_put(original: Callable[..., Any], items: TableItems) -> Callable[..., Any]:
    def set_item(table: dict[str, Any], partition: str, sort: str, item: dict[str, Any]) -> Any:
        previous = original(table, partition, sort, item)
        items.put(table, partition, sort, item)
        return previous

    return set_item


def _recording_removal(original: Callable[..., Any], items: TableItems) -> Callable[..., Any]:
    def remove_item(table: dict[str, Any], partition: str, sort: str) -> Any:
        previous = original(table, partition, sort)
        if previous is not None:
            items.put(table, partition, sort, None)
        return previous

    return remove_item


def _recording_exchange(original: Callable[..., Any], items: TableItems) -> Callable[..., Any]:
    def items_replaced(table: dict[str, Any]) -> Any:
        items.replaced()
        return original(table)

    return items_replaced
