"""A model's releases as text."""

from commands.columns import aligned
from commands.releases.ledger import Releases
from contracts.manifest import Manifest

_HEAD = ("RELEASE", "SINCE", "SERVES", "STRATEGY", "SCORES", "APPROVED BY", "DATASET", "ARTEFACT")
_HASH_SHOWN = 12
_SCORES_SHOWN = 1


def releases_table(releases: Releases) -> str:
    """One line for each time that a release came to serve, newest last, and how to go back."""
    if not releases.made:
        return f"{releases.model} has released nothing yet."
    lines = aligned([_HEAD, *(_row(releases, each, number) for number, each in enumerate(releases.made))])
    return "\n".join([*lines, *_hints(releases)])


def manifest_text(manifest: Manifest) -> str:
    """Everything that is known of a release, a line each."""
    rows = [
        ("release", manifest.name),
        ("serves since", manifest.released_at),
        ("run", manifest.run),
        ("dataset", manifest.dataset_key),
        ("its version", manifest.dataset_version),
        ("its SHA-256", manifest.dataset_sha256),
        ("training job", manifest.training_job),
        ("hyperparameters", ", ".join(f"{name} = {value}" for name, value in manifest.hyperparameters.items())),
        *((score.name, score.candidate_shown) for score in manifest.scores),
        ("image", manifest.image),
        ("artefact", manifest.model_data_url),
        ("its SHA-256", manifest.artefact_sha256),
        ("settings", manifest.settings),
        ("template", manifest.template_url),
        ("strategy", manifest.strategy),
        ("code", manifest.code),
        ("approved by", f"{manifest.approved_by} at {manifest.approved_at}"),
        ("comment", " / ".join(manifest.comment.splitlines())),
        ("asked for by", manifest.requester),
        ("reason", " / ".join(manifest.reason.splitlines())),
    ]
    return "\n".join(aligned([row for row in rows if row[1]]))


def _row(releases: Releases, manifest: Manifest, number: int) -> tuple[str, ...]:
    # Only its last coming serves; before that, it was replaced.
    last = all(each.name != manifest.name for each in releases.made[number + 1 :])
    share = releases.share(manifest.name) if last else None
    return (
        manifest.name,
        manifest.released_at[:16].replace("T", " "),
        "" if share is None else f"{100 * share:.4g} %",
        manifest.strategy,
        ", ".join(f"{each.name} {each.candidate_shown}" for each in manifest.scores[:_SCORES_SHOWN]),
        manifest.approved_by,
        manifest.dataset_key.rpartition("/")[2],
        manifest.artefact_sha256[:_HASH_SHOWN],
    )


def _hints(releases: Releases) -> list[str]:
    serving = releases.champion.variants if releases.champion else ()
    hints = [f"All about one of them: make releases MODEL={releases.model} RELEASE=<release>"]
    if len({each.name for each in releases.made}) > 1:
        hints.append(f"Go back to one: make rollback MODEL={releases.model} TO=<release> REASON=…")
    if len(serving) > 1:
        hints.append(f"Give one all requests: make ab-promote or make ab-rollback MODEL={releases.model}")
    return ["", *hints]
