"""Link ids: only ours are good, and only for their time."""

import base64
import os

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.links import LINK_CHARACTERS, link_holds, make_link
from approvals.signing import Signer, UnknownKeys, read_keys
from tests.functions.approvals import create_signing_key

OVER_AT = 1_795_999_999


@pytest.fixture
def keys(aws):
    kms = boto3.client("kms")
    return {number: create_signing_key(kms) for number in (1, 2)}


@pytest.fixture
def signer(keys):
    return Signer(boto3.client("kms"), keys)


def test_a_link_is_short_and_goes_into_an_address_as_it_is(signer):
    links = {make_link(signer, OVER_AT) for _ in range(20)}
    assert len(links) == 20
    for link in links:
        assert len(link) == LINK_CHARACTERS == 44
        assert set(link) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_link_is_good_until_its_time_is_over(signer):
    link = make_link(signer, OVER_AT)
    assert link_holds(signer, link, OVER_AT - 0.1)
    assert not link_holds(signer, link, OVER_AT)


def test_no_bit_of_a_link_can_be_another(signer):
    content = base64.urlsafe_b64decode(make_link(signer, OVER_AT))
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        assert not link_holds(signer, base64.urlsafe_b64encode(changed).decode(), 0)


def test_keys_change_without_breaking_links(keys):
    kms = boto3.client("kms")
    old, both, new = Signer(kms, {1: keys[1]}), Signer(kms, keys), Signer(kms, {2: keys[2]})
    before, after = make_link(old, OVER_AT), make_link(both, OVER_AT)
    assert link_holds(both, before, 0)
    assert link_holds(both, after, 0)
    assert link_holds(new, after, 0)
    assert not link_holds(new, before, 0)


def test_what_is_signed_for_something_else_is_no_link(signer):
    head = base64.urlsafe_b64decode(make_link(signer, OVER_AT))[:17]
    mac = signer.sign("nonce", head)[:16]
    assert not link_holds(signer, base64.urlsafe_b64encode(head + mac).decode(), 0)


@given(
    text=st.text(max_size=60)
    | st.binary(min_size=33, max_size=33).map(lambda some: base64.urlsafe_b64encode(some).decode())
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_other_text_is_a_link(signer, text):
    assert not link_holds(signer, text, 0)


def test_keys_as_the_environment_has_them():
    assert read_keys("1=arn:aws:kms:a=b 12=alias/x") == {1: "arn:aws:kms:a=b", 12: "alias/x"}
    for text in ("", "a=b", "1", "0=a", "256=a", "1="):
        with pytest.raises(UnknownKeys):
            read_keys(text)


def test_random_text_comes_from_the_system(signer):
    assert make_link(signer, OVER_AT, os.urandom) != make_link(signer, OVER_AT, os.urandom)
    assert make_link(signer, OVER_AT, bytes) == make_link(signer, OVER_AT, bytes)
