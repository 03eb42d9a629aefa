"""Stacks and their events have the cloud's time: what is old after a jump ahead is old for CloudFormation, too."""

from local.clock import Clock


def install(clock: Clock) -> None:
    """Replace the emulator's clock where it notes when a stack was made, changed or deleted."""
    from ministack.services.cloudformation import changesets, handlers, stacks

    def now_iso() -> str:
        return clock.datetime().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    for module in (changesets, handlers, stacks):
        module.now_iso = now_iso
