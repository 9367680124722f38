"""One's own account: password, second step, where one is signed in."""

from __future__ import annotations

import segno
from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import logout_user
from markupsafe import Markup
from pyotp import TOTP

from engine.base.errors import Rejected
from engine.operations import credentials
from engine.people import passwords
from engine.people.attempts import TooMany
from web import formatting, known_browsers, request_context, signing_in, unsent

bp = Blueprint("account", __name__, url_prefix="/account")
WRONG, TOO_MANY, UNFIT = 401, 429, 422


@bp.get("")
def own() -> ResponseReturnValue:
    """One's own account, with where one is signed in."""
    return password_page()


@bp.post("")
def change_password() -> ResponseReturnValue:
    """A new password: it signs out everywhere but here."""
    gongdan, person = request_context.gongdan(), request_context.person()
    new, carried = request.form.get("new", ""), unsent.carried(trusted=True)
    if (wrong := _password_is_wrong()) is not None:
        return password_page(*wrong, carried=carried)
    if new != request.form.get("again", ""):
        said = gettext("The new password was not written the same way twice.")
        return password_page(said, UNFIT, carried=carried)
    try:
        credentials.change_own_password(gongdan, person.name, new, request_context.by())
    except Rejected as refused:
        return password_page(formatting.refusal(refused), UNFIT, carried=carried)
    signing_in.let_in(gongdan.people.get(person.name), "new password")
    flash(gettext("The password is changed; all other sessions of this account ended."), "ok")
    return _go_on(carried, url_for(".own"))


@bp.post("/sessions/<id>/end")
def end_session(id: str) -> ResponseReturnValue:
    """Sign out at one other browser."""
    credentials.end_session(
        request_context.gongdan(), request_context.person().name, id, request_context.by()
    )
    flash(gettext("That browser is signed out."), "ok")
    return redirect(url_for(".own"), 303)


@bp.post("/sessions/end")
def end_sessions() -> ResponseReturnValue:
    """Sign out everywhere, here as well."""
    credentials.end_sessions(request_context.gongdan(), request_context.person().name, request_context.by())
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.get("/second-step")
def second_step() -> ResponseReturnValue:
    """Whether there is a second step, and the way to one."""
    return step_page()


@bp.post("/second-step")
def offer() -> ResponseReturnValue:
    """After the password: a secret for the phone, as a QR code and in letters."""
    carried = unsent.carried(trusted=True)
    if (wrong := _password_is_wrong()) is not None:
        return step_page(carried, *wrong)
    secret = request_context.gongdan().door.steps.offer(request_context.person().name)
    return _offered(secret, carried)


@bp.post("/second-step/confirm")
def confirm() -> ResponseReturnValue:
    """A code of the offered secret: from now on the second step is asked for. Shows the recovery codes, once."""
    gongdan, name, carried = (
        request_context.gongdan(),
        request_context.person().name,
        unsent.carried(trusted=True),
    )
    secret = gongdan.door.steps.offered(name)
    if secret is None:  # of an old page: it was confirmed, or taken away, meanwhile
        return redirect(url_for(".second_step"), 303)
    try:
        codes = credentials.confirm_second_step(
            gongdan, name, request.form.get("code", ""), request_context.by()
        )
    except Rejected as refused:
        return _offered(secret, carried, formatting.refusal(refused)), UNFIT
    return _codes(codes, carried)


@bp.post("/second-step/codes")
def new_codes() -> ResponseReturnValue:
    """After the password: ten new recovery codes in place of those so far, shown once."""
    if (wrong := _password_is_wrong()) is not None:
        return step_page(None, *wrong)
    name = request_context.person().name
    return _codes(credentials.new_recovery_codes(request_context.gongdan(), name, request_context.by()), None)


