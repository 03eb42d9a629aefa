"""Why a training job fails, worded as its FailureReason."""


class JobFault(Exception):
    """The job ends Failed; the message is its FailureReason."""


def client_error(message: str) -> JobFault:
    """The job's owner gave it data or a role that it cannot use."""
    return JobFault(f"ClientError: {message}")


def algorithm_error(failure: str, exit_code: int) -> JobFault:
    """The container said why in ``output/failure``, or said nothing."""
    return JobFault(f"AlgorithmError: {failure}, exit code: {exit_code}")
