"""The mails that SES and SNS captured instead of sending.

The emulator keeps what SES sends, and only logs what SNS would mail to a subscriber: that is kept with it here.
"""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Any

from local.clock import Clock
from local.gateway.loading import after_import

_SNS_SENDER = "no-reply@sns.amazonaws.com"


def install(clock: Clock) -> None:
    """Keep what SNS would mail."""
    after_import("ministack.services.sns", functools.partial(_keep_mails_of_topics, clock))


def captured_mails() -> list[dict[str, Any]]:
    """All mails, oldest first: ``subject``, ``to``, ``text``, ``html``, ``from``, ``cc``, ``id``, ``sent_at``."""
    from ministack.services import ses

    records = [record for mails in ses._sent_emails.to_dict().values() for record in mails]
    return [_readable(record) for record in sorted(records, key=lambda record: record["Timestamp"])]


def _keep_mails_of_topics(clock: Clock, sns: Any) -> None:
    publish: Callable[..., None] = sns._fanout

    @functools.wraps(publish)
    def keeping(topic_arn: str, message_id: str, message: str, subject: str, *more: Any, **named: Any) -> None:
        publish(topic_arn, message_id, message, subject, *more, **named)
        attributes = named.get("message_attributes") or (more[1] if len(more) > 1 else None) or {}
        for address in _mailed(sns, topic_arn, attributes, message):
            _keep(message_id, address, subject, message, clock.now())

    sns._fanout = keeping


def _mailed(sns: Any, topic_arn: str, attributes: Mapping[str, Any], message: str) -> list[str]:
    """Whose subscription lets the message through. The emulator takes every subscription for confirmed at once."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": ()}
    return [
        each["endpoint"]
        for each in topic["subscriptions"]
        if each.get("confirmed")
        and each.get("protocol") == "email"
        and sns._matches_filter_policy(each, attributes, message)
    ]


def _keep(message_id: str, address: str, subject: str, text: str, now: float) -> None:
    from ministack.services import ses

    record = {"MessageId": f"{message_id}-{address}", "Source": _SNS_SENDER, "To": [address], "Timestamp": now}
    ses._sent_emails_list().append({**record, "Subject": subject, "BodyText": text, "Type": "sns"})


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
