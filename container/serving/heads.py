"""Heads of requests that recur.

A client's requests differ in their bodies: their heads are the same bytes again and again, so that what the parser says
of one need not be found out twice. To call back into Python for each field is most of what a small request costs.
"""

from typing import Final

from container.serving.http import Request

_END: Final = b"\r\n\r\n"
_MOST: Final = 512
_LONGEST: Final = 2048


class KnownHeads:
    """What heads mean that a parser has read, for messages that arrive in one piece and leave their connection open."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Request, int]] = {}

    @property
    def count(self) -> int:
        """How many are known."""
        return len(self._known)

    def find(self, data: bytes) -> Request | None:
        """The request that is all of `data`, if its head is known."""
        end = data.find(_END) + len(_END)
        known = self._known.get(data[:end])
        if known is None or len(data) != end + known[1]:
            return None
        like = known[0]
        return Request(like.method, like.target, like.content_type, like.accept, like.content_encoding, data[end:])

    def learn(self, data: bytes, request: Request) -> None:
        """`data` was read as `request`, whose body was announced by its length, and as nothing beside it."""
        length = len(request.body)
        head = data[: len(data) - length]
        if len(head) > _LONGEST or head.find(_END) + len(_END) != len(head):
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        like = Request(request.method, request.target, request.content_type, request.accept, request.content_encoding)
        self._known[head] = (like, length)
