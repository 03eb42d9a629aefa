"""Do all stacks stand?"""

from collections.abc import Iterator

from commands.doctor.finding import Finding, Patient, fault, ok, warning
from commands.stacks import list_stacks

_SOUND = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")


def check_stacks(patient: Patient) -> Iterator[Finding]:
    """The deployment's own, and those of the endpoints."""
    names = patient.account.names
    found = {stack.name: stack.status for stack in list_stacks(patient.account)}
    sound = [name for name, status in found.items() if status in _SOUND]
    for name in names.stacks:
        if name not in found:
            yield fault(f"{name} is not there", "make deploy")
    for name, status in sorted(found.items()):
        if name in sound:
            continue
        if status.endswith("_IN_PROGRESS"):
            yield warning(f"{name} is {status}", "Look again when that has ended.")
        elif name.startswith(names.endpoint_stack_prefix):
            yield fault(
                f"{name} is {status}", "The model's next run repairs it where it can, or says what a person must do."
            )
        else:
            yield fault(f"{name} is {status}", "make deploy; it says what a person must do where it cannot mend it.")
    if sound:
        yield ok(f"{len(sound)} stacks stand")
