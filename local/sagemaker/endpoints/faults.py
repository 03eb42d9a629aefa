"""Why a fleet does not start, worded as the endpoint's FailureReason, and why it cannot take a request."""


class FleetFault(Exception):
    """The fleet cannot be started or enlarged; the message is the FailureReason."""


class FleetAbandoned(Exception):
    """The server is shutting down while the fleet starts."""


class FleetClosed(Exception):
    """The fleet has been replaced: ask the endpoint for its new one."""


class EndpointNotServing(Exception):
    """There is no such endpoint, or it has never been in service."""


class NoSuchVariant(Exception):
    """The request names a variant that the endpoint does not have."""


class TooManyAtOnce(Exception):
    """A serverless variant has as many requests in hand as its MaxConcurrency."""


class NoHealthyInstance(Exception):
    """Every instance of the variant is down at the moment."""


def failed_health_check(variant_name: str) -> FleetFault:
    """The container ended, or did not answer /ping with 200 in time."""
    return FleetFault(
        f"The primary container for production variant {variant_name} did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
