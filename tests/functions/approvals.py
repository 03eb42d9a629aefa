"""Both approval functions in one mocked account, with people, mails and a run that waits."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from contracts.approval import OPEN_INDEX
from contracts.audit import AuditEntry
from contracts.times import iso_time_precisely

TABLE = "mlops-approvals"
LEDGER = "mlops-ledger"
AUDIT = "mlops-audit"
ASKED_AT = 1795410000.123  # 2026-11-23T05:00:00.123Z, as in the recorded event
EXPIRES_AFTER = 604_800
HOUR = 3_600


@dataclass
class WaitingRuns:
    """Step Functions as far as it takes callbacks. `faults` are given instead of success, first one first."""

    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    retries: int = 0
    """How often the SDK has tried before, as it tells with each answer."""

    def answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        sent = json.loads(params["body"])
        if self.faults:
            code = self.faults.pop(0)
            # AWS's own messages may quote what they were sent.
            message = f"Invalid Token: '{sent['taskToken']}'"
            return SimpleNamespace(status_code=400), {
                "Error": {"Code": code, "Message": message},
                "ResponseMetadata": {"RetryAttempts": self.retries},
            }
        self.calls.append((model.name, sent))
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {}}


@dataclass
class Approvals:
    """The world that the tests act in. Times of visits are in epoch seconds of the run's own clock."""

    request: ModuleType
    decide: ModuleType
    tend: ModuleType
    context: SimpleNamespace
    recorded: Callable[..., dict[str, Any]]
    runs: WaitingRuns
    mails: list[dict[str, Any]] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)
    """Addresses that SES refuses."""

    @classmethod
    @contextmanager
    def open(
        cls, handler_of: Callable[[str], ModuleType], context: SimpleNamespace, recorded: Callable[..., dict[str, Any]]
    ) -> Iterator["Approvals"]:
        """Deployed in the mocked account, with Step Functions and the post replaced."""
        handlers = (handler_of(verb) for verb in ("request_approval", "decide_release", "tend_approvals"))
        approvals = cls(*handlers, context, recorded, WaitingRuns())
        _deploy(approvals.decide.dynamodb, approvals.decide.kms, approvals.request.ses)
        approvals.hold_lease(recorded("request_approval")["lease"]["holder"])
        hooks = [
            (approvals.request.stepfunctions, "before-call.sfn", approvals.runs.answer),
            (approvals.decide.stepfunctions, "before-call.sfn", approvals.runs.answer),
            (approvals.tend.stepfunctions, "before-call.sfn", approvals.runs.answer),
            (approvals.request.ses, "provide-client-params.sesv2.SendEmail", approvals.deliver),
            (approvals.tend.ses, "provide-client-params.sesv2.SendEmail", approvals.deliver),
        ]
        for client, happening, hook in hooks:
            client.meta.events.register(happening, hook)
        try:
            yield approvals
        finally:
            for client, happening, hook in hooks:
                client.meta.events.unregister(happening, hook)

    def hold_lease(self, holder: str, **more: str) -> None:
        """The model's release lease is `holder`'s."""
        item = {"execution_arn": holder, "phase": "development", **more}
        key = {"pk": {"S": "model#iris-model"}, "sk": {"S": "lease"}}
        self.decide.dynamodb.put_item(
            TableName=LEDGER, Item={**key, **{name: {"S": text} for name, text in item.items()}}
        )

    def lease(self) -> dict[str, str]:
        """The lease's texts."""
        key = {"pk": {"S": "model#iris-model"}, "sk": {"S": "lease"}}
        item = self.decide.dynamodb.get_item(TableName=LEDGER, Key=key)["Item"]
        return {name: value["S"] for name, value in item.items()}

    def deliver(self, params: dict[str, Any], **_: Any) -> None:
        if self.unreachable.intersection(params["Destination"]["ToAddresses"]):
            raise ClientError({"Error": {"Code": "MessageRejected", "Message": "not verified"}}, "SendEmail")
        self.mails.append(params)

    def ask(self, **changed: Any) -> dict[str, Any]:
        """The run asks, as recorded but for some fields."""
        event = self.recorded("request_approval", **changed)
        event["settings"] = {**event["settings"], "approval": event.pop("approval", event["settings"]["approval"])}
        return self.request.handle(event, self.context)

    def link(self, approver: str = "release-approvers@example.com") -> str:
        """The link id in the last mail to an approver."""
        mail = [mail for mail in self.mails if mail["Destination"]["ToAddresses"] == [approver]][-1]
        found = re.findall(r"http://localhost/page/(\S+)", text_of(mail))
        assert len(found) == 1
        return found[0]

    def visit(
        self,
        link: str,
        method: str = "GET",
        *,
        now: float = ASKED_AT + HOUR,
        cookies: list[str] | None = None,
        body: str | bytes | None = None,
        content_type: str | None = "application/x-www-form-urlencoded",
        source: str = "203.0.113.7",
    ) -> dict[str, Any]:
        """One request to the function URL."""
        event = self.recorded("function_url", rawPath=f"/{link}", cookies=cookies or [])
        event["requestContext"] = {
            **event["requestContext"],
            "timeEpoch": int(now * 1000),
            "http": {"method": method, "sourceIp": source},
        }
        if body is not None:
            event["isBase64Encoded"] = isinstance(body, bytes)
            event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
            event["headers"] = {**event["headers"], **({"content-type": content_type} if content_type else {})}
        return self.decide.handle(event, self.context)

    def command(self, *, now: float = ASKED_AT + HOUR, **event: Any) -> dict[str, Any]:
        """What `make approve` and `make reject` do; a command brings no time, so the function's own clock counts."""
        with patch.object(self.decide, "time", SimpleNamespace(time=lambda: now)):
            return self.decide.handle(event, self.context)

    def attend(self, now: float) -> dict[str, int]:
        """What happens every minute."""
        return self.tend.handle({"time": iso_time_precisely(now)}, self.context)

    def item(self, run: str = "6a7e8feb-b491-4f31-9d6b-1c9f0d2a7e11") -> dict[str, Any]:
        """What is stored about a run."""
        key = {"pk": {"S": f"run#{run}"}, "sk": {"S": "approval"}}
        return self.decide.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]

    def everything_stored(self) -> list[dict[str, Any]]:
        """But for what is remembered of visits: how often somebody came, and which nonces were used."""
        items = self.decide.dynamodb.scan(TableName=TABLE)["Items"]
        return sorted((item for item in items if not item["pk"]["S"].startswith(("bucket#", "nonce#"))), key=str)

    def audit(self) -> list[AuditEntry]:
        """What is noted, in order of time."""
        items = self.decide.dynamodb.scan(TableName=AUDIT)["Items"]
        return [AuditEntry.from_item(item) for item in sorted(items, key=lambda item: item["sk"]["S"])]


