import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sagemaker.store import Record, Store


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(None)
    yield made
    made.close()


def test_records_are_kept_by_kind_and_name_without_case(store: Store) -> None:
    assert store.insert("model", "Iris", {"a": 1})
    assert not store.insert("model", "iris", {"a": 2})
    assert store.insert("endpoint", "iris", {"a": 3})
    assert store.get("model", "IRIS") == {"a": 1}
    store.put("model", "IRIS", {"a": 4})
    assert store.all("model") == [{"a": 4}]
    assert store.delete("model", "iris") == {"a": 4}
    assert store.delete("model", "iris") is None
    assert store.get("model", "iris") is None


def test_a_change_that_raises_changes_nothing(store: Store) -> None:
    store.insert("model", "iris", {"a": 1})

    def fail(record: Record) -> None:
        record["a"] = 2
        raise LookupError

    with pytest.raises(LookupError):
        store.update("model", "iris", fail)
    assert store.get("model", "iris") == {"a": 1}
    assert store.update("model", "none", fail) is None


def test_a_transaction_happens_wholly_or_not(store: Store) -> None:

    def fail_halfway() -> None:
        with store.transaction():
            store.insert("model", "iris", {})
            with store.transaction():
                store.tag("arn", {"k": "v"})
            raise LookupError

    with pytest.raises(LookupError):
        fail_halfway()
    assert store.all("model") == []
    assert store.tags("arn") == {}
    store.insert("model", "iris", {})
    assert store.all("model") == [{}]


def test_tags_are_kept_by_arn(store: Store) -> None:
    store.tag("arn:a", {"b": "1", "a": "2"})
    store.tag("arn:a", {"b": "3"})
    store.tag("arn:b", {"b": "4"})
    assert store.tags("arn:a") == {"a": "2", "b": "3"}
    store.untag("arn:a", ["a"])
    assert store.tags("arn:a") == {"b": "3"}
    store.untag("arn:a")
    assert store.tags("arn:a") == {}
    assert store.tags("arn:b") == {"b": "4"}


WRITER = """
import pathlib, sys
from local.sagemaker.store import Store
store = Store(pathlib.Path(sys.argv[1]))
for number in range(1_000_000):
    store.insert("number", str(number), {"number": number})
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "store.sqlite")], cwd=root, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)][-1]
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    reopened = Store(tmp_path / "store.sqlite")
    numbers = [record["number"] for record in reopened.all("number")]
    reopened.close()
    assert numbers[: acknowledged + 1] == list(range(acknowledged + 1))
