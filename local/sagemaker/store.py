"""What the back ends remember: JSON records in SQLite, each write durable before it is acknowledged."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    UNIQUE (kind, name)
);
CREATE TABLE IF NOT EXISTS tags (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
);
"""


class Store:
    """Records by kind ("model", "endpoint", …) and name, and tags by ARN. Safe for threads.

    Every method is one transaction, and so is everything inside `transaction()`. Records handed out are copies. Names
    are compared without case, as SageMaker does.
    """

    def __init__(self, path: Path | None) -> None:
        """``path`` None keeps everything in memory."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        # With a write-ahead log, NORMAL loses nothing when the process is killed; FULL would also survive a power cut
        # and costs an fsync for each write.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Nothing may be asked afterwards."""
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens at once, or not at all when an exception leaves it. May be nested."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._database.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._database.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._database.execute("COMMIT")
            finally:
                self._depth -= 1

    def get(self, kind: str, name: str) -> Record | None:
        """A copy; None when there is none."""
        with self._lock:
            row = self._database.execute(
                "SELECT record FROM records WHERE kind = ? AND name = ?", (kind, name.lower())
            ).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str) -> list[Record]:
        """In order of their creation."""
        with self._lock:
            rows = self._database.execute(
                "SELECT record FROM records WHERE kind = ? ORDER BY position", (kind,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def insert(self, kind: str, name: str, record: Record) -> bool:
        """False, and nothing changed, when there is one of that name."""
        with self.transaction():
            inserted = self._database.execute(
                "INSERT OR IGNORE INTO records (kind, name, record) VALUES (?, ?, ?)",
                (kind, name.lower(), json.dumps(record)),
            )
            return inserted.rowcount == 1

    def put(self, kind: str, name: str, record: Record) -> None:
        """Insert or replace."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO records (kind, name, record) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, name) DO UPDATE SET record = excluded.record",
                (kind, name.lower(), json.dumps(record)),
            )

    def update(self, kind: str, name: str, change: Callable[[Record], None]) -> Record | None:
        """Let ``change`` modify the record in place; the new record, or None when there is none of that name.

        Nothing is written when ``change`` raises.
        """
        with self.transaction():
            record = self.get(kind, name)
            if record is not None:
                change(record)
                self.put(kind, name, record)
            return record

    def delete(self, kind: str, name: str) -> Record | None:
        """The deleted record, or None when there was none."""
        with self.transaction():
            record = self.get(kind, name)
            self._database.execute("DELETE FROM records WHERE kind = ? AND name = ?", (kind, name.lower()))
            return record

    def tags(self, arn: str) -> dict[str, str]:
        """In order of their keys."""
        with self._lock:
            return dict(
                self._database.execute("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn.lower(),))
            )

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Add tags; a key that exists gets the new value."""
        with self.transaction():
            self._database.executemany(
                "INSERT OR REPLACE INTO tags (arn, key, value) VALUES (?, ?, ?)",
                [(arn.lower(), key, value) for key, value in tags.items()],
            )

    def untag(self, arn: str, keys: list[str] | None = None) -> None:
        """Remove these tags, or all."""
        with self.transaction():
            for key in list(self.tags(arn)) if keys is None else keys:
                self._database.execute("DELETE FROM tags WHERE arn = ? AND key = ?", (arn.lower(), key))
