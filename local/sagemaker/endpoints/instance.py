"""One instance of a production variant: a serving process that is kept running."""

import logging
import threading
from collections.abc import Callable

from local.clock import Clock
from local.sagemaker.endpoints.faults import FleetFault, failed_health_check
from local.sagemaker.endpoints.model_connections import ModelConnections
from local.sagemaker.endpoints.specification import VariantSpecification
from local.sagemaker.launcher import RunningContainer

log = logging.getLogger(__name__)

# How often a starting container is asked whether it is ready: often, since this is what a user waits for.
_POLL_SECONDS = 0.02
_FIRST_RESTART_SECONDS, _LONGEST_RESTART_SECONDS = 0.5, 30.0
# SageMaker ends a serving container with SIGTERM, and with SIGKILL 30 seconds later:
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_STOPPING_SECONDS = 30.0

Launch = Callable[[int], RunningContainer]
"""Starts the variant's container so that it listens on the port given."""


class Instance:
    """A process, its health, and how busy it is.

    `start` returns at once and tells later whether the container has become healthy. One that ends after that is
    started again, with longer and longer pauses.
    """

    def __init__(
        self,
        variant: VariantSpecification,
        launch: Launch,
        take_port: Callable[[], int],
        clock: Clock,
        start_seconds: float = 0.0,
    ) -> None:
        """`start_seconds` of the cloud's time pass before the container is started, as a machine takes to come up."""
        self._variant = variant
        self._launch = launch
        self._take_port = take_port
        self._clock = clock
        self._start_seconds = start_seconds
        self._container: RunningContainer | None = None
        self._stopping = threading.Event()
        self._supervisor: threading.Thread | None = None
        self.fault: FleetFault | None = None
        """Why the container did not become healthy at first."""
        self.is_up = False
        """Whether it once became healthy: from then on it counts as an instance, also while it is restarted."""
        self.connections: ModelConnections | None = None
        """To the healthy container; None while there is none."""
        self.in_flight = 0
        self.idle = threading.Event()
        self.idle.set()

    def start(self, settled: Callable[["Instance"], None]) -> None:
        """``settled`` is called once, when the container is healthy or `fault` says why it is not."""
        self._supervisor = threading.Thread(target=self._supervise, args=(settled,), daemon=True)
        self._supervisor.start()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that is not enough."""
        self._stopping.set()
        container = self._container
        if container is not None:
            container.terminate()
            if not self._clock.wait(container.exited, _STOPPING_SECONDS):
                container.kill()
        if self._supervisor is not None:
            self._supervisor.join()

    def kill(self) -> None:
        """At once; returns without waiting."""
        self._stopping.set()
        if self._container is not None:
            self._container.kill()

    def _supervise(self, settled: Callable[["Instance"], None]) -> None:
        self._clock.wait(self._stopping, self._start_seconds)
        self.fault = self._start_container(self._clock.now() + self._variant.health_check_seconds)
        self.is_up = self.fault is None
        settled(self)
        if self.fault is not None:
            return
        while self._serve():
            self._restart()

    def _serve(self) -> bool:
        """Until the container ends; False when it was told to."""
        assert self._container is not None  # it was started
        self._container.exited.wait()
        if self.connections is not None:
            self.connections.close()
            self.connections = None
        if self._stopping.is_set():
            return False
        log.warning("%s: a serving process ended with %s", self._variant.name, self._container.exit_code)
        return True

    def _restart(self) -> None:
        pause = _FIRST_RESTART_SECONDS
        while not self._stopping.is_set():
            if self._start_container(self._clock.now() + self._variant.health_check_seconds) is None:
                return
            self._clock.wait(self._stopping, pause)
            pause = min(2 * pause, _LONGEST_RESTART_SECONDS)

    def _start_container(self, deadline: float) -> FleetFault | None:
        """None when the container is healthy."""
        try:
            port = self._take_port()
            container = self._launch(port)
        except OSError as fault:
            return FleetFault(f"The container for production variant {self._variant.name} does not start: {fault}")
        except FleetFault as fault:
            return fault
        self._container = container
        if self._stopping.is_set():  # `stop` may have looked before there was one
            container.kill()
        connections = ModelConnections(port)
        while not container.exited.wait(_POLL_SECONDS):
            if connections.is_healthy():
                self.connections = connections
                return None
            if self._clock.now() >= deadline:
                container.kill()
                container.exited.wait()
        return failed_health_check(self._variant.name)
