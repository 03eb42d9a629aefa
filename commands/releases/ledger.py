"""Reads a model's releases from the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commands.deployment import Deployment
from commands.faults import CommandFailed
from contracts.manifest import Manifest, Variant, release_number


@dataclass(frozen=True)
class Releases:
    """What a model has released. `made` is every time that one came to serve, oldest first."""

    model: str
    champion: Manifest | None
    made: tuple[Manifest, ...]

    def share(self, release: str) -> float | None:
        """Its share of production's requests, from 0 to 1; None when it does not serve."""
        serving = self.champion.variants if self.champion else ()
        return next((variant.weight for variant in serving if variant.release == release), None)

    def named(self, release: str) -> Manifest:
        """The release of this name or number, as it was made first.

        Raises:
            CommandFailed: there is none.
        """
        name = f"{self.model}-{release}" if release.isdecimal() else release
        found = next((each for each in self.made if each.name == name), None)
        if found is None:
            known = ", ".join(dict.fromkeys(each.name for each in self.made)) or "none yet"
            raise CommandFailed(f"{self.model} has no release {release}; it has {known}.")
        return found

    def before_champion(self) -> Manifest:
        """The newest of the releases that are older than the champion.

        Raises:
            CommandFailed: there is no champion, or nothing before it.
        """
        if self.champion is None:
            raise CommandFailed(f"{self.model} has released nothing yet.")
        older = [each for each in self.made if each.number < self.champion.number]
        if not older:
            raise CommandFailed(f"{self.champion.name} is the oldest release: there is nothing to go back to.")
        return self.named(max(older, key=lambda each: each.number).name)

    def sharing(self) -> tuple[Variant, Variant]:
        """The older and the newer of the two releases that share production.

        Raises:
            CommandFailed: production serves one release, or none.
        """
        serving = self.champion.variants if self.champion else ()
        if len(serving) < 2:
            told = f"only {serving[0].release}" if serving else "nothing yet"
            raise CommandFailed(
                f"Production of {self.model} serves {told}: there is no traffic to shift. With "
                'production.strategy.kind = "ab" in its settings, the next release serves beside that one.'
            )
        older, newer = sorted(serving, key=lambda variant: release_number(variant.release))
        return older, newer


def read_releases(deployment: Deployment, model: str) -> Releases:
    """Champion and releases of a model."""
    champion = deployment.client("dynamodb").get_item(
        TableName=deployment.ledger_table, Key={**_key(model), "sk": {"S": "champion"}}, ConsistentRead=True
    )
    made = sorted(map(_manifest, _items(deployment, model)), key=lambda each: each.released_at)
    return Releases(model, _manifest(champion["Item"]) if "Item" in champion else None, tuple(made))


def _items(deployment: Deployment, model: str) -> Iterator[dict[str, Any]]:
    pages = (
        deployment.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=deployment.ledger_table,
            KeyConditionExpression="pk = :model AND begins_with(sk, :releases)",
            ExpressionAttributeValues={":model": _key(model)["pk"], ":releases": {"S": "release#"}},
            ConsistentRead=True,
        )
    )
    return (item for page in pages for item in page["Items"])


def _key(model: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"model#{model}"}}


def _manifest(item: dict[str, Any]) -> Manifest:
    return Manifest.from_text(item["release"]["S"])