@dataclass
class Person:
    """Somebody with a browser and a link."""

    approvals: Approvals
    link: str
    cookies: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)

    def opens(self, **changed: Any) -> dict[str, Any]:
        return self._take(self.approvals.visit(self.link, cookies=self._sent(), **changed))

    def sends(self, *, now: float = ASKED_AT + HOUR, **fields: str) -> dict[str, Any]:
        body = urlencode({**self.form, "release": "iris-model-3", "comment": "", **fields})
        return self._take(self.approvals.visit(self.link, "POST", cookies=self._sent(), body=body.encode(), now=now))

    def decides(self, decision: str, comment: str = "", *, now: float = ASKED_AT + HOUR) -> dict[str, Any]:
        self.opens(now=now)
        return self.sends(decision=decision, comment=comment, now=now)

    def _sent(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.cookies.items()]

    def _take(self, response: dict[str, Any]) -> dict[str, Any]:
        for cookie in response["cookies"]:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.form = read_form(response["body"])
        return response


def text_of(mail: dict[str, Any]) -> str:
    return str(mail["Content"]["Simple"]["Body"]["Text"]["Data"])


def html_of(mail: dict[str, Any]) -> str:
    return str(mail["Content"]["Simple"]["Body"]["Html"]["Data"])


def seen(mail: dict[str, Any]) -> str:
    """The mail's HTML as a reader shows it, with the pictures that come along."""
    html = html_of(mail)
    for each in mail["Content"]["Simple"].get("Attachments", ()):
        picture = base64.b64encode(each["RawContent"]).decode()
        html = html.replace(f"cid:{each['ContentId']}", f"data:image/png;base64,{picture}")
    return html


def read_form(html: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    reader = _Hidden()
    reader.feed(html)
    return reader.fields


class _Hidden(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"] or ""] = attributes.get("value") or ""


def create_signing_key(kms: Any) -> str:
    """Its id."""
    return kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]


def create_table(dynamodb: Any, name: str) -> None:
    """With the keys that both of the product's tables have, and the index that one has."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=_keys("pk", "sk"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", OPEN_INDEX)]
        + [{"AttributeName": "attend_at", "AttributeType": "N"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": OPEN_INDEX,
                "KeySchema": _keys(OPEN_INDEX, "attend_at"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _deploy(dynamodb: Any, kms: Any, ses: Any) -> None:
    create_table(dynamodb, TABLE)
    create_table(dynamodb, LEDGER)
    create_table(dynamodb, AUDIT)
    token = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/token", TargetKeyId=token)
    for number in (1, 3):
        kms.create_alias(AliasName=f"alias/signing-{number}", TargetKeyId=create_signing_key(kms))
    ses.create_email_identity(EmailIdentity="mlops@example.com")
