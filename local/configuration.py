"""What the embedded cloud is told when it starts: read once from the environment, typed, and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Runtime = Literal["process", "podman", "docker"]
RUNTIMES: tuple[Runtime, ...] = ("process", "podman", "docker")

# Time may be compressed (a 7-day expiry in seconds), never stopped: a stopped clock would hang every wait.
MAX_TIME_FACTOR = 1_000_000.0
# https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
HISTORY_EVENTS = 25_000
CONTAINER_IMAGE = "mlops-image:latest"


class InvalidConfiguration(ValueError):
    """A setting of the embedded cloud breaks a rule; the message names the variable and the rule."""


def _project_root() -> Path:
    return Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Configuration:
    """Settings of one embedded cloud.

    ``state_dir`` None means that nothing survives the process. ``time_factor`` is cloud seconds per real second.
    ``runtime`` says how training and serving containers run: the container's entry points as plain processes, or
    the real image under an engine. ``instance_start_seconds`` of cloud time pass before a new instance of an endpoint
    starts its container. ``bootstrap_template`` is a CDK bootstrap template to deploy after start. ``decisions_file``
    gets one line for each kind of IAM decision, for audits longer than the log at ``/_cloud/decisions``.
    ``faults_file`` is a JSON list of faults to plan before anything resumes, each as ``/_cloud/faults`` takes it.
    ``container_image`` is the image that an engine runs, as `make image` calls it.
    ``history_events`` is the quota of events in an execution's history; a lower one shows what happens at it.
    """

    port: int = 4599
    state_dir: Path | None = None
    region: str = "us-east-1"
    account: str = "123456789012"
    time_factor: float = 1.0
    runtime: Runtime = "process"
    container_image: str = CONTAINER_IMAGE
    project_root: Path = field(default_factory=_project_root)
    bootstrap_template: Path | None = None
    instance_start_seconds: float = 0.0
    decisions_file: Path | None = None
    faults_file: Path | None = None
    history_events: int = HISTORY_EVENTS

    @property
    def endpoint(self) -> str:
        # The name, not the address: the CDK CLI builds virtual-host bucket names in front of it.
        return f"http://localhost:{self.port}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Configuration":
        """Read GATEWAY_PORT, STATE_DIR, TIME_FACTOR, RUNTIME, CONTAINER_IMAGE, PROJECT_ROOT, BOOTSTRAP_TEMPLATE,
        INSTANCE_START_SECONDS, DECISIONS_FILE, FAULTS_FILE, HISTORY_EVENTS.

        Raises InvalidConfiguration for a value outside its range.
        """
        state_dir = environment.get("STATE_DIR")
        template = environment.get("BOOTSTRAP_TEMPLATE")
        root = environment.get("PROJECT_ROOT")
        decisions = environment.get("DECISIONS_FILE")
        faults = environment.get("FAULTS_FILE")
        return cls(
            port=_port(environment.get("GATEWAY_PORT", "4599")),
            state_dir=Path(state_dir).expanduser().resolve() if state_dir else None,
            time_factor=time_factor(environment.get("TIME_FACTOR", "1")),
            runtime=_runtime(environment.get("RUNTIME", "process")),
            container_image=environment.get("CONTAINER_IMAGE") or CONTAINER_IMAGE,
            project_root=Path(root).resolve() if root else _project_root(),
            bootstrap_template=Path(template).expanduser().resolve() if template else None,
            instance_start_seconds=_seconds("INSTANCE_START_SECONDS", environment.get("INSTANCE_START_SECONDS", "0")),
            decisions_file=Path(decisions).expanduser().resolve() if decisions else None,
            faults_file=Path(faults).expanduser().resolve() if faults else None,
            history_events=_history_events(environment.get("HISTORY_EVENTS", str(HISTORY_EVENTS))),
        )


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise InvalidConfiguration(f"GATEWAY_PORT is {text!r}: it must be a whole number from 1 to 65535")
    return int(text)


def _history_events(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 2 <= int(text) <= HISTORY_EVENTS:
        raise InvalidConfiguration(f"HISTORY_EVENTS is {text!r}: it must be a whole number from 2 to {HISTORY_EVENTS}")
    return int(text)


def time_factor(text: str | float) -> float:
    """Cloud seconds per real second, checked: above 0, at most MAX_TIME_FACTOR."""
    try:
        factor = float(text)
    except (TypeError, ValueError):
        raise InvalidConfiguration(f"TIME_FACTOR is {text!r}: it must be a number") from None
    if not 0 < factor <= MAX_TIME_FACTOR:  # also refuses nan
        raise InvalidConfiguration(f"TIME_FACTOR is {text!r}: it must be above 0 and at most {MAX_TIME_FACTOR:,.0f}")
    return factor


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise InvalidConfiguration(f"{name} is {text!r}: it must be a number of seconds, 0 or more")
    return seconds


def _runtime(text: str) -> Runtime:
    for known in RUNTIMES:
        if text == known:
            return known
    raise InvalidConfiguration(f"RUNTIME is {text!r}: it must be one of {', '.join(RUNTIMES)}")
