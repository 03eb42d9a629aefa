"""AWS's Signature Version 4 of requests that are the same but for the time.

What the day, the credentials and the request decide is worked out once; a request costs two hashes then.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import time
from dataclasses import dataclass, field

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """An access key; with a session token where it belongs to a role."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Signer:
    """Signs for one service of a region."""

    def __init__(self, credentials: Credentials, region: str, service: str = "sagemaker") -> None:
        self.credentials = credentials
        self._region, self._service = region, service
        self._second, self._time = -1, ""
        self._day, self._key = "", b""

    def time(self, epoch: float) -> str:
        """A time as it is signed, such as 20300101T120000Z."""
        if (second := int(epoch)) != self._second:
            self._second, self._time = second, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        return self._time

    def signature(self, stamp: str, canonical: bytes) -> str:
        """Of a canonical request at a time."""
        scope = self.scope(stamp)
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
        return hmac.digest(self._key_of(stamp[:8]), text.encode(), "sha256").hex()

    def scope(self, stamp: str) -> str:
        """What a signature is good for."""
        return f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self.credentials.secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._day, self._key = day, key
        return self._key


class PreparedRequest:
    """A POST that lacks only the time and the signature of it."""

    def __init__(self, signer: Signer, host: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self._signer = signer
        signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {"host": host}
        if signer.credentials.token:
            signed["x-amz-security-token"] = signer.credentials.token
        names = sorted([*signed, "x-amz-date"])
        self._signed_names = ";".join(names)
        # The mark cannot stand in a header: it is no character of one.
        lines = [f"{name}:{signed.get(name, _MARK)}" for name in names]
        canonical = "\n".join(
            ("POST", path, "", *lines, "", self._signed_names, hashlib.sha256(body).hexdigest())
        ).encode()
        self._before, self._after = canonical.split(_MARK.encode())
        sent = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        self._head = f"POST {path} HTTP/1.1\r\n{sent}content-length: {len(body)}\r\nx-amz-date: "
        self._body = b"\r\n\r\n" + body

    def at(self, epoch: float) -> bytes:
        """The whole request as it goes over the wire at a time."""
        stamp = self._signer.time(epoch)
        signature = self._signer.signature(stamp, b"%b%b%b" % (self._before, stamp.encode(), self._after))
        authorization = (
            f"{self._head}{stamp}\r\nauthorization: {_ALGORITHM} "
            f"Credential={self._signer.credentials.access_key}/{self._signer.scope(stamp)}, "
            f"SignedHeaders={self._signed_names}, Signature={signature}"
        )
        return authorization.encode() + self._body


_MARK = "\0"
