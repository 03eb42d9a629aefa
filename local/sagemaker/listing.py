"""Filtering, ordering and paging, the same for every List operation."""

import base64
import json
from collections.abc import Callable, Iterable

from local.sagemaker.faults import invalid
from local.sagemaker.json_rpc import Json
from local.sagemaker.store import Record

# SageMaker lists at most 100 at a time and 10 unless asked for more.
_DEFAULT_RESULTS = 10


def matching(records: Iterable[Record], request: Json, name_key: str, status_key: str | None = None) -> list[Record]:
    """The records that pass the request's NameContains, StatusEquals, Creation… and LastModifiedTime… filters."""
    kept = list(records)
    if (part := request.get("NameContains")) is not None:
        kept = [record for record in kept if part.lower() in record[name_key].lower()]
    if status_key and (status := request.get("StatusEquals")) is not None:
        kept = [record for record in kept if record[status_key] == status]
    for time_key in ("CreationTime", "LastModifiedTime"):
        if (after := request.get(f"{time_key}After")) is not None:
            kept = [record for record in kept if record.get(time_key, 0) > after]
        if (before := request.get(f"{time_key}Before")) is not None:
            kept = [record for record in kept if record.get(time_key, 0) < before]
    return kept


def page(
    records: list[Record],
    request: Json,
    sort_keys: dict[str, str],
    summary: Callable[[Record], Json],
    result_key: str,
) -> Json:
    """One page of the answer: ``{result_key: [...], "NextToken": …}``.

    ``sort_keys`` maps the values of SortBy to record keys; the first is the default. Newest (or last) first unless
    SortOrder is Ascending.
    """
    sort_key = sort_keys.get(request.get("SortBy", ""), next(iter(sort_keys.values())))
    descending = request.get("SortOrder", "Descending") == "Descending"
    # Records come oldest first; a stable sort keeps that order, or its reverse, among equals.
    ordered = sorted(reversed(records) if descending else records, key=lambda r: r[sort_key], reverse=descending)
    start = _position(request.get("NextToken"))
    end = start + request.get("MaxResults", _DEFAULT_RESULTS)
    answer: Json = {result_key: [summary(record) for record in ordered[start:end]]}
    if end < len(ordered):
        answer["NextToken"] = base64.urlsafe_b64encode(json.dumps({"position": end}).encode()).decode()
    return answer


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        position = json.loads(base64.urlsafe_b64decode(token))["position"]
    except (ValueError, KeyError, TypeError) as fault:
        raise invalid("Invalid pagination token") from fault
    if not isinstance(position, int) or position < 0:
        raise invalid("Invalid pagination token")
    return position


def picked(record: Record, keys: Iterable[str]) -> Json:
    """The members named, where present."""
    return {key: record[key] for key in keys if key in record}
