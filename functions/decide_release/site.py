"""The site behind a mailed link: one page per link, which shows, asks, and takes the decision."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Protocol, cast

from approvals.desk import Desk
from contracts.approval import ApprovalRequest, Decision, Delivery, Link, Verdict, hash_link
from contracts.times import iso_time
from functions.decide_release.browser import known_browser, set_cookie
from functions.decide_release.form import Form, UnreadableForm, faults, read_form
from functions.decide_release.page import STYLE, decision_page, notice_page, question_page
from functions.decide_release.response import respond, without_body
from functions.decide_release.visit import Visit

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

    def holds(self, nonce: str, link_hash: str, browser: str, now: float) -> bool:
        """Whether a nonce was issued for this link and browser, not long ago."""


@dataclass(frozen=True)
class _Case:
    """A visit that came by a working link."""

    visit: Visit
    link_hash: str
    link: Link
    request: ApprovalRequest


@dataclass(frozen=True)
class Site:
    """Answers visits. `new_browser` makes the random text of a browser's cookie."""

    links: Links
    desk: Desk
    nonces: PageNonces
    new_browser: Callable[[], str]

    def answer(self, visit: Visit) -> dict[str, Any]:
        """The response to one request."""
        if visit.method not in ("GET", "HEAD", "POST"):
            return not_allowed()
        case = self._find(visit)
        if case is None:
            response = not_found()
        elif visit.method == "POST":
            response = self._post(case)
        else:
            response = self._show(case)
        return without_body(response) if visit.method == "HEAD" else response

    def _find(self, visit: Visit) -> _Case | None:
        """Unknown, forged and expired links are alike: none of them leads anywhere."""
        link = self.links.find_link(visit.link_id) if visit.link_id else None
        request = self.links.find_request(link.run) if link else None
        if visit.link_id is None or link is None or request is None or request.expired(visit.now):
            return None
        return _Case(visit, hash_link(visit.link_id), link, request)

    def _post(self, case: _Case) -> dict[str, Any]:
        try:
            form = read_form(case.visit.content_type, case.visit.body)
        except UnreadableForm:
            return self._refuse(case, Form(), {"page": _NOT_A_FORM})
        found = faults(form, case.request.release.name)
        browser = known_browser(case.visit.cookies, case.link_hash)
        if not self.nonces.holds(form.nonce, case.link_hash, browser, case.visit.now):
            found = {"page": _STALE, **found}
        if found:
            return self._refuse(case, form, found)
        return self._decide(case, form)

    def _decide(self, case: _Case, form: Form) -> dict[str, Any]:
        verdict = cast("Verdict", form.decision)
        decision = Decision(verdict, f"link issued to {case.link.approver}", iso_time(case.visit.now), form.comment)
        settled = self.desk.decide(case.request, decision, case.visit.now)
        if settled is None or settled.decision is None:
            return not_found()
        return self._show(replace(case, request=settled), _status(settled.decision, settled.delivery, verdict))

    def _refuse(self, case: _Case, form: Form, found: dict[str, str]) -> dict[str, Any]:
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
        browser = known_browser(case.visit.cookies, case.link_hash) or self.new_browser()
        nonce = self.nonces.issue(case.link_hash, browser, case.visit.now)
        if request.decision is None:
            html = question_page(request, case.link.approver, nonce, form, found or {})
        else:
            html = decision_page(request, nonce, (found or {}).get("page", ""))
        return respond(status, html, STYLE, [set_cookie(case.link_hash, browser)])


def _status(decision: Decision, delivery: Delivery | None, verdict: Verdict) -> HTTPStatus:
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


def failure() -> dict[str, Any]:
    """For faults of ours. Whether a decision was recorded shows when the page is loaded again."""
    text = "Please load the page again in a moment: it shows whether a decision was recorded."
    return respond(HTTPStatus.INTERNAL_SERVER_ERROR, notice_page("Something went wrong on our side", text), STYLE)
