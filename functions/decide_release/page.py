"""The pages that a person sees. Everything that comes from outside is escaped by the templates."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from contracts.approval import MAXIMUM_COMMENT_CHARACTERS, ApprovalRequest, Delivery
from contracts.decisions import consequence, decided, others_missing, past
from contracts.times import epoch_seconds, time_in_words
from functions.decide_release.form import Form

_FOLDER = Path(__file__).with_name("templates")
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
STYLE = (_FOLDER / "style.css").read_text(encoding="utf-8")
_TEMPLATES.globals["style"] = Markup(STYLE)  # noqa: S704 - a file of ours, which no input reaches


def question_page(
    request: ApprovalRequest, approver: str, nonce: str, form: Form | None = None, faults: Mapping[str, str] = {}
) -> str:
    """The dossier with the form, filled in as it was sent when there are `faults` to mend."""
    return _TEMPLATES.get_template("question.html").render(
        request=request,
        release=request.release,
        approver=approver,
        own=request.approval_of(approver),
        progress=others_missing(request) if request.policy.required > 1 else "",
        asked=time_in_words(epoch_seconds(request.asked_at)),
        deadline=time_in_words(request.expires_at),
        nonce=nonce,
        form=form or Form(),
        faults=faults,
        maximum_comment_characters=MAXIMUM_COMMENT_CHARACTERS,
    )


def decision_page(request: ApprovalRequest, nonce: str = "", fault: str = "") -> str:
    """The dossier with the decision that counts; with a button to tell the run again, and a nonce for it, while
    that is needed.

    Raises:
        ValueError: nothing was decided.
    """
    decision = request.decision
    if decision is None:
        raise ValueError("nothing was decided")
    return _TEMPLATES.get_template("decision.html").render(
        request=request,
        release=request.release,
        decision=decision,
        past=past(decision),
        decided=decided(request.release.name, decision),
        consequence=consequence(decision, request.delivery),
        pending=request.delivery is Delivery.PENDING,
        asked=time_in_words(epoch_seconds(request.asked_at)),
        nonce=nonce,
        fault=fault,
    )


def notice_page(title: str, text: str) -> str:
    """A page that knows nothing about any release."""
    return _TEMPLATES.get_template("notice.html").render(title=title, text=text)