@bp.post("/second-step/off")
def take_away() -> ResponseReturnValue:
    """After the password: no second step any more, where one's roles do not ask for it."""
    gongdan, person = request_context.gongdan(), request_context.person()
    if (wrong := _password_is_wrong()) is not None:
        return step_page(None, *wrong)
    credentials.do_without_second_step(gongdan, person, request_context.by())
    signing_in.let_in(gongdan.people.get(person.name), "password")
    flash(gettext("There is no second step any more; all other sessions of this account ended."), "ok")
    return redirect(url_for(".second_step"), 303)


# ---------------------------------------------------------------- what comes first
def ask_first(what: str) -> ResponseReturnValue:
    """Somebody is signed in, but has to do ``what`` before anything else; a form that was sent goes on after it."""
    if request_context.by_script():
        return Response(status=401)
    carried = unsent.of_request(trusted=True)
    return first_page(what, unsent.within(carried) if carried is not None else None)


def first_page(what: str, carried: unsent.Unsent | None) -> ResponseReturnValue:
    """On to ``what`` has to be done first."""
    if carried is None:
        return redirect(url_for(signing_in.FIRST[what]), 303)
    return step_page(carried) if what == signing_in.SECOND else password_page(carried=carried)


# ---------------------------------------------------------------- parts
def password_page(
    error: str | None = None, status: int = 200, *, carried: unsent.Unsent | None = None
) -> ResponseReturnValue:
    """The page of one's own account; ``carried``: a form that goes on when the password is changed."""
    name = request_context.person().name
    door = request_context.gongdan().door
    page = render_template(
        "account/own.html",
        error=error,
        least=passwords.LEAST,
        first=request_context.person().must_change,
        carried=carried,
        sessions=door.sessions.of(name, request_context.now()),
        here=signing_in.here().id,
        step=door.steps.state(name),
    )
    return page, status


def step_page(
    carried: unsent.Unsent | None = None, error: str | None = None, status: int = 200
) -> ResponseReturnValue:
    """The page of the second step; ``carried`` as above."""
    gongdan, person = request_context.gongdan(), request_context.person()
    page = render_template(
        "account/second_step.html",
        error=error,
        carried=carried,
        step=gongdan.door.steps.state(person.name),
        needed=credentials.needs_second_step(gongdan, person.roles),
    )
    return page, status


def _offered(secret: str, carried: unsent.Unsent | None, error: str | None = None) -> str:
    address = TOTP(secret).provisioning_uri(name=request_context.person().name, issuer_name="Gongdan")
    drawn = segno.make(address, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=4)
    letters = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render_template(
        "account/offered.html",
        error=error,
        carried=carried,
        qr=Markup(drawn),  # noqa: S704 (drawn by the library, of letters and digits)
        letters=letters,
    )


def _codes(codes: list[str], carried: unsent.Unsent | None) -> str:
    return render_template("account/codes.html", codes=codes, carried=carried)


@bp.post("/go-on")
def go_on() -> ResponseReturnValue:
    """The recovery codes are kept: on with what was to be sent before."""
    return _go_on(unsent.carried(trusted=True), url_for("inbox.show"))


def _go_on(carried: unsent.Unsent | None, home: str) -> ResponseReturnValue:
    """On with a form that waited; with what is to be done next before that, if there is more."""
    if (first := signing_in.to_do_first()) is not None:
        return first_page(first, carried)
    if carried is None:
        return redirect(home, 303)
    said = gettext("Your account had to be seen to before this could be sent.")
    return unsent.resume(unsent.within(carried), said)


def _password_is_wrong() -> tuple[str, int] | None:
    """What to say, with its status, when the password in the form is not the one of who is signed in."""
    name = request_context.person().name
    password, at = request.form.get("password", ""), request_context.now()
    try:
        found = request_context.gongdan().door.password(name, password, known_browsers.caller(name), at)
    except Rejected as refused:
        return formatting.refusal(refused), TOO_MANY if isinstance(refused, TooMany) else WRONG
    return None if found is not None else (gettext("The password so far is wrong."), WRONG)
