"""The errors the back ends answer with: a code and a message as AWS words them."""


class ServiceFault(Exception):
    """An error answer of the service.

    ``code`` is what clients catch, such as ``ValidationException``; ``status`` is the HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> ServiceFault:
    """SageMaker answers most refusals, also "not found" and "exists already", with this one code."""
    return ServiceFault("ValidationException", message)


def could_not_find(kind: str, arn: str) -> ServiceFault:
    """``kind`` in AWS's words: "model", "endpoint", "endpoint configuration"."""
    return invalid(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> ServiceFault:
    """``kind`` as in `could_not_find`."""
    return invalid(f'Cannot create already existing {kind} "{arn}".')


def not_in_embedded_cloud(what: str) -> ServiceFault:
    """For requests that AWS would accept: refused loudly rather than half obeyed."""
    return invalid(f"The embedded cloud has no {what}.")
