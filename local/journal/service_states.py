"""The emulator's service states in files, one a service, each complete: a crash leaves the old or the new one.

A state is read when its module is first needed, not at start, and written only when it differs from what the module
starts with: most services are never used.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from local.gateway.loading import is_loaded


class ServiceStates:
    """The files under ``services/``, in the emulator's own format."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._written: dict[str, int] = {}

    def restore_module(self, module: str, loaded: Any) -> None:
        """Give a module that has just been imported its saved state, and remember what it starts with."""
        from ministack.core import persistence

        for key in _keys(module):
            saved = persistence.load_state(key)
            if saved:
                loaded.load_persisted_state(saved)
            if (text := _document(key, loaded)) is not None:
                self._written[key] = hash(text)

    def save_module(self, module: str) -> None:
        """Save the states that an emulator module such as ``iam`` or ``lambda_svc`` keeps."""
        if (loaded := _module(module)) is not None:
            for key in _keys(module):
                self._save(key, loaded)

    def loaded_modules(self) -> list[str]:
        """The modules with a state that are in use, each once."""
        from ministack import app

        return [module for module in dict.fromkeys(app._state_map.values()) if _module(module) is not None]

    def _save(self, key: str, loaded: Any) -> None:
        text = _document(key, loaded)
        if text is None or self._written.get(key) == (written := hash(text)):
            return
        part = self._folder / f"{key}.json.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # key material is among them
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        part.replace(self._folder / f"{key}.json")
        self._written[key] = written


def _keys(module: str) -> list[str]:
    from ministack import app

    return [key for key, owner in app._state_map.items() if owner == module]


def _document(key: str, loaded: Any) -> str | None:
    from ministack.core import persistence

    state = loaded.get_state()
    if state is None:
        return None
    document = {"__ministack_format__": persistence._state_format_version(key), "payload": state}
    return json.dumps(document, default=persistence._json_default)


def _module(name: str) -> Any:
    from ministack import app

    loaded = app._loaded_modules.get(name) or sys.modules.get(f"ministack.services.{name}")
    return loaded if loaded is not None and is_loaded(loaded) and hasattr(loaded, "get_state") else None
