"""The mails that SES captured instead of sending."""

import datetime as dt
from typing import Any


def captured_mails() -> list[dict[str, Any]]:
    """All mails, oldest first: ``subject``, ``to``, ``text``, ``html``, ``from``, ``cc``, ``id``, ``sent_at``."""
    from ministack.services import ses

    records = [record for mails in ses._sent_emails.to_dict().values() for record in mails]
    return [_readable(record) for record in sorted(records, key=lambda record: record["Timestamp"])]


def _readable(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record["MessageId"],
        "from": record["Source"],
        "to": record.get("To", []),
        "cc": record.get("CC", []),
        "subject": record.get("RenderedSubject") or record.get("Subject", ""),
        "text": record.get("RenderedBodyText") or record.get("BodyText") or "",
        "html": record.get("RenderedBodyHtml") or record.get("BodyHtml"),
        "sent_at": dt.datetime.fromtimestamp(record["Timestamp"], dt.UTC).isoformat(),
    }
