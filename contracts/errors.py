"""The faults a run can end with.

A class's name is its Step Functions error name, so that a Catch in a state machine reads as prose. The
message is the Cause: it is mailed to people, so it says what was found, where, and what to do.
"""


class ReleaseFault(Exception):
    """A fault that ends a run and that a person has to read about."""


class DatasetRejected(ReleaseFault):
    """The dataset breaks a rule of the model's settings; the message lists the first offending rows and columns."""


class DropIncomplete(ReleaseFault):
    """A folder's `run.json` is there before all the files that it names; they may still come."""


class SmokeTestFailed(ReleaseFault):
    """The development endpoint does not give the answers that the training job recorded."""


class ProductionUnhealthy(ReleaseFault):
    """The production endpoint does not serve the release that was deployed to it."""


class Superseded(ReleaseFault):
    """A newer run of the same model takes the place of this one."""


class LeaseLost(ReleaseFault):
    """Another run holds the model's release lease; this one has to take it again before it goes on."""


class ApprovalExpired(ReleaseFault):
    """Nobody decided in time."""


class ReleaseRejected(ReleaseFault):
    """A person said no; the message is that person's reason."""
