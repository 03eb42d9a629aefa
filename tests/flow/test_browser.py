"""The mailed link in a real browser, with a real run behind it. Pictures are left in build/pictures/ to be looked at."""

import itertools

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.chromium import Chromium, Look
from tests.flow.product import Product, Run

pytestmark = pytest.mark.full

LOOKS = (Look("desktop", 1_280), Look("phone", 390, phone=True))
MAXIMUM_TABS = 40
# What a scanner of mails may type into a field it knows nothing about.
PLAUSIBLE_WORDS = ("yes", "approve", "scanner@example.com")
PRESSABLE = "button, input[type=submit], summary, a[href]"


@pytest.fixture
def waiting(product: Product, iris: str, request: pytest.FixtureRequest) -> Run:
    """A run of a model of the test's own, which waits for its approval."""
    model = f"browser-{request.param}"
    product.model(model)
    return product.drop(model, iris).reaches("Request Approval")


@pytest.fixture(autouse=True)
def no_complaints(chromium: Chromium):
    """Nothing is refused by a page's policy and nothing fails, but for answers that are a status."""
    chromium.complaints()  # those about the test before
    yield
    refused = "the server responded with a status of 400"
    assert [line for line in chromium.complaints() if refused not in line] == []


@pytest.mark.parametrize("waiting", ["approved"], indirect=True)
def test_a_person_approves_by_mouse(chromium, product, waiting):
    chromium.driver.get(waiting.link())
    chromium.take(LOOKS, "flow-question")
    chromium.fill(decision="approve", comment="Go.", release=waiting.release())
    chromium.press()
    assert f"{waiting.release()} was approved" in chromium.body()
    waiting.ends_in("Model Deployed")
    assert product.has_endpoint("browser-approved-production")
    chromium.driver.get(waiting.link())
    assert f"{waiting.release()} was approved" in chromium.body()
    assert "Go." in chromium.body()
    assert chromium.driver.find_elements(By.TAG_NAME, "form") == []
    chromium.take(LOOKS, "flow-approved")
    assert chromium.complaints() == []


def focused(chromium: Chromium) -> str:
    """The name of the form field that has the keyboard."""
    return chromium.driver.switch_to.active_element.get_attribute("name")


def press_keys(chromium: Chromium, *keys: str) -> None:
    ActionChains(chromium.driver).send_keys(*keys).perform()


def tab_to(chromium: Chromium, name: str) -> None:
    for _ in range(MAXIMUM_TABS):
        if focused(chromium) == name:
            return
        press_keys(chromium, Keys.TAB)
    raise AssertionError(f"no {MAXIMUM_TABS} tabs lead to {name}")


@pytest.mark.parametrize("waiting", ["rejected"], indirect=True)
def test_a_person_rejects_by_keyboard(chromium, product, waiting):
    chromium.driver.get(waiting.link())
    form = chromium.driver.find_element(By.TAG_NAME, "form")
    tab_to(chromium, "decision")
    press_keys(chromium, Keys.ARROW_DOWN)
    tab_to(chromium, "comment")
    press_keys(chromium, "Not before Friday.")
    tab_to(chromium, "release")
    press_keys(chromium, waiting.release(), Keys.ENTER)
    chromium.leaves(form)
    assert f"{waiting.release()} was rejected" in chromium.body()
    assert "Not before Friday." in chromium.body()
    chromium.take(LOOKS, "flow-rejected")
    assert waiting.ends_in("Release Rejected")["cause"].count("Not before Friday.") == 1
    assert not product.has_endpoint("browser-rejected-production")
    assert chromium.complaints() == []


# Whether a press sends a form that the browser finds complete, and so leads to another page.
SENDS = "const it = arguments[0]; return it.type === 'submit' && it.form !== null && it.form.checkValidity()"


def fill_everything(chromium: Chromium, word: str, *, backwards: bool) -> None:
    """Of several choices the last one stays chosen, or the first one when it goes backwards."""
    fields = chromium.driver.find_elements(By.CSS_SELECTOR, "input, textarea, select")
    for field in reversed(fields) if backwards else fields:
        kind = field.get_attribute("type")
        if kind in ("radio", "checkbox"):
            field.click()
        elif kind != "hidden":
            field.send_keys(word)


def press_everything(chromium: Chromium, link: str, word: str, *, backwards: bool) -> list[str]:
    """Each thing to press on a page of its own, filled in; what the pages then said."""
    said = []
    chromium.driver.get(link)
    for number in range(len(chromium.driver.find_elements(By.CSS_SELECTOR, PRESSABLE))):
        chromium.driver.get(link)
        fill_everything(chromium, word, backwards=backwards)
        pressed = chromium.driver.find_elements(By.CSS_SELECTOR, PRESSABLE)[number]
        sends = chromium.driver.execute_script(SENDS, pressed)
        page = chromium.driver.find_element(By.TAG_NAME, "main")
        pressed.click()
        if sends:
            chromium.leaves(page)
        said.append(chromium.body())
    return said


def send_every_form(chromium: Chromium, link: str) -> str:
    """Send the forms as they are, past what the browser asks to be filled in; what the page then said."""
    chromium.driver.get(link)
    page = chromium.driver.find_element(By.TAG_NAME, "main")
    chromium.driver.execute_script("for (const form of document.forms) form.submit()")
    chromium.leaves(page)
    return chromium.body()


@pytest.mark.parametrize("waiting", ["scanned"], indirect=True)
def test_a_scanner_that_presses_everything_decides_nothing(chromium, waiting):
    link = waiting.link()
    for word, backwards in itertools.product(PLAUSIBLE_WORDS, (False, True)):
        said = press_everything(chromium, link, word, backwards=backwards)
        assert any("Nothing was decided yet" in page for page in said), "no form was sent"
    assert "Nothing was decided yet" in send_every_form(chromium, link)
    chromium.take(LOOKS, "flow-scanned")
    assert waiting.describe()["status"] == "RUNNING"
    assert waiting.states()[-1] == "Request Approval"
    # It is still a person's to decide.
    chromium.driver.get(link)
    chromium.fill(decision="reject", comment="That was a scanner.", release=waiting.release())
    chromium.press()
    waiting.ends_in("Release Rejected")
