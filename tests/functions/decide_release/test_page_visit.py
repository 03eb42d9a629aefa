import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.decide_release.browser import cookie_name, known_browser, set_cookie
from functions.decide_release.visit import MAXIMUM_BODY_BYTES, Visit, is_visit

LINK = "A" * 43 + "-"


def visit(**changed):
    event = {
        "rawPath": f"/{LINK}",
        "requestContext": {"http": {"method": "GET"}, "timeEpoch": 1795413600500},
        **changed,
    }
    return Visit.from_event(event)


def test_a_visit_is_read_from_its_event():
    seen = visit(headers={"Content-Type": "text/plain"}, cookies=["a=1", "b=x=y"], body="hello")
    assert (seen.method, seen.now, seen.link_id, seen.content_type) == ("GET", 1795413600.5, LINK, "text/plain")
    assert seen.cookies == {"a": "1", "b": "x=y"}
    assert seen.body == b"hello"
    assert LINK not in repr(seen)


def test_a_cookie_header_is_read_where_there_is_no_list():
    assert visit(headers={"cookie": "a=1; b=2;broken"}).cookies == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "path", ["/", f"/{LINK}/", f"/{LINK}x", f"/{LINK[:-1]}", f"/x/{LINK}", LINK, f"/{LINK[:-1]}é", f"/{LINK}\n", ""]
)
def test_other_paths_are_no_links(path):
    assert visit(rawPath=path).link_id is None


@pytest.mark.parametrize(
    ("body", "encoded", "expected"),
    [
        (base64.b64encode(b"a=1").decode(), True, b"a=1"),
        ("not base64!", True, None),
        ("a" * (MAXIMUM_BODY_BYTES + 1), False, None),
        ("a" * MAXIMUM_BODY_BYTES, False, b"a" * MAXIMUM_BODY_BYTES),
        (base64.b64encode(b"a" * (MAXIMUM_BODY_BYTES + 1)).decode(), True, None),
        ("a" * 10_000_000, True, None),
        (None, False, b""),
    ],
)
def test_a_body_is_bounded_and_decoded(body, encoded, expected):
    assert visit(body=body, isBase64Encoded=encoded).body == expected


@given(st.text(), st.text(), st.booleans(), st.lists(st.text()), st.dictionaries(st.text(), st.text()))
def test_any_request_is_read(path, body, encoded, cookies, headers):
    seen = visit(rawPath=path, body=body, isBase64Encoded=encoded, cookies=cookies, headers=headers)
    assert seen.body is None or len(seen.body) <= MAXIMUM_BODY_BYTES


def test_a_direct_invocation_is_no_visit():
    assert is_visit({"requestContext": {"http": {"method": "GET"}}})
    assert not is_visit({"run": "r", "decision": "approve"})
    assert not is_visit({"run": "r", "requestContext": None})


def test_each_link_has_a_cookie_of_its_own():
    value = "b" * 32
    assert set_cookie("ab" * 32, value) == (
        f"__Host-release-{'ab' * 8}={value}; Path=/; Max-Age=28800; Secure; HttpOnly; SameSite=Strict"
    )
    assert known_browser({cookie_name("ab" * 32): value}, "ab" * 32) == value
    assert known_browser({cookie_name("cd" * 32): value}, "ab" * 32) == ""
    assert known_browser({cookie_name("ab" * 32): value + "\n"}, "ab" * 32) == ""
