import re

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.signing import Signer
from functions.decide_release.nonce import LIFETIME_SECONDS, Nonces, message
from tests.functions.approvals import create_signing_key

LINK, BROWSER, NOW = "ab" * 32, "b" * 32, 1795413600.7


class Used(set[str]):
    """In the table's place."""

    def use(self, digest: str, _now: float) -> bool:
        first = digest not in self
        self.add(digest)
        return first


@pytest.fixture
def keys(aws):
    kms = boto3.client("kms")
    return {number: create_signing_key(kms) for number in (1, 2)}


@pytest.fixture
def nonces(keys):
    return Nonces(Signer(boto3.client("kms"), keys), Used())


def test_a_nonce_is_good_once(nonces):
    nonce = nonces.issue(LINK, BROWSER, NOW)
    assert nonces.redeem(nonce, LINK, BROWSER, NOW)
    assert not nonces.redeem(nonce, LINK, BROWSER, NOW)
    assert nonces.redeem(nonces.issue(LINK, BROWSER, NOW), LINK, BROWSER, NOW)


@pytest.mark.parametrize(
    ("link", "browser", "after", "good"),
    [
        (LINK, BROWSER, LIFETIME_SECONDS - 1, True),
        (LINK, BROWSER, LIFETIME_SECONDS + 1, False),
        (LINK, BROWSER, -60, False),
        ("cd" * 32, BROWSER, 0, False),
        (LINK, "c" * 32, 0, False),
        (LINK, "", 0, False),
    ],
)
def test_a_nonce_is_good_for_its_link_and_browser_until_it_is_old(nonces, link, browser, after, good):
    assert nonces.redeem(nonces.issue(LINK, BROWSER, NOW), link, browser, NOW + after) is good


def test_an_altered_nonce_is_not_good(nonces):
    nonce = nonces.issue(LINK, BROWSER, NOW)
    number, issued_at, random, mac = nonce.split(".")
    other = "A" if mac[0] != "A" else "B"
    for forged in (
        f"{number}.{int(issued_at) + 1}.{random}.{mac}",
        f"1.{issued_at}.{random}.{mac}",
        f"9.{issued_at}.{random}.{mac}",
        f"{number}.{issued_at}.{'x' * 16}.{mac}",
        f"{number}.{issued_at}.{random}.{other}{mac[1:]}",
        f"{number}.{issued_at}.{random}.{mac[:-1]}",
        f"{number}.{issued_at}.{mac}",
        mac,
        "",
        "forged",
    ):
        assert not nonces.redeem(forged, LINK, BROWSER, NOW + 2), forged
    assert nonces.redeem(nonce, LINK, BROWSER, NOW + 2)


def test_the_letters_that_stand_for_the_same_signature_are_not_another_nonce(nonces):
    """43 letters have two bits more than 32 bytes, and no decoder looks at them."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    nonce = nonces.issue(LINK, BROWSER, NOW)
    assert nonces.redeem(nonce, LINK, BROWSER, NOW)
    twin = nonce[:-1] + letters[letters.index(nonce[-1]) ^ 1]
    assert not nonces.redeem(twin, LINK, BROWSER, NOW)


def test_a_page_that_was_opened_before_the_keys_changed_still_decides(keys):
    kms = boto3.client("kms")
    nonce = Nonces(Signer(kms, {1: keys[1]}), Used()).issue(LINK, BROWSER, NOW)
    assert Nonces(Signer(kms, keys), Used()).redeem(nonce, LINK, BROWSER, NOW)
    assert not Nonces(Signer(kms, {2: keys[2]}), Used()).redeem(nonce, LINK, BROWSER, NOW)


@given(
    text=st.text()
    | st.from_regex(re.compile(r"\d{1,3}\.\d{1,12}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}"), fullmatch=True)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_other_text_is_a_nonce(nonces, text):
    assert not nonces.redeem(text, LINK, BROWSER, NOW)


def test_a_message_tells_its_parts_apart():
    assert message("a", "b1", 2, "c") != message("a", "b", 12, "c")
