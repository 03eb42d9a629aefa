"""An embedded cloud that dies by SIGKILL at planned points and is started again on what it had written down."""

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands.deployment import find_deployment
from local.configuration import Configuration
from local.faults.process import ANNOUNCEMENT
from local.launch import RunningCloud, deploy_product, free_port, running_cloud
from tests.flow.conftest import TIME_FACTOR
from tests.flow.product import Product, until
from tests.flow.tidiness import orphans

Point = dict[str, Any]
_KILLED = -9


class MortalCloud:
    """One state directory and port, one process after the other.

    `points` are those that were not met yet, `decided` how many decisions of IAM were recorded when the last were planned.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "cloud.log"
        self._faults = folder / "faults.json"
        self.decisions = folder / "decisions.jsonl"
        self._configuration = Configuration(
            port=free_port(), state_dir=folder / "state", time_factor=TIME_FACTOR, decisions_file=self.decisions
        )
        self._alive = ExitStack()
        self._failing: list[Point] = []
        self.points: list[Point] = []
        self.decided = 0
        self.met: list[Point] = []
        self.deaths = 0
        self.cloud = self._started()
        deploy_product(self.cloud)
        self.product = Product(self.cloud, find_deployment(self.cloud.session()))

    def plan(self, points: list[Point]) -> None:
        """Have the next process die at these points, in whichever order it comes to them, and forget all else."""
        self.points, self._failing = points, []
        self.kill()
        self.decided = len(self.decisions.read_text().splitlines())

    def fail(self, *orders: Point) -> None:
        """Have these faults, which do not end it, happen to every process from the next on; without any, end them.

        A process forgets its faults when it dies: each begins with all of them anew.
        """
        self._failing = list(orders)
        self.kill()

    def kill(self) -> None:
        """From outside, and not before what it was asked last is done or lost."""
        self.cloud.process.kill()
        self.cloud.process.wait()
        self.revived()

    def revived(self) -> bool:
        """Start it again if it has died; whether it had."""
        if self.cloud.process.poll() is None:
            return False
        assert self.cloud.process.returncode == _KILLED, self._log.read_text()[-4000:]
        self.deaths += 1
        self._note()
        until("the end of all its processes", lambda: not orphans())
        self._alive.close()
        self.cloud = self._started()
        self.product.cloud = self.cloud
        return True

    def close(self) -> None:
        """Stop it for good."""
        self._alive.close()

    def _note(self) -> None:
        """Which point it died at: the last line that it wrote. None when it was killed from outside."""
        last = self._log.read_text(errors="replace").rstrip().rpartition("\n")[2]
        if last.startswith(ANNOUNCEMENT):
            fault = json.loads(last.removeprefix(ANNOUNCEMENT))
            point = next(point for point in self.points if all(fault.get(name) == text for name, text in point.items()))
            self.points.remove(point)
            self.met.append(point)

    def _started(self) -> RunningCloud:
        self._faults.write_text(json.dumps([*self.points, *self._failing]))
        configuration = replace(self._configuration, faults_file=self._faults)
        return self._alive.enter_context(running_cloud(configuration, self._log))
