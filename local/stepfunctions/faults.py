"""The errors of the Step Functions API, with AWS's codes and messages."""


class StatesFault(Exception):
    """An error answer; ``code`` is what clients catch."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> StatesFault:
    return StatesFault("ValidationException", message)


def invalid_arn(arn: object) -> StatesFault:
    return StatesFault("InvalidArn", f"Invalid Arn: '{arn}'")


def invalid_name(name: object) -> StatesFault:
    return StatesFault("InvalidName", f"Invalid Name: '{name}'")


def invalid_definition(diagnostics: list[str]) -> StatesFault:
    return StatesFault("InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(diagnostics)}'")


def invalid_input(reason: str) -> StatesFault:
    return StatesFault("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def no_state_machine(arn: str) -> StatesFault:
    return StatesFault("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def no_execution(arn: str) -> StatesFault:
    return StatesFault("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def execution_exists(arn: str) -> StatesFault:
    return StatesFault("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")


def not_redrivable(arn: str, reason: str) -> StatesFault:
    return StatesFault("ExecutionNotRedrivable", f"Execution '{arn}' cannot be redriven: {reason}")


def no_resource(arn: str) -> StatesFault:
    return StatesFault("ResourceNotFound", f"Resource not found: '{arn}'")


def invalid_token() -> StatesFault:
    return StatesFault("InvalidToken", "Invalid Token: 'Invalid token'")


def task_gone() -> StatesFault:
    """The token was real once: answered already, expired, or its execution has ended."""
    return StatesFault("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


def no_task() -> StatesFault:
    return StatesFault("TaskDoesNotExist", "Task does not exist: 'Provided task does not exist'")


def access_denied(message: str) -> StatesFault:
    return StatesFault("AccessDeniedException", message)


def not_in_embedded_cloud(what: str) -> StatesFault:
    """For what AWS would do: refused loudly rather than done by half."""
    return validation(f"The embedded cloud has no {what}.")
