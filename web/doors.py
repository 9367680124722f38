"""The door of every page: the action that one needs to come in, asked before the view is. One table for all rooms.

A route that is not here is shut to everybody. Views behind ``CASE`` and ``OWN`` ask more, as their docstrings say.
"""

from __future__ import annotations

from flask import Flask, abort, request

from engine.people.rights import RIGHTS

from . import request_context

STRANGERS = "anybody"  #: also who is not signed in
EVERYBODY = "everybody"  #: who is signed in, each with what is theirs
CASE = "who may know of the case"  #: engine/queries/scope.py; commands ask for more (engine/people/rights.py)
OWN = "who has the report, or its task"  #: web/report_links.py
#: endpoint → who comes in
DOORS = {
    "static": STRANGERS, "health.live": STRANGERS, "health.ready": STRANGERS, "health.measured": STRANGERS,
    "well_known.security_txt": STRANGERS,
    "auth.sign_in": STRANGERS, "auth.second_step": STRANGERS, "auth.signed_in": STRANGERS,
    "auth.preferences": STRANGERS, "auth.sign_out": EVERYBODY, "account.own": EVERYBODY,
    "account.change_password": EVERYBODY, "account.end_session": EVERYBODY, "account.end_sessions": EVERYBODY,
    "account.second_step": EVERYBODY, "account.offer": EVERYBODY, "account.confirm": EVERYBODY,
    "account.new_codes": EVERYBODY, "account.take_away": EVERYBODY, "account.go_on": EVERYBODY,
    "inbox.show": EVERYBODY, "inbox.take_next": EVERYBODY, "inbox.export": EVERYBODY,
    "notices.listing": EVERYBODY, "notices.read": EVERYBODY, "notices.bell": EVERYBODY,
    "processes.listing": EVERYBODY, "processes.show": EVERYBODY, "processes.source": EVERYBODY,
    "tasks.show_task": CASE, "tasks.preview": CASE, "tasks.side": CASE, "tasks.claim": CASE, "tasks.release": CASE,
    "tasks.complete": CASE, "leading.assign": CASE, "leading.reschedule": CASE, "drafts.keep": CASE,
    "drafts.forget": CASE, "drafts.instead": CASE,
    "cases.search": EVERYBODY, "cases.new": "cases.open", "cases.start": "cases.open", "cases.show": CASE,
    "cases.file": CASE, "cases.state": CASE, "cases.download": CASE, "cases.pause": CASE, "cases.resume": CASE,
    "cases.diagram": CASE,
    "designer.room": "processes.design", "designer.edit": "processes.design", "designer.file": "processes.design",
    "designer.save": "processes.design", "designer.lint": "processes.design", "designer.discard": "processes.design",
    "designer.overtaken": "processes.design", "designer.rebase": "processes.design",
    "designer.scenarios": "processes.design", "designer.compare_releases": "processes.design",
    "designer.released": "processes.design", "designer.try_out": "processes.design",
    "designer.publish": "processes.design", "designer.take_back": "processes.design",
    "approvals.listing": "releases.approve", "approvals.show": "releases.approve",
    "approvals.file": "releases.approve", "approvals.approve": "releases.approve",
    "approvals.refuse": "releases.approve",
    "audit.listing": "audit", "audit.verified": "audit", "audit.show": "audit", "audit.verify": "audit",
    "outbox.listing": "outbox", "outbox.again": "outbox.again",
    "board.show": "inbox.all", "board.limits": "inbox.all",
    "reports.listing": "reports", "reports.show": "reports", "reports.behind": "reports", "reports.download": OWN,
    "reports.download_branches": OWN, "reports.case_dossier": "reports", "reports.case_dossier_json": "reports",
    "admin.health": "health", "admin.people": "people.see",
    "admin.new_person": "people.change", "admin.add_person": "people.change", "admin.from_file": "people.change",
    "admin.take_file": "people.change", "admin.person": "people.change", "admin.change_person": "people.change",
    "admin.switch_off": "people.change", "admin.switch_on": "people.change", "admin.reset_password": "people.change",
    "admin.must_change": "people.change", "admin.unlock": "people.change", "admin.take_second_step": "people.change",
    "admin.end_sessions": "people.change", "admin.end_session": "people.change",
    "admin.incidents": "incidents.see",
    "admin.retry": "incidents.settle", "admin.close": "incidents.settle",
    "security_log.listing": "security", "security_log.export": "security",
}  # fmt: skip
#: of a case that is named, one need not know that it is there
_QUIET = frozenset({"reports.case_dossier", "reports.case_dossier_json"})


def opens(endpoint: str) -> bool:
    """Whether the door of ``endpoint`` lets the person in."""
    needed = DOORS[endpoint]
    return needed not in RIGHTS or request_context.may(needed)


def install(app: Flask) -> None:
    """Ask at each door, once it is known who stands there."""

    @app.before_request
    def ask_at_the_door() -> None:
        endpoint = request.endpoint
        if endpoint is None:
            return  # there is no such page
        if endpoint not in DOORS or not opens(endpoint):
            abort(404 if endpoint in _QUIET else 403)
