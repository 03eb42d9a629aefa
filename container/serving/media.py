"""Which media type a client sends, and which it wants back."""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from container.fields import quoted
from container.serving.rejections import RejectedRequest

CSV: Final = "text/csv"
JSON: Final = "application/json"
JSON_LINES: Final = "application/jsonlines"
NPY: Final = "application/x-npy"
PARQUET: Final = "application/x-parquet"
TAKEN: Final = (CSV, JSON, JSON_LINES, NPY, PARQUET)
"""What `/invocations` reads."""
OFFERED: Final = (CSV, JSON, JSON_LINES)
"""What `/invocations` can answer with; the first is the default."""

# Names that others use for the same. Sources: IANA's registry for Parquet; ndjson.org; jsonlines.org.
_ALIASES: Final = {
    "application/vnd.apache.parquet": PARQUET,
    "application/x-jsonlines": JSON_LINES,
    "application/jsonl": JSON_LINES,
    "application/x-ndjson": JSON_LINES,
}
_UTF_8: Final = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """How an answer is written."""

    media: str
    probabilities: bool = False
    """Whether the probability of every class is in it; asked for by `Accept: …; probabilities=true`."""


def parse_media_type(header: str) -> tuple[str, dict[str, str]]:
    """`text/csv; charset=utf-8` → `("text/csv", {"charset": "utf-8"})`. Names are lower case."""
    media, *parameters = header.split(";")
    pairs = (parameter.partition("=") for parameter in parameters)
    named = {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs}
    media = media.strip().lower()
    return _ALIASES.get(media, media), named


@lru_cache(maxsize=256)
def content_media(content_type: bytes | None) -> str:
    """Which of `TAKEN` the body is.

    Raises:
        RejectedRequest: 415.
    """
    text = (content_type or b"").decode("latin-1")
    media, parameters = parse_media_type(text)
    if media not in TAKEN or parameters.get("charset", "utf-8") not in _UTF_8:
        reason = f"content type {quoted(text)} is not supported; send {', '.join(TAKEN)}; text in UTF-8"
        raise RejectedRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, reason)
    return media


@lru_cache(maxsize=256)
def choose_answer_form(accept: bytes | None) -> AnswerForm:
    """The form that an Accept header (RFC 9110, 12.5.1) ranks highest.

    Between equal weights the type that is named wins over one that a wildcard admits.

    Raises:
        RejectedRequest: 406, the header admits none.
    """
    if not accept or not accept.strip():
        return AnswerForm(OFFERED[0])
    ranges = [_Range.parse(item) for item in accept.decode("latin-1").split(",") if item.strip()]
    best = max(((_best(offered, ranges), -place) for place, offered in enumerate(OFFERED)), key=lambda each: each)
    (weight, _, probabilities), place = best
    if weight <= 0:
        raise RejectedRequest(HTTPStatus.NOT_ACCEPTABLE, f"answers come as {', '.join(OFFERED)}")
    return AnswerForm(OFFERED[-place], probabilities)


@dataclass(frozen=True)
class _Range:
    media: str
    weight: float
    probabilities: bool

    @classmethod
    def parse(cls, item: str) -> "_Range":
        media, parameters = parse_media_type(item)
        try:
            weight = float(parameters.get("q", "1"))
        except ValueError:
            weight = 0.0
        return cls(media, weight if 0 <= weight <= 1 else 0.0, parameters.get("probabilities") == "true")


def _best(offered: str, ranges: list[_Range]) -> tuple[float, int, bool]:
    """Of the most specific range that admits `offered`: weight, specificity, and whether it asks for probabilities."""
    forms = ("*/*", offered.partition("/")[0] + "/*", offered)
    admitting = [(forms.index(each.media), each.weight, each.probabilities) for each in ranges if each.media in forms]
    specificity, weight, probabilities = max(admitting, default=(0, 0.0, False))
    return weight, specificity, probabilities
