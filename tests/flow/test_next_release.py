"""A second dataset: its labels decide the answers, nobody's request fails, and a no leaves production alone."""

import threading
from typing import Self

import pytest

from local.demo.iris import KNOWN_ROWS
from tests.flow.product import Product
from tests.flow.releases import HOLD, NEW, is_champion, released_before

pytestmark = pytest.mark.long(2)

ROWS = "\n".join(KNOWN_ROWS)
SWAPPED = {"0": "2", "1": "1", "2": "0"}
# The swapped model is judged on its own: as the champion sees it, every answer of the other one is wrong.
SETTINGS = "[gate]\nminimum.accuracy = 0.85\nchampion = 'off'\n"


def swap_labels(csv: str) -> str:
    return "".join(SWAPPED[line[0]] + line[1:] + "\n" for line in csv.splitlines())


class Caller:
    """Invokes an endpoint again and again, without retries, and keeps what went wrong."""

    def __init__(self, product: Product, endpoint: str) -> None:
        self._product, self._endpoint = product, endpoint
        self._stopped = threading.Event()
        self.answers: list[str] = []
        self.faults: list[Exception] = []
        self._thread = threading.Thread(target=self._call)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _call(self) -> None:
        runtime = self._product.client("sagemaker-runtime")
        while not self._stopped.wait(0.005):
            try:
                reply = runtime.invoke_endpoint(
                    EndpointName=self._endpoint, ContentType="text/csv", Accept="text/csv", Body=b"4.6,3.1,1.5,0.2"
                )
                self.answers.append(reply["Body"].read().decode().strip())
            except Exception as fault:
                self.faults.append(fault)


def test_swapped_labels_replace_the_model_without_a_failed_request(product, iris):
    model = "flow-swapped"
    released_before(product, model, iris, SETTINGS)
    with Caller(product, f"{model}-production") as caller:
        second = product.start(model, swap_labels(iris), NEW)
        second.approve()
    assert [str(fault) for fault in caller.faults] == []
    assert set(caller.answers) == {"0", "2"}
    is_champion(product, model, second)
    assert product.predict(f"{model}-production", ROWS) == [SWAPPED[answer] for answer in KNOWN_ROWS.values()]
    assert second.release() == f"{model}-2"


def test_a_rejection_leaves_production_untouched(product, iris):
    model = "flow-rejected"
    first = released_before(product, model, iris, SETTINGS)
    second = product.start(model, swap_labels(iris), NEW)
    second.decide("reject", "The labels look swapped.")
    ended = second.ends_in("Release Rejected")
    assert "The labels look swapped." in ended["cause"]
    assert "The labels look swapped." in second.outcome_mail().text
    is_champion(product, model, first)
    assert product.predict(f"{model}-production", ROWS) == list(KNOWN_ROWS.values())
    assert product.packages(model)[2] == "Rejected"


def test_a_run_waits_while_another_is_being_released(product, iris):
    model = "flow-leased"
    product.model(model, HOLD)
    first = product.drop(model, iris, "first.csv").reaches("Request Approval")
    second = product.drop(model, iris, "second.csv").reaches("Wait For Release Lease")
    first.decide("reject", "The second will do.")
    first.ends_in("Release Rejected")
    second.approve()
    assert product.has_endpoint(f"{model}-production")


def test_a_candidate_is_compared_again_when_the_champion_changed_meanwhile(product, iris):
    model = "flow-compared"
    product.model(model, HOLD)
    first = product.drop(model, iris, "first.csv").reaches("Request Approval")
    second = product.drop(model, iris, "second.csv").reaches("Wait For Release Lease")
    first.approve()
    second.reaches("Request Approval")
    states = second.states()
    assert states.count("Train Model") == 2
    assert "Retire Stale Package" in states
    second.approve()
    assert second.release() != first.release()
