"""Which media type a client sends, and which it wants back."""

from typing import Final

CSV: Final = "text/csv"
JSON: Final = "application/json"
OFFERED: Final = (CSV, JSON)
"""What `/invocations` can answer with; the first is the default."""


def parse_media_type(header: str) -> tuple[str, dict[str, str]]:
    """`text/csv; charset=utf-8` → `("text/csv", {"charset": "utf-8"})`. Names are lower case."""
    media, *parameters = header.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    return media.strip().lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def choose_answer_type(accept: str | None) -> str | None:
    """The offered type that an Accept header (RFC 9110, 12.5.1) ranks highest; None when it admits neither.

    Between equal weights the type that is named wins over one that a wildcard admits.
    """
    if not accept or not accept.strip():
        return OFFERED[0]
    ranges = [_weighted(item) for item in accept.split(",") if item.strip()]
    ranks = {offered: _rank(offered, ranges) for offered in OFFERED}
    best = max(OFFERED, key=lambda offered: ranks[offered])
    return best if ranks[best][0] > 0 else None


def _weighted(item: str) -> tuple[str, float]:
    media, parameters = parse_media_type(item)
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        weight = 0.0
    return media, weight if 0 <= weight <= 1 else 0.0


def _rank(offered: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Weight and specificity of the most specific range that admits `offered`."""
    forms = ("*/*", offered.partition("/")[0] + "/*", offered)
    admitting = [(forms.index(media), weight) for media, weight in ranges if media in forms]
    specificity, weight = max(admitting, default=(0, 0.0))
    return weight, specificity
