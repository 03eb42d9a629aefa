"""Takes rights from the roles of a running deployment, and gives them back."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.flow.product import Product
from tests.flow.records import deployed_roles

Statement = dict[str, Any]


class Rights:
    """The roles of a deployment, by their construct."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._iam = product.client("iam")
        self._roles = {
            role["construct"]: (name, role["policy"]["Statement"]) for name, role in deployed_roles(product).items()
        }

    def statements(self) -> Iterator[tuple[str, Statement]]:
        """Every statement of every role, with the role's construct."""
        for construct, (_, statements) in self._roles.items():
            for statement in statements:
                yield construct, statement

    def role(self, construct: str) -> str:
        """The role's name in IAM."""
        return self._roles[construct][0]

    @contextmanager
    def without(self, construct: str, sid: str) -> Iterator[None]:
        """The role lacks one statement for a while."""
        with self._changed(construct, sid, lambda _: None):
            yield

    @contextmanager
    def with_condition(self, construct: str, sid: str, condition: dict[str, dict[str, str]]) -> Iterator[None]:
        """One statement of the role holds under another condition for a while."""
        with self._changed(construct, sid, lambda statement: {**statement, "Condition": condition}):
            yield

    @contextmanager
    def denied(self, construct: str, *actions: str) -> Iterator[None]:
        """The role may not do this for a while."""
        statement = {"Effect": "Deny", "Action": list(actions), "Resource": "*"}
        self._put(construct, "denial", [statement])
        try:
            yield
        finally:
            self._iam.delete_role_policy(RoleName=self.role(construct), PolicyName="denial")

    @contextmanager
    def _changed(self, construct: str, sid: str, change: Callable[[Statement], Statement | None]) -> Iterator[None]:
        statements = self._roles[construct][1]
        changed = [change(each) if each["Sid"] == sid else each for each in statements]
        assert changed != statements, f"{construct} has no statement {sid} that this would change"
        self._put(construct, "grants", [each for each in changed if each is not None])
        try:
            yield
        finally:
            self._put(construct, "grants", statements)

    def _put(self, construct: str, policy: str, statements: list[Statement]) -> None:
        name, document = self.role(construct), {"Version": "2012-10-17", "Statement": statements}
        if statements:
            self._iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))
        else:
            self._iam.delete_role_policy(RoleName=name, PolicyName=policy)


def decisions(product: Product, after: int = 0, **query: str) -> list[dict[str, Any]]:
    """What IAM decided since the decision with the number `after`."""
    import urllib.parse
    import urllib.request

    address = f"{product.cloud.endpoint}/_cloud/decisions?{urllib.parse.urlencode({**query, 'after': after})}"
    with urllib.request.urlopen(address) as reply:
        return list(json.load(reply)["decisions"])
