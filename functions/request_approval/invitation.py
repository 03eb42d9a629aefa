"""The mail that asks one approver."""

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from contracts.mail import LAYOUTS, Mail
from contracts.times import time_in_words

if TYPE_CHECKING:
    from functions.request_approval.question import Question

_TEMPLATES = Environment(
    loader=FileSystemLoader([Path(__file__).with_name("templates"), LAYOUTS]),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Names of files and columns come from outside; in plain text a line break would let them pretend to be ours.
_TEMPLATES.filters["one_line"] = lambda text: " ".join(str(text).split())


def invite(question: "Question", approver: str, link: str) -> Mail:
    """The mail to `approver`, with `link` as the only way in."""
    words = {
        "release": question.release,
        "run": question.run,
        "link": link,
        "others": [other for other in question.approvers if other != approver],
        "deadline": time_in_words(question.expires_at),
    }
    return Mail(
        subject=f"Release {question.release.name} to production?",
        text=_TEMPLATES.get_template("invitation.txt").render(words),
        html=_TEMPLATES.get_template("invitation.html").render(words),
    )
