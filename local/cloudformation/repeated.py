"""ExecuteChangeSet made twice: the same ClientRequestToken says that it is the same request.

"You might retry ExecuteChangeSet requests to ensure that CloudFormation successfully received them" (its API
reference). The emulator refuses the second one, because the change set is being executed.
"""

from collections.abc import Awaitable, Callable

from local.cloudformation.requests import call_parameters, find_change_set

_TOKEN_KEY = "_executed_with_token"  # noqa: S105 - a name
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Answer a repeated request as the first one was."""
    from ministack.services import cloudformation

    cloudformation.handle_request = _answering_repeated(cloudformation.handle_request)


def _answering_repeated(original: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
    ) -> Answer:
        given = call_parameters(body, query_params)
        token = given.get("ClientRequestToken", "")
        if given.get("Action") != "ExecuteChangeSet" or not token:
            return await original(method, path, headers, body, query_params)
        change_set = find_change_set(given)
        if change_set is not None and change_set.get(_TOKEN_KEY) == token:
            return _accepted()
        answer = await original(method, path, headers, body, query_params)
        if answer[0] == 200 and change_set is not None:
            change_set[_TOKEN_KEY] = token
        return answer

    return handle_request


def _accepted() -> Answer:
    from ministack.services.cloudformation import helpers

    answer: Answer = helpers._xml(200, "ExecuteChangeSetResponse", "<ExecuteChangeSetResult/>")
    return answer
