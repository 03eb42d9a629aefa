from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.approval import MAXIMUM_COMMENT_CHARACTERS
from functions.decide_release.form import FORM_TYPE, Form, UnreadableForm, clean, decision_faults, faults, read_form


def send(**fields):
    return read_form(FORM_TYPE, urlencode(fields).encode())


def test_a_form_is_read():
    form = send(nonce="n", release=" iris-model-3 ", decision="reject", comment="  No,\r\nnot “now”.\x1b[2J ")
    assert form == Form(release="iris-model-3", decision="reject", comment="No,\nnot “now”.[2J", nonce="n")
    assert "nonce" not in repr(form)


def test_fields_that_were_not_sent_are_empty():
    assert send(nonce="n") == Form(nonce="n")
    assert send() == Form()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM_TYPE, None),
        (FORM_TYPE, b"nonce"),
        (FORM_TYPE, b"nonce=a&nonce=b"),
        (FORM_TYPE, b"nonce=a&other=b"),
        (FORM_TYPE, b"&".join([b"nonce=a"] * 5)),
        (FORM_TYPE, b"nonce=%ff"),
        (FORM_TYPE, "nonce=é".encode()),
        ("application/json", b'{"nonce":"a"}'),
        ("multipart/form-data; boundary=x", b"nonce=a"),
        ("", b"nonce=a"),
    ],
)
def test_what_is_not_our_form_is_refused(content_type, body):
    with pytest.raises(UnreadableForm):
        read_form(content_type, body)


def test_a_charset_beside_the_media_type_is_fine():
    assert read_form("Application/X-WWW-Form-Urlencoded; charset=UTF-8", b"nonce=a").nonce == "a"


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (Form("iris-model-3", "approve"), []),
        (Form("iris-model-3", "approve", "fine"), []),
        (Form("iris-model-3", "reject", "no"), []),
        (Form("iris-model-3", "reject"), ["comment"]),
        (Form("iris-model-3", ""), ["decision"]),
        (Form("iris-model-3", "Approve"), ["decision"]),
        (Form("iris-model-3", "approve "), ["decision"]),
        (Form("Iris-model-3", "approve"), ["release"]),
        (Form("", "approve"), ["release"]),
        (Form("iris-model-33", "yes", "x" * (MAXIMUM_COMMENT_CHARACTERS + 1)), ["decision", "comment", "release"]),
    ],
)
def test_every_fault_names_its_field(form, fields):
    assert list(faults(form, "iris-model-3")) == fields


def test_decisions_are_the_two_words():
    assert decision_faults("approve", "") == {}
    assert list(decision_faults("approve\n", "")) == ["decision"]


@given(st.text())
def test_a_clean_comment_steers_nothing(text):
    cleaned = clean(text)
    assert all(character == "\n" or character.isprintable() for character in cleaned)
    assert clean(cleaned) == cleaned


@given(st.binary(max_size=200), st.sampled_from([FORM_TYPE, "text/plain", ""]))
def test_any_body_is_a_form_or_is_refused(body, content_type):
    try:
        form = read_form(content_type, body)
    except UnreadableForm:
        return
    assert faults(form, "iris-model-3")


@given(
    st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
)
def test_what_a_browser_sends_arrives(decision, comment):
    form = send(nonce="n", decision=decision, comment=comment, release="r")
    assert (form.decision, form.comment) == (decision, clean(comment))
