"""TemplateURL: an object in the cloud's own S3, read with the caller's rights (never the stack's role)."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from local.cloudformation.acting import caller_credentials

_PATH_STYLE_HOST = re.compile(r"s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?|localhost|127\.0\.0\.1|\[::1\]")
_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.-]+?)\.(?:s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com|(?:s3\.)?localhost)"
)


class NotAnObject(ValueError):
    """A URL that names no object of S3."""


def object_of_url(url: str) -> tuple[str, str]:
    """(bucket, key) of a path-style or virtual-host-style S3 URL. Raises NotAnObject."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), unquote(parts.path.lstrip("/"))
    if _PATH_STYLE_HOST.fullmatch(host):
        bucket, _, key = path.partition("/")
    elif match := _VIRTUAL_HOST.fullmatch(host):
        bucket, key = match["bucket"], path
    else:
        bucket = key = ""
    if parts.scheme not in ("http", "https") or not bucket or not key:
        raise NotAnObject("TemplateURL must be a supported URL.")
    return bucket, key


def install() -> None:
    """Replace the emulator's reading of documents by URL, which knows one form and asks nobody's permission."""
    from ministack.services.cloudformation import helpers

    helpers._resolve_document = _resolving(helpers._resolve_document)


def _resolving(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_document(params: dict[str, Any], body_key: str, url_key: str, label: str) -> Any:
        from ministack.services.cloudformation import helpers

        url = helpers._p(params, url_key)
        if not url or helpers._p(params, body_key):
            return original(params, body_key, url_key, label)
        try:
            bucket, key = object_of_url(url)
            body = _read(bucket, key)
        except NotAnObject as error:
            return None, helpers._error("ValidationError", str(error))
        except ClientError as error:
            # AWS words every failure to read, refusals included, as S3's own error.
            return None, helpers._error("ValidationError", f"S3 error: {error.response['Error']['Message']}")
        if body_key == "TemplateBody" and len(body) > helpers.TEMPLATE_URL_MAX_BYTES:
            limit = helpers.TEMPLATE_URL_MAX_BYTES
            return None, helpers._error("ValidationError", f"Template may not exceed {limit} bytes in size.")
        return body.decode("utf-8"), None

    return resolve_document


def _read(bucket: str, key: str) -> bytes:
    # Not through the front door: this runs on the event loop, which a call of our own would wait for.
    from ministack.core.responses import get_region
    from ministack.services import s3

    from local.gateway.authorization import Denied, authorize

    try:
        authorize(caller_credentials(), "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", get_region())
    except Denied as denied:
        raise _s3_error("AccessDenied", "Access Denied") from denied
    data = s3._get_object_data(bucket, key)
    if data is None:
        raise _s3_error("NoSuchKey", "The specified key does not exist.")
    return bytes(data)


def _s3_error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")
