import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decide_release.nonce import LIFETIME_SECONDS, Nonces, message, read_nonce

LINK, BROWSER, NOW = "ab" * 32, "b" * 32, 1795413600.7


@pytest.fixture
def nonces(aws):
    kms = boto3.client("kms")
    key = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    return Nonces(kms, key)


def test_a_nonce_holds_for_its_link_and_browser_until_it_is_old(nonces):
    nonce = nonces.issue(LINK, BROWSER, NOW)
    assert nonces.holds(nonce, LINK, BROWSER, NOW)
    assert nonces.holds(nonce, LINK, BROWSER, NOW + LIFETIME_SECONDS - 1)
    assert not nonces.holds(nonce, LINK, BROWSER, NOW + LIFETIME_SECONDS + 1)
    assert not nonces.holds(nonce, LINK, BROWSER, NOW - 60)
    assert not nonces.holds(nonce, "cd" * 32, BROWSER, NOW)
    assert not nonces.holds(nonce, LINK, "c" * 32, NOW)
    assert not nonces.holds(nonce, LINK, "", NOW)


def test_an_altered_nonce_does_not_hold(nonces):
    issued_at, _, mac = nonces.issue(LINK, BROWSER, NOW).partition(".")
    other = "A" if mac[0] != "A" else "B"
    for forged in (
        f"{int(issued_at) + 1}.{mac}",
        f"{issued_at}.{other}{mac[1:]}",
        f"{issued_at}.{mac[:-1]}",
        mac,
        "",
        "forged",
    ):
        assert not nonces.holds(forged, LINK, BROWSER, NOW + 2), forged


def test_a_key_of_another_deployment_does_not_sign_for_this_one(nonces, aws):
    kms = boto3.client("kms")
    other = Nonces(kms, kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"])
    assert not nonces.holds(other.issue(LINK, BROWSER, NOW), LINK, BROWSER, NOW)


@given(st.text())
def test_any_text_is_a_nonce_or_none(text):
    parts = read_nonce(text)
    assert parts is None or len(parts[1]) == 32


def test_a_message_tells_its_parts_apart():
    assert message("a", "b1", 2) != message("a", "b", 12)
