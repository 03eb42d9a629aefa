"""The emulator's service states in files, one a service, each complete: a crash leaves the old or the new one.

A state is read when its module is first needed, not at start, and written only when it differs from what the module
starts with: most services are never used.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from local.gateway.loading import is_loaded
from local.journal.large_values import LargeValues

_FORMAT = "__ministack_format__"
_log = logging.getLogger(__name__)


class ServiceStates:
    """The files under ``services/``, in the emulator's own format."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._written: dict[str, int] = {}
        self._values: dict[str, LargeValues] = {}
        # Only these are saved: a module that is still being imported looks like one without any state.
        self._restored: set[str] = set()

    def restore_module(self, module: str, loaded: Any) -> None:
        """Give a module that has just been imported its saved state, and remember what it starts with."""
        for key in _keys(module):
            self._restore(key, loaded)
            if (text := self._document(key, loaded)) is not None:
                self._written[key] = hash(text)
        self._restored.add(module)

    def _restore(self, key: str, loaded: Any) -> None:
        path = self._folder / f"{key}.json"
        if not path.exists():
            return
        try:
            loaded.load_persisted_state(self._read(key, path))
        except Exception:
            aside = path.with_suffix(".unreadable")
            path.replace(aside)  # never overwritten: someone may still want what is in it
            _log.exception("The saved state of %s could not be read; it is kept in %s", key, aside)

    def save_module(self, module: str) -> None:
        """Save the states that an emulator module such as ``iam`` or ``lambda_svc`` keeps."""
        if module in self._restored and (loaded := _module(module)) is not None:
            for key in _keys(module):
                self._save(key, loaded)

    def loaded_modules(self) -> list[str]:
        """The modules whose states can be saved."""
        return sorted(self._restored)

    def _save(self, key: str, loaded: Any) -> None:
        text = self._document(key, loaded)
        if text is None or self._written.get(key) == (written := hash(text)):
            return
        part = self._folder / f"{key}.json.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # key material is among them
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        part.replace(self._folder / f"{key}.json")
        self._written[key] = written
        self._large(key).forget_unused()

    def _document(self, key: str, loaded: Any) -> str | None:
        from ministack.core import persistence

        state = loaded.get_state()
        if state is None:
            return None
        large = self._large(key)
        large.begin()
        document = {_FORMAT: persistence._state_format_version(key), "payload": state}
        return json.dumps(document, default=lambda value: large.encoded(value, persistence._json_default))

    def _read(self, key: str, path: Path) -> Any:
        from ministack.core import persistence

        large = self._large(key)
        content = path.read_bytes()
        document = json.loads(content, object_hook=lambda value: large.decoded(value, persistence._json_object_hook))
        if not 1 <= document[_FORMAT] <= persistence._state_format_version(key):
            raise ValueError("it is not a state that this version reads")
        return document["payload"]

    def _large(self, key: str) -> LargeValues:
        return self._values.setdefault(key, LargeValues(self._folder / f"{key}-values"))


def _keys(module: str) -> list[str]:
    from ministack import app

    return [key for key, owner in app._state_map.items() if owner == module]


def _module(name: str) -> Any:
    from ministack import app

    loaded = app._loaded_modules.get(name) or sys.modules.get(f"ministack.services.{name}")
    return loaded if loaded is not None and is_loaded(loaded) and hasattr(loaded, "get_state") else None
