"""What is told of one model on a cloud that dies again and again, and what must hold after each death."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.demo.browser import UnexpectedPage, answer
from local.demo.mail import approval_link
from tests.flow.kills.acknowledged import Acknowledged
from tests.flow.kills.mortal import MortalCloud, Point
from tests.flow.kills.points import calls_made, told
from tests.flow.product import Change, Product, Run, until

SEED = 20261124
SETTINGS = "[training.hyperparameters]\nn_estimators = 5\nmax_depth = 4\n"
# What is left of a call when the cloud dies.
LOST = (BotoCoreError, OSError, HTTPException)
DEADLINE_SECONDS = 240
ANSWERED = {"approve": "approved", "reject": "rejected"}


@dataclass
class Story:
    """One model's runs. `released` says whether the model has endpoints in the end, one for each stage."""

    cloud: MortalCloud
    acknowledged: Acknowledged
    model: str
    released: bool = True
    links: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def product(self) -> Product:
        return self.cloud.product

    def deploys(self, settings: str = "", *, production: Change = str, development: Change = str) -> None:
        """Deploy the model with these settings beside a short training, and with these endpoint templates."""
        text = settings if "hyperparameters" in settings else SETTINGS + settings
        self.surely(lambda: self.product.model(self.model, text, production=production, development=development))

    def begins(self, dataset: str, day: int) -> Run:
        """A run of a dataset, once its start is acknowledged."""
        event = self.surely(lambda: self.product.event(self.model, dataset, f"2031-04-0{day}T00:00:00Z"))
        return self.starts(event, str(day))

    def starts(self, event: dict[str, Any], name: str) -> Run:
        """The run of an event, once its start is acknowledged: also by being told that such a run has been and is over."""

        def start() -> Run:
            try:
                return self.product.start_from(event, name=f"{self.model}-{name}")
            except self.product.stepfunctions.exceptions.ExecutionAlreadyExists:
                return self.product.run_named(f"{self.model}-{name}")

        return self.surely(start)

    def ends(self, run: Run, state: str, decision: str = "approve") -> None:
        """Follow the run to its end, deciding what it asks, and to the end of what follows."""
        self.goes_on("the end", run, lambda: run.describe()["status"] != "RUNNING", decision)
        self.goes_on("the free lease", run, lambda: self.has_given_its_lease_on(run), decision)
        self.surely(lambda: run.ends_in(state))

    def has_given_its_lease_on(self, run: Run) -> bool:
        return self.product.ledger(self.model).get("lease", {}).get("execution_arn", {}).get("S") != run.arn

    def asks(self, run: Run) -> str:
        """Follow the run until its question is mailed, and leave that open; the link."""
        self.goes_on("the question", run, lambda: bool(self.link_of(run)), decision="")
        return str(self.surely(lambda: self.link_of(run)))

    def comes_to(self, state: str, run: Run) -> None:
        """Follow the run until it has entered a state, and leave open what it asks."""
        self.goes_on(state, run, lambda: state in run.states(), decision="")

    def goes_on(self, what: str, run: Run, reached: Callable[[], bool], decision: str = "approve") -> None:
        def decided() -> bool:
            if (link := self.link_of(run)) and decision:
                page = answered(link, decision, run.release())
                # A run that was redriven is back in its state before it has asked anew.
                assert ANSWERED[decision] in page or "withdrawn" in page, page
            return reached()

        self.waits_for(f"{what} of {run.id}", decided)

    def waits_for(self, what: str, reached: Callable[[], bool]) -> None:
        """Until that is so, write and observe, so that every death finds something that it might take back."""

        def probe() -> bool:
            self.acknowledged.write()
            self.acknowledged.observe(self.model)
            return reached()

        self.lasts_until(what, probe)

    def link_of(self, run: Run) -> str:
        """The very link that was mailed before the cloud died in between; "" while the run asks nothing."""
        if run.describe()["status"] != "RUNNING" or run.states()[-1] != "Request Approval":
            return ""
        release = run.release()
        asking = [mail for mail in self.product.mails() if mail.asks and mail.release == release]
        # A release that is gone back to was asked about before.
        mails, question = [mail for mail in asking if run.id in mail.text], (run.id, release)
        if question not in self.links and mails:
            self.links[question] = approval_link(mails[0].text)
            self.cloud.kill()
            self.acknowledged.is_read_back()
        return self.links.get(question, "")

    @contextmanager
    def failing(self, *orders: Point) -> Iterator[None]:
        """While inside, these calls of the workflow fail."""
        self.cloud.fail(*orders)
        self.surely(self.acknowledged.is_read_back)
        yield
        self.cloud.fail()
        self.surely(self.acknowledged.is_read_back)

    def surely(self, call: Callable[[], object]) -> Any:
        """A call made again for as long as the cloud dies at it."""
        answers: list[object] = []
        self.lasts_until("the answer", lambda: answers.append(call()) or True)
        return answers[0]

    def lasts_until(self, what: str, probe: Callable[[], bool]) -> None:
        """Every death grants the whole time again: a machine may be slow, and is stuck only when nothing happens."""
        until(what, lambda: self.survived(probe), DEADLINE_SECONDS, lambda: self.cloud.deaths)

    def places(self) -> set[str]:
        """Where this story has come by since the last points were planned, of the places at which a cloud can die."""
        states = {"/".join(state) for state in self.acknowledged.states(self.model)}
        return states | calls_made(self.product, self.cloud.decisions, self.cloud.decided)

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


def answered(link: str, decision: str, release: str) -> str:
    """What the page says after a decision; after one whose reply was lost it asks no more."""
    try:
        return answer(link, decision, release, "as tested")
    except UnexpectedPage as page:
        return str(page)


def print_what_was_met(met: list[Point], deaths: int, seconds: float) -> None:
    """The figures of a test, for whoever reads its output."""
    by_kind = Counter(point.get("state_machine") or point["effect"] for point in met)
    print(f"\nkilled {deaths} times in {seconds:.0f} s, seed {SEED}: {dict(by_kind)}")
    print("  at:", "; ".join(told(point) for point in met))
