"""`kill -9` of the embedded cloud at every state's entry and between a deployment's calls: nothing acknowledged is lost."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from commands.redrive import redrive
from local.demo.browser import UnexpectedPage, answer
from local.demo.mail import approval_link
from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.mortal import MortalCloud, Point
from tests.flow.kills.points import MOMENTS, at_calls, at_states, calls_made, told
from tests.flow.product import Product, Run, until
from tests.flow.test_scaled_shape import LARGER, broken, instance_type
from tests.flow.tidiness import is_tidy

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

SEED = 20261124
LEAST_KILLS = 60
SETTINGS = "[training.hyperparameters]\nn_estimators = 5\nmax_depth = 4\n"
# What is left of a call when the cloud dies.
LOST = (BotoCoreError, OSError, HTTPException)
DEADLINE_SECONDS = 240


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[MortalCloud]:
    made = MortalCloud(tmp_path)
    yield made
    made.close()


@dataclass
class Story:
    """One model's releases, on a cloud that dies again and again."""

    cloud: MortalCloud
    acknowledged: Acknowledged
    model: str
    links: dict[str, str] = field(default_factory=dict)

    @property
    def product(self) -> Product:
        return self.cloud.product

    def told(self, dataset: str) -> None:
        """A first release, one that changes what is scaled, one that is stopped and redriven, and one that fails."""
        self.surely(lambda: self.product.model(self.model, SETTINGS))
        self.ends(self.begins(dataset, 1), "Model Deployed")
        self.surely(lambda: self.product.model(self.model, SETTINGS, production=instance_type(LARGER)))
        self.ends(self.begins(dataset, 2), "Model Deployed")
        stopped = self.begins(dataset, 3)
        self.goes_on("the production deployment", stopped, lambda: self.deploys_to_production(stopped))
        self.surely(lambda: self.product.stepfunctions.stop_execution(executionArn=stopped.arn))
        if self.surely(lambda: stopped.describe()["status"]) == "ABORTED":
            self.goes_on("close-run", stopped, lambda: self.product.lease_is_free(self.model))
            self.surely(lambda: redrive(self.product.deployment, stopped.id))
        self.ends(stopped, "Model Deployed")
        self.surely(lambda: self.product.model(self.model, SETTINGS, production=broken))
        self.ends(self.begins(dataset, 4), "Deployment Failed")

    def begins(self, dataset: str, day: int) -> Run:
        """A run of a dataset, once its start is acknowledged."""
        event = self.surely(lambda: self.product.event(self.model, dataset, f"2031-04-0{day}T00:00:00Z"))
        return self.surely(lambda: self.product.start_from(event, name=f"{self.model}-{day}"))

    def ends(self, run: Run, state: str) -> None:
        """Follow the run to its end, approving what it asks, and to the end of what follows."""
        self.goes_on("the end", run, lambda: run.describe()["status"] != "RUNNING")
        self.goes_on("the free lease", run, lambda: self.product.lease_is_free(self.model))
        self.surely(lambda: run.ends_in(state))

    def goes_on(self, what: str, run: Run, reached: Callable[[], bool]) -> None:
        def probe() -> bool:
            self.acknowledged.write()
            self.acknowledged.observe(self.model)
            self.is_asked(run)
            return reached()

        until(f"{what} of {run.id}", lambda: self.survived(probe), DEADLINE_SECONDS)

    def is_asked(self, run: Run) -> None:
        """Approve with the very link that was mailed before the cloud died in between."""
        if run.describe()["status"] != "RUNNING" or run.states()[-1] != "Request Approval":
            return
        release = run.release()
        mails = [mail for mail in self.product.mails() if mail.asks and mail.release == release]
        if release not in self.links and mails:
            self.links[release] = approval_link(mails[0].text)
            self.cloud.kill()
            self.acknowledged.is_read_back()
        if release in self.links:
            assert "approved" in approved(self.links[release], release)

    def deploys_to_production(self, run: Run) -> bool:
        lease = self.product.ledger(self.model).get("lease", {})
        ended = run.describe()["status"] != "RUNNING"
        return ended or lease.get("phase", {}).get("S") == "production"

    def surely(self, call: Callable[[], object]):
        """A call made again for as long as the cloud dies at it."""
        answers: list[object] = []
        until("the answer", lambda: self.survived(lambda: answers.append(call()) or True), DEADLINE_SECONDS)
        return answers[0]

    def passed_alive(self) -> list[Point]:
        """Points that were planned before this story, which has come by them, and where the cloud has not died yet."""
        states = self.acknowledged.states(self.model)
        calls = calls_made(self.product, self.cloud.decisions, self.cloud.decided)
        return [
            point
            for point in self.cloud.points
            if (point.get("state_machine"), point.get("state")) in states
            or (point.get("principal"), point.get("action")) in calls
        ]

    def survived(self, probe: Callable[[], bool]) -> bool:
        """What the probe says; False when the cloud has died meanwhile, was started again, and has kept everything."""
        self.is_alive()
        try:
            return probe()
        except LOST:
            until("the end of the process", lambda: self.cloud.cloud.process.poll() is not None)
        except ClientError as fault:
            if fault.response["ResponseMetadata"]["HTTPStatusCode"] != 503:
                raise
        return False

    def is_alive(self) -> None:
        while self.cloud.revived():
            try:
                self.acknowledged.is_read_back()
            except LOST:
                until("the end of the process", lambda: self.cloud.cloud.process.poll() is not None)


def approved(link: str, release: str) -> str:
    """What the page says after an approval; after one whose reply was lost it asks no more."""
    try:
        return answer(link, "approve", release, "as tested")
    except UnexpectedPage as page:
        return str(page)


def test_nothing_acknowledged_is_lost_whenever_the_cloud_dies(cloud, iris):
    chance, began = random.Random(SEED), time.monotonic()
    acknowledged = Acknowledged(cloud.product, chance)
    points = [*at_states(), *at_calls(cloud.product)]
    chance.shuffle(points)
    half = len(points) // 2
    models: list[str] = []
    missed: list[Point] = []
    # The third story is told only when something was passed in the very moment of the death at something else.
    for planned in (points[:half], points[half:], []):
        if len(models) > 1 and not missed:
            break
        cloud.plan(planned)
        story = Story(cloud, acknowledged, f"mortal-{len(models) + 1}")
        models.append(story.model)
        story.told(iris)
        story.surely(lambda: is_tidy(cloud.product, models))
        story.surely(lambda: acknowledged.is_read_back(everything=True))
        passed = story.surely(story.passed_alive)
        missed = [point for point in cloud.points if point in [*missed, *passed]]
    by_kind = Counter(point.get("state_machine") or point["effect"] for point in cloud.met)
    print(f"\nkilled {cloud.deaths} times in {time.monotonic() - began:.0f} s, seed {SEED}: {dict(by_kind)}")
    print("  at:", "; ".join(told(point) for point in cloud.met))
    print("  not on the way of these stories:", "; ".join(sorted(told(point) for point in cloud.points)))
    assert [told(point) for point in missed] == []
    assert {point.get("effect") for point in cloud.met} >= set(MOMENTS)
    assert len(cloud.met) >= LEAST_KILLS
