"""The page's form: what was sent, and what keeps it from being a decision."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from contracts.approval import MAXIMUM_COMMENT_CHARACTERS

FORM_TYPE = "application/x-www-form-urlencoded"
# What a person may say; a question is superseded by runs only.
VERDICTS = ("approve", "reject")


class UnreadableForm(ValueError):
    """The request's body is not what the page's form sends."""


@dataclass(frozen=True)
class Form:
    """The four fields as they were sent; one that was not is empty."""

    release: str = ""
    decision: str = ""
    comment: str = ""
    nonce: str = field(default="", repr=False)


def read_form(content_type: str, body: bytes | None) -> Form:
    """The fields of a form.

    Raises:
        UnreadableForm: another media type, broken encoding, a field that is unknown or sent twice.
    """
    if body is None or content_type.partition(";")[0].strip().lower() != FORM_TYPE:
        raise UnreadableForm("not a form, or too large")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=4
        )
    except ValueError as fault:
        raise UnreadableForm("not readable as a form") from fault
    fields = dict(pairs)
    if len(fields) != len(pairs) or not fields.keys() <= {"nonce", "release", "decision", "comment"}:
        raise UnreadableForm("unknown or repeated fields")
    return Form(
        release=fields.get("release", "").strip(),
        decision=fields.get("decision", ""),
        comment=clean(fields.get("comment", "")),
        nonce=fields.get("nonce", ""),
    )


def faults(form: Form, release: str) -> dict[str, str]:
    """What a person has to mend, by field. `release` is the name that must have been typed."""
    found = decision_faults(form.decision, form.comment)
    if form.release != release:
        found["release"] = f"Type the release's name exactly: {release}"
    return found


def decision_faults(decision: str, comment: str) -> dict[str, str]:
    """What is wrong with a decision, wherever it comes from."""
    found = {}
    if decision not in VERDICTS:
        found["decision"] = "Choose whether to approve or to reject."
    if decision == "reject" and not comment:
        found["comment"] = "Say why: the reason goes to the owners of the model."
    elif len(comment) > MAXIMUM_COMMENT_CHARACTERS:
        found["comment"] = f"At most {MAXIMUM_COMMENT_CHARACTERS:,} characters, please; these are {len(comment):,}."
    return found


def clean(text: str) -> str:
    """What a person typed: line ends as LF, no other characters that steer a terminal or hide, no blanks around."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character for character in text if character == "\n" or character.isprintable()).strip()
