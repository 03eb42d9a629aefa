"""The mails that ask one approver: the first, the reminder, and that to whom it comes when nobody else decides."""

from pathlib import Path
from typing import Final, Literal

from contracts.approval import ApprovalRequest
from contracts.times import epoch_seconds, time_in_words
from mails.mail import Image, Mail
from mails.rendering import mail_templates

_TEMPLATES = mail_templates(Path(__file__).with_name("templates"))

Invitation = Literal["asked", "reminded", "escalated"]
# What the pictures show, for whoever does not see them; and how many pixels of the mail's 528 they take.
_TOLD: Final = {
    "scores": ("Candidate and champion by every metric, with the intervals that chance leaves", 528),
    "confusion_matrix": ("Held-out rows by their class and by the candidate's answer", 400),
    "residuals": ("How far the candidate's answers are off", 528),
}
_SUBJECTS: Final[dict[Invitation, str]] = {
    "asked": "{}",
    "reminded": "Still open: {}",
    "escalated": "Nobody has decided yet: {}",
}


def invite(
    request: ApprovalRequest, approver: str, link: str, kind: Invitation = "asked", images: tuple[Image, ...] = ()
) -> Mail:
    """The mail to `approver`, with `link` as the only way in, and `images` of what was measured."""
    words = {
        "request": request,
        "release": request.release,
        "run": request.run,
        "kind": kind,
        "link": link,
        "images": [(image.name, *_TOLD[image.name]) for image in images],
        "others": [other for other in request.approvers if other != approver],
        "asked": time_in_words(epoch_seconds(request.asked_at)),
        "deadline": time_in_words(request.expires_at),
    }
    return Mail(
        subject=_SUBJECTS[kind].format(request.release.question),
        text=_TEMPLATES.get_template("invitation.txt").render(words),
        html=_TEMPLATES.get_template("invitation.html").render(words),
        images=images,
    )
