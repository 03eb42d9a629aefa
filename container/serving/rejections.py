"""Requests that are answered with a 4xx."""

from http import HTTPStatus


class RejectedRequest(Exception):
    """A request that breaks a rule; `reason` is the one line that the client reads."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
