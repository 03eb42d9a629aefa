"""Do people reach the page that a mailed link leads to?"""

import urllib.error
import urllib.request
from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok, warning

# 32 letters, as in a mailed link, of one that was never given out.
_UNKNOWN_LINK = "A" * 32
_SECONDS = 10
_TERMINAL = "make approve and make reject do without the page."


def check_page(patient: Patient) -> Iterator[Finding]:
    """Open a link that nobody was given: our page says that it leads nowhere, AWS that access is denied."""
    account = patient.account
    outputs = account.outputs("workflow")
    url, function = outputs.get("DecisionUrl"), outputs.get("DecideReleaseFunction")
    if not url or not function:
        yield fault("the approval page is not deployed", "make deploy")
        return
    kind = account.client("lambda").get_function_url_config(FunctionName=function)["AuthType"]
    if kind != "NONE":
        yield warning(f"the approval page asks for AWS credentials (its AuthType is {kind})", _TERMINAL)
        return
    status = _status(f"{url.rstrip('/')}/{_UNKNOWN_LINK}")
    if status == 404:
        yield ok("the approval page answers")
    elif status == 403:
        yield warning(
            "the approval page is denied to the public, as organisations often have it",
            f"Ask who keeps the organisation's policies for an exception; until then {_TERMINAL}",
        )
    else:
        yield fault(
            f"the approval page answers {status} where it should say that a link leads nowhere",
            f"Look at the log of {function}; until it is mended {_TERMINAL}",
        )


def _status(url: str) -> int:
    request = urllib.request.Request(url, method="GET")  # noqa: S310 -- the address that the stack gives out
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 -- the same
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return int(answer.code)
