"""The mail to all who were asked: what became of the question."""

from pathlib import Path

from contracts.approval import ApprovalRequest
from contracts.decisions import consequence, decided, past
from mails.mail import Mail
from mails.rendering import mail_templates

_TEMPLATES = mail_templates(Path(__file__).with_name("templates"))
_STRIPES = {"approve": "#14713a", "reject": "#b3261e"}


def tell_verdict(request: ApprovalRequest) -> Mail:
    """The same for everybody: it holds no link.

    Raises:
        ValueError: nothing was decided.
    """
    decision = request.decision
    if decision is None:
        raise ValueError("nothing was decided")
    words = {
        "request": request,
        "release": request.release,
        "decision": decision,
        "past": past(decision),
        "decided": decided(request.release.name, decision),
        "consequence": consequence(decision, request.delivery),
        "stripe": _STRIPES.get(decision.verdict, "#d39b10"),
    }
    return Mail(
        subject=f"{request.release.name}: {past(decision)}",
        text=_TEMPLATES.get_template("verdict.txt").render(words),
        html=_TEMPLATES.get_template("verdict.html").render(words),
    )
