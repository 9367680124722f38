"""Notices to one's roles: limits passed, things to know."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.queries import notices as query
from engine.queries import scope, security
from engine.queries.inbox import steers
from engine.release import proposals
from engine.release.proposals import Proposal
from engine.release.releases import ReleaseInfo
from web import formatting, request_context, security_words
from web.i18n import listed
from web.numbers import whole
from web.polling import unchanged

bp = Blueprint("notices", __name__, url_prefix="/notices")


def unread_notices() -> int:
    """Notices the person has not read, for the bell."""
    if "unread" not in g:
        g.unread = (
            query.unread(request_context.gongdan().db, request_context.person())
            if request_context.signed_in()
            else 0
        )
    return int(g.unread)


@bp.get("/")
def listing() -> ResponseReturnValue:
    """The latest notices."""
    db, person, release = request_context.gongdan().db, request_context.person(), request_context.in_force()
    rows = query.latest(db, person)
    alerts = security.numbered(db, {row.alert for row in rows if row.alert is not None})
    return render_template(
        "notices/list.html",
        rows=rows,
        seen=query.read_up_to(db, person),
        hidden=scope.hidden_from(db, person, {case for row in rows for case in row.cases}, release),
        parameters=release.parameters,
        releases=_releases({row.release for row in rows if row.release is not None}),
        proposed={
            number: _proposed(one)
            for number, one in proposals.some(
                db, {r.proposal for r in rows if r.proposal is not None}
            ).items()
        },
        steers=steers(person),
        alerts={number: security_words.told(entry) for number, entry in alerts.items()},
    )


def _releases(numbers: set[int]) -> dict[int, str]:
    """What each of these releases was, in the language of the page."""
    known = request_context.gongdan().releases
    return {
        one.number: _released(one, listed(known.changed_in(one.number)))
        for one in (known.numbers() if numbers else ())
        if one.number in numbers
    }


def _released(one: ReleaseInfo, files: str) -> str:
    told = {"number": one.number, "name": formatting.who(one.author), "note": one.note, "files": files}
    if one.approver is not None:
        return gettext(
            "Release %(number)s was published by %(name)s and approved by %(other)s: %(note)s (%(files)s)",
            other=formatting.who(one.approver),
            **told,
        )
    return gettext(
        "Release %(number)s of the processes was published by %(name)s: %(note)s (%(files)s)", **told
    )


def _proposed(one: Proposal) -> str:
    """What a proposal is by now, in the language of the page."""
    told = {"number": one.number, "name": formatting.who(one.author), "note": one.note}
    if one.waits:
        return gettext("Proposal %(number)s of %(name)s waits for a second person: %(note)s", **told)
    if one.state == proposals.APPROVED:
        return gettext(
            "Proposal %(number)s of %(name)s was approved by %(other)s and is release %(release)s: %(note)s",
            other=formatting.who(one.decided_by),
            release=one.release,
            **told,
        )
    if one.state == proposals.REFUSED:
        return gettext(
            "Proposal %(number)s of %(name)s was refused by %(other)s: %(why)s (%(note)s)",
            other=formatting.who(one.decided_by),
            why=one.why,
            **told,
        )
    return gettext("Proposal %(number)s of %(name)s was taken back or replaced: %(note)s", **told)


@bp.post("/read")
def read() -> ResponseReturnValue:
    """All shown notices are read."""
    query.mark_read(
        request_context.gongdan().db, request_context.person(), request.form.get("number", 0, type=whole)
    )
    return redirect(url_for(".listing"), 303)


@bp.get("/bell")
def bell() -> ResponseReturnValue:
    """The bell alone; asked every thirty seconds."""
    return unchanged("notices/bell.html", unread=unread_notices())
