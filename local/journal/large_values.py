"""Large values of a service's state in files of their own, each named after its content and written once.

A layer of a function has tens of megabytes. In the document of the state it would be encoded and written whenever
anything beside it changes, and decoded at every start.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

LARGE_BYTES = 64 * 1024
_TAG = "__large_value__"


class LargeValues:
    """The large values of one state, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # By identity, for bytes never change: no value is hashed twice. Holding it keeps its identity its own.
        self._names: dict[int, tuple[bytes, str]] = {}
        self._used: set[str] = set()

    def begin(self) -> None:
        """Another document is written: what it does not name is not needed when it is there."""
        self._used.clear()

    def encoded(self, value: object, other: Callable[[Any], Any]) -> Any:
        """What stands for a value that JSON has no form for: ``default`` of :func:`json.dumps`."""
        if not isinstance(value, bytes) or len(value) < LARGE_BYTES:
            return other(value)
        known = self._names.get(id(value))
        name = known[1] if known else self._keep(value)
        self._used.add(name)
        return {_TAG: name}

    def decoded(self, value: dict[str, Any], other: Callable[[dict[str, Any]], Any]) -> Any:
        """The value that such an object stands for: ``object_hook`` of :func:`json.loads`. Raises OSError."""
        name = value.get(_TAG)
        if not isinstance(name, str):
            return other(value)
        content = (self._folder / Path(name).name).read_bytes()
        self._names[id(content)] = content, name
        return content

    def forget_unused(self) -> None:
        """Remove what the document that was written last does not name."""
        self._names = {key: (value, name) for key, (value, name) in self._names.items() if name in self._used}
        for path in self._folder.glob("*") if self._folder.exists() else ():
            if path.name not in self._used:
                path.unlink(missing_ok=True)

    def _keep(self, value: bytes) -> str:
        name = hashlib.sha256(value).hexdigest()
        path = self._folder / name
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
            part.replace(path)
        self._names[id(value)] = value, name
        return name
