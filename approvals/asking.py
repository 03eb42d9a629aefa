"""Asks one person: a link of their own, a mail that holds it, and an entry in the audit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from approvals.audit import Audit
from approvals.invitations import Invitations
from approvals.links import make_link
from approvals.signing import Signer
from contracts.approval import ApprovalRequest, MailKind
from contracts.audit import AuditEntry, holder
from contracts.times import iso_time_precisely
from mails.invitation import Invitation, invite
from mails.mail import Image
from mails.post import NotMailed, Post

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger

_KINDS: dict[Invitation, MailKind] = {"asked": "mailed", "reminded": "reminded", "escalated": "reminded"}


@dataclass(frozen=True)
class Asker:
    """`page_url` ends in a slash and is followed by a link id."""

    invitations: Invitations
    audit: Audit
    signer: Signer
    post: Post
    page_url: str
    logger: "Logger"

    def ask(
        self, request: ApprovalRequest, approver: str, kind: Invitation, now: float, images: tuple[Image, ...] = ()
    ) -> bool:
        """Whether the mail could be sent. The link is stored before, so that none that is mailed leads nowhere."""
        link_id = make_link(self.signer, request.expires_at)
        self.invitations.add_link(link_id, approver, request)
        try:
            message_id = self.post.send(invite(request, approver, self.page_url + link_id, kind, images), approver)
        except NotMailed as fault:
            # One address that cannot be mailed must not keep the others from deciding.
            self.logger.warning("approver not mailed", error=str(fault), kind=kind)
            return False
        release = request.release
        who = holder(approver)
        entry = AuditEntry(
            iso_time_precisely(now), kind, release.model, release.name, request.run, who, detail=release.wish
        )
        self.audit.add(entry, f"{request.run}#{kind}#{approver}")
        self.invitations.record_mail(request.run, _KINDS[kind], approver, message_id)
        return True
