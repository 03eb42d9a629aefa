"""The site behind a mailed link: one page per link, which shows, asks, and takes the decision."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol, cast

from approvals.desk import Desk
from contracts.approval import ApprovalRequest, Decision, Delivery, Link, Verdict, hash_link
from contracts.audit import AuditEntry, Event, holder
from contracts.times import iso_time, iso_time_precisely
from functions.decide_release.browser import known_browser, set_cookie
from functions.decide_release.form import Form, UnreadableForm, faults, read_form
from functions.decide_release.page import STYLE, decision_page, notice_page, question_page
from functions.decide_release.response import respond, without_body
from functions.decide_release.visit import Visit
from functions.decide_release.visitors import PER_LINK, PER_SOURCE, Rate

_STALE = "This page was opened in another browser or too long ago. Nothing was decided; please send it once more."
_NOT_A_FORM = "What arrived was not this page's form. Nothing was decided."


class Links(Protocol):
    """Where mailed links lead."""

    def find_link(self, link_id: str) -> Link | None:
        """The run and the approver of a link."""

    def find_request(self, run: str) -> ApprovalRequest | None:
        """What a run asks, or asked."""


class PageNonces(Protocol):
    """Proof that a form comes from a page of ours."""

    def issue(self, link_hash: str, browser: str, now: float) -> str:
        """A nonce for one link in one browser."""

    def redeem(self, nonce: str, link_hash: str, browser: str, now: float) -> bool:
        """Whether a nonce was issued for this link and browser, not long ago, and is used for the first time."""


class Bounds(Protocol):
    """How often somebody may come."""

    def may_come(self, whose: str, rate: Rate, now: float) -> bool:
        """Takes a token from the bucket of this name, if there is one."""


class Notes(Protocol):
    """The audit."""

    def add(self, entry: AuditEntry, unique: str) -> None:
        """Note what happened."""


@dataclass(frozen=True)
class _Case:
    """A visit that came by a working link."""

    visit: Visit
    link_hash: str
    link: Link
    request: ApprovalRequest
    source: str


@dataclass(frozen=True)
class Site:
    """Answers visits. `holds` says whether a link id is one of ours and not over, `source_name` what the audit calls a
    visitor's address, and `random_text` is new each time.
    """

    links: Links
    holds: Callable[[str, float], bool]
    desk: Desk
    nonces: PageNonces
    bounds: Bounds
    notes: Notes
    source_name: Callable[[str], str]
    random_text: Callable[[], str]

    def answer(self, visit: Visit) -> dict[str, Any]:
        """The response to one request."""
        if visit.method not in ("GET", "HEAD", "POST"):
            return not_allowed()
        response = self._answer(visit)
        return without_body(response) if visit.method == "HEAD" else response

    def _answer(self, visit: Visit) -> dict[str, Any]:
        source = self.source_name(visit.source)
        if not self.bounds.may_come(f"source {source}", PER_SOURCE, visit.now):
            return too_many()
        # A forged link has no bucket of its own: whoever makes them up could make as many.
        if visit.link_id is None or not self.holds(visit.link_id, visit.now):
            return not_found()
        if not self.bounds.may_come(f"link {hash_link(visit.link_id)}", PER_LINK, visit.now):
            return too_many()
        case = self._find(visit, visit.link_id, source)
        if case is None:
            return not_found()
        return self._post(case) if visit.method == "POST" else self._view(case)

    def _find(self, visit: Visit, link_id: str, source: str) -> _Case | None:
        """Unknown, forged and expired links are alike: none of them leads anywhere."""
        link = self.links.find_link(link_id)
        request = self.links.find_request(link.run) if link else None
        if link is None or request is None or request.expired(visit.now):
            return None
        return _Case(visit, hash_link(link_id), link, request, source)

    def _view(self, case: _Case) -> dict[str, Any]:
        response = self._show(case)
        self._note(case, "viewed", "" if case.visit.method == "GET" else case.visit.method)
        return response

    def _post(self, case: _Case) -> dict[str, Any]:
        try:
            form = read_form(case.visit.content_type, case.visit.body)
        except UnreadableForm:
            return self._refuse(case, Form(), {"page": _NOT_A_FORM})
        request = case.request
        if request.decision is not None and request.delivery is not Delivery.PENDING:
            return self._show(case, _status(request.decision, request.delivery, form.decision))
        found = faults(form, request.release.name)
        browser = known_browser(case.visit.cookies, case.link_hash)
        if not self.nonces.redeem(form.nonce, case.link_hash, browser, case.visit.now):
            found = {"page": _STALE, **found}
        if found:
            return self._refuse(case, form, found)
        return self._decide(case, form)

    def _decide(self, case: _Case, form: Form) -> dict[str, Any]:
        verdict, approver = cast("Verdict", form.decision), case.link.approver
        decision = Decision(verdict, holder(approver), iso_time(case.visit.now), form.comment, approver)
        settled = self.desk.decide(case.request, decision, case.visit.now, case.source)
        if settled is None:
            return not_found()
        decided = replace(case, request=settled)
        if settled.decision is None:
            return self._show(decided, HTTPStatus.ACCEPTED if settled.approval_of(approver) else HTTPStatus.CONFLICT)
        return self._show(decided, _status(settled.decision, settled.delivery, verdict))

    def _refuse(self, case: _Case, form: Form, found: dict[str, str]) -> dict[str, Any]:
        self._note(case, "refused", ", ".join(sorted(found)))
        return self._show(case, HTTPStatus.BAD_REQUEST, form, found)

    def _show(
        self,
        case: _Case,
        status: HTTPStatus = HTTPStatus.OK,
        form: Form | None = None,
        found: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        request = case.request
        if request.decision is not None and request.delivery is not Delivery.PENDING:
            return respond(status, decision_page(request), STYLE)
        browser = known_browser(case.visit.cookies, case.link_hash) or self.random_text()
        nonce = self.nonces.issue(case.link_hash, browser, case.visit.now)
        if request.decision is None:
            html = question_page(request, case.link.approver, nonce, form, found or {})
        else:
            html = decision_page(request, nonce, (found or {}).get("page", ""))
        return respond(status, html, STYLE, [set_cookie(case.link_hash, browser)])

    def _note(self, case: _Case, event: Event, detail: str) -> None:
        release, now = case.request.release, iso_time_precisely(case.visit.now)
        who = holder(case.link.approver)
        entry = AuditEntry(now, event, release.model, release.name, case.request.run, who, case.source, detail)
        self.notes.add(entry, self.random_text())


def _status(decision: Decision, delivery: Delivery | None, verdict: str) -> HTTPStatus:
    if decision.verdict != verdict:
        return HTTPStatus.CONFLICT
    return HTTPStatus.ACCEPTED if delivery is Delivery.PENDING else HTTPStatus.OK


def not_found() -> dict[str, Any]:
    """The same for every link that leads nowhere, whatever the reason."""
    text = (
        "It may have been cut off on its way, or its time is over. If a release still waits for you, the mail that "
        "asked you holds the whole link; make runs shows in a terminal what every run is doing."
    )
    return respond(HTTPStatus.NOT_FOUND, notice_page("This link leads nowhere", text), STYLE)


def not_allowed() -> dict[str, Any]:
    """For methods that no page of ours sends."""
    response = respond(HTTPStatus.METHOD_NOT_ALLOWED, notice_page("This is not how the page works", ""), STYLE)
    return {**response, "headers": {**response["headers"], "allow": "GET, HEAD, POST"}}


def too_many() -> dict[str, Any]:
    """For those who come too often."""
    text = "Nothing was decided by this visit. Please wait a minute, and load the page again."
    response = respond(HTTPStatus.TOO_MANY_REQUESTS, notice_page("Too many visits in a short time", text), STYLE)
    return {**response, "headers": {**response["headers"], "retry-after": "60"}}


def failure() -> dict[str, Any]:
    """For faults of ours. Whether a decision was recorded shows when the page is loaded again."""
    text = "Please load the page again in a moment: it shows whether a decision was recorded."
    return respond(HTTPStatus.INTERNAL_SERVER_ERROR, notice_page("Something went wrong on our side", text), STYLE)
