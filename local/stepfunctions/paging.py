"""Pages of lists, with tokens that say nothing."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from local.stepfunctions.faults import StatesFault

Json = dict[str, Any]
Item = TypeVar("Item")

_DEFAULT: Final = 100
_MOST: Final = 1000


def page(items: Sequence[Item], request: Json, key: str, written: Callable[[Item], Json]) -> Json:
    """``{key: [...], "nextToken": …}`` with maxResults items (100 unless asked, at most 1000).

    A token names the position after which to go on: in a list that grows at its head, AWS too may repeat an item.
    Raises StatesFault InvalidToken.
    """
    start = _position(request.get("nextToken"))
    end = start + min(request.get("maxResults") or _DEFAULT, _MOST)
    answer: Json = {key: [written(item) for item in items[start:end]]}
    if end < len(items):
        answer["nextToken"] = base64.b64encode(json.dumps({"after": end}).encode()).decode()
    return answer


def _position(token: Any) -> int:
    if token is None:
        return 0
    try:
        position = json.loads(base64.b64decode(token, validate=True))["after"]
    except (KeyError, TypeError, ValueError) as fault:
        raise StatesFault("InvalidToken", "Invalid Token: 'Invalid token'") from fault
    if not isinstance(position, int) or position < 0:
        raise StatesFault("InvalidToken", "Invalid Token: 'Invalid token'")
    return position
