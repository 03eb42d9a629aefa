"""What arrives at the caller: an error in the service's own protocol, or a connection that breaks."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from local.faults.plan import AwsError

Send = Callable[[dict[str, Any]], Awaitable[None]]

_SERVER_FAULT = 500


async def send_error(send: Send, service: str, error: AwsError) -> None:
    """Answer as the service would: query and REST errors in XML, the others in JSON."""
    from ministack.core.iam_actions import access_denied_response

    request_id = str(uuid.uuid4())
    _, headers, body = access_denied_response(service, "", "", request_id, error_code=error.code, message=error.message)
    if error.status >= _SERVER_FAULT:
        body = body.replace(b"<Type>Sender</Type>", b"<Type>Receiver</Type>")
    headers |= {"x-amzn-requestid": request_id, "x-amz-request-id": request_id, "content-length": str(len(body))}
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def broken_connection(send: Send) -> None:
    """Close the connection without a byte. ASGI has no word for it, so the server's own stream is told."""
    from hypercorn.protocol.events import StreamClosed

    stream: Any = send.__self__  # type: ignore[attr-defined]
    await stream.send(StreamClosed(stream_id=stream.stream_id))
