"""Moments as text. All times are UTC; epochs are in seconds."""

from datetime import UTC, datetime


def iso_time(epoch_seconds: float) -> str:
    """Such as `2026-11-23T05:00:00Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_time_precisely(epoch_seconds: float) -> str:
    """Such as `2026-11-23T05:00:00.123Z`."""
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_seconds(iso: str) -> float:
    """The moment of an ISO 8601 text with an offset or `Z`.

    Raises:
        ValueError: not such a text.
    """
    moment = datetime.fromisoformat(iso)
    if moment.tzinfo is None:
        raise ValueError(f"{iso}: a time without an offset")
    return moment.timestamp()


def time_in_words(epoch_seconds: float) -> str:
    """Such as `Monday 30 November 2026, 05:00 UTC`."""
    moment = datetime.fromtimestamp(epoch_seconds, UTC)
    return f"{moment:%A} {moment.day} {moment:%B %Y, %H:%M} UTC"
