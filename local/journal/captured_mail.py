"""Captured mails belong to SES's saved state: an approval link must survive a restart."""

import copy
from collections.abc import Callable
from typing import Any

from local.gateway.loading import after_import

_KEY = "captured_mails"


def persist() -> None:
    """Complete what SES saves and restores."""

    def hook(ses: Any) -> None:
        ses.get_state = _with_mails(ses.get_state)
        ses.load_persisted_state = _restoring_mails(ses.load_persisted_state)

    after_import("ministack.services.ses", hook)


def _with_mails(original: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def get_state() -> dict[str, Any]:
        from ministack.services import ses

        return {**original(), _KEY: copy.copy(ses._sent_emails)}

    return get_state


def _restoring_mails(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def load(data: dict[str, Any]) -> Any:
        from ministack.services import ses

        restored = original(data)
        if (mails := data.get(_KEY)) is not None:
            ses._sent_emails._data.update(mails._data)
        return restored

    return load
