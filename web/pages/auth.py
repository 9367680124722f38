"""Sign-in, sign-out, language and theme."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import structlog
from flask import (
    Blueprint,
    Flask,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.wrappers import Response

from engine.base import metrics
from engine.base.errors import NotFound, Rejected
from engine.base.locales import LOCALES
from engine.people import passwords
from engine.people.directory import DEMO_PASSWORD, DEMO_PEOPLE, Person
from engine.people.security_events import By, SignedIn, SignInFailed
from engine.people.security_log import tried
from web import errors, formatting, request_context, unsent
from web.doors import DOORS, STRANGERS
from web.i18n import THEMES
from web.security import limiter

bp = Blueprint("auth", __name__)
OPEN_ENDPOINTS = {endpoint for endpoint, needed in DOORS.items() if needed == STRANGERS}


class Account(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """A signed-in person. The session names the generation, so that raising it ends all sessions."""

    def __init__(self, person: Person) -> None:
        self.person = person

    def get_id(self) -> str:
        """What the session keeps: generation and name."""
        return f"{self.person.session_generation}:{self.person.name}"


class Sessions(LoginManager):  # type: ignore[misc]  # flask_login has no types
    """Who is signed in, by the session alone: nobody is given a cookie that outlives it, so none is believed."""

    def _load_user_from_remember_cookie(self, _: str) -> None:
        return None


def _load(kept: str) -> Account | None:
    generation, _, name = kept.partition(":")
    try:
        person = request_context.gongdan().people.get(name)
    except NotFound:
        return None
    if not person.active or str(person.session_generation) != generation:
        return None
    structlog.contextvars.bind_contextvars(actor=person.name)  # of every line of the log from here on
    return Account(person)


def install(app: Flask) -> None:
    """Everything but the sign-in page is for people who are signed in."""
    manager = Sessions(app, add_context_processor=False)  # templates ask `me()`, and error pages nobody
    manager.user_loader(_load)
    manager.session_protection = "basic"
    app.register_error_handler(CSRFError, _token_is_wrong)

    @app.before_request
    def ask_to_sign_in() -> ResponseReturnValue | None:
        if request.endpoint in OPEN_ENDPOINTS or current_user.is_authenticated:
            return None
        if request.endpoint is None:
            abort(404)
        return ask(trusted=True)


def ask(*, trusted: bool) -> ResponseReturnValue:
    """Ask who it is. A form that was sent is carried through the sign-in (``trusted``: its token was right).

    A script is told 401 and nothing else: it must neither take a sign-in page for its answer nor lead the page,
    with whatever is being typed there, away.
    """
    if request_context.by_script():
        return Response(status=401)
    if request.method == "GET":
        back = request.full_path.rstrip("?")
        return redirect(url_for("auth.sign_in", next=back if back != "/" else None))
    carried = unsent.of_request(trusted=trusted)
    if carried is None and not trusted:
        return _not_carried()
    return _sign_in_page(None, local_path(carried.back) if carried else None, carried), 401


def _token_is_wrong(_: CSRFError) -> ResponseReturnValue:
    """A form with a token of nobody any more, of an earlier sign-in, or of none of our pages."""
    if request.endpoint == "auth.sign_in":
        said = _why_wrong(gettext("The sign-in page was open for too long: please sign in once more."))
        return _sign_in_page(said, request.form.get("next"), unsent.carried(trusted=False)), 400
    if not request_context.signed_in():
        return ask(trusted=False)
    carried = None if request_context.by_script() else unsent.of_request(trusted=False)
    if carried is None:
        return _not_carried()
    said = _why_wrong(
        gettext(
            "The page that you sent this from is older than your sign-in: since it was opened you signed in again, "
            "or changed your password."
        ),
        gettext("This came without the mark of the page it was sent from."),
    )
    return unsent.resume(_within(carried), said)


def _not_carried() -> ResponseReturnValue:
    if request_context.signed_in():
        text = _why_wrong(
            gettext(
                "You signed in again since it was opened. Go back, reload the page and send it once more."
            )
        )
    else:
        text = gettext("You are not signed in any more. Sign in, then send it once more.")
    return errors.page(400, gettext("This form is out of date"), text)


def _why_wrong(old: str, bare: str | None = None) -> str:
    """``old``: what to say of a token that was right once; ``bare``: of a form that came without any."""
    if request.form.get("csrf_token") or request.headers.get("X-CSRFToken"):
        return old
    return bare or gettext(
        "It came without the mark of the page it was sent from. Go back, reload the page and send it once more."
    )


def _within(carried: unsent.Unsent) -> unsent.Unsent:
    return replace(carried, path=local_path(carried.path), back=local_path(carried.back))


def local_path(target: str | None) -> str:
    """``target`` when it is a path of this application, else the inbox: no redirect leaves the house."""
    home = url_for("inbox.show")
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isprintable():
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target


def _account_tried() -> str:
    return "account:" + request.form.get("name", "").strip().casefold()[:100]


def _failed(response: Response) -> bool:
    return response.status_code == 401


def _own_account() -> str:
    return "password:" + (request_context.person().name if request_context.signed_in() else "")


@bp.get("/sign-in")
@bp.post("/sign-in")
@limiter.limit("10/minute;50/hour", key_func=_account_tried, methods=["POST"], deduct_when=_failed)
@limiter.limit("60/minute", key_func=get_remote_address, methods=["POST"], deduct_when=_failed)
def sign_in() -> ResponseReturnValue:
    """The sign-in page; in demo mode it lists the demo accounts."""
    target = request.values.get("next")
    carried = unsent.carried(trusted=True)
    error, status = None, 200
    if request.method == "POST":
        name, password = request.form.get("name", "").strip(), request.form.get("password", "")
        person = request_context.gongdan().people.authenticate(name, password)
        _note_attempt(name, person)
        metrics.sign_ins.labels("wrong" if person is None else "ok").inc()
        if person is not None:
            session.clear()  # nothing of a session begun before sign-in survives it
            login_user(Account(person))
            session.permanent = True
            if carried is not None:
                return unsent.resume(_within(carried), gettext("You were signed out when you sent this."))
            return redirect(local_path(target), 303)
        error, status = gettext("Name or password is wrong."), 401
    elif current_user.is_authenticated:
        return redirect(local_path(target))
    return _sign_in_page(error, target, carried), status


def _note_attempt(name: str, person: Person | None) -> None:
    """Tell the security log who came in, or as whom somebody tried."""
    address = request.remote_addr or ""
    if person is not None:
        request_context.note_if_possible(SignedIn(about=person.name), By(person.name, address))
        return
    about = tried(request_context.gongdan().db, name)
    failed = SignInFailed(about=about, reason="password" if about == name else "unknown")
    request_context.note_if_possible(failed, By("", address))


def _sign_in_page(error: str | None, target: str | None, carried: unsent.Unsent | None) -> str:
    return render_template(
        "auth/sign_in.html",
        error=error,
        target=target,
        carried=carried,
        demo=DEMO_PEOPLE if request_context.settings().demo else (),
        demo_password=DEMO_PASSWORD,
    )


@bp.get("/signed-in")
def signed_in() -> Response:
    """Who is signed in in this browser, and the token of forms: what a page asks before it sends, and after trouble."""
    name = request_context.person().name if request_context.signed_in() else None
    return jsonify(name=name, token=generate_csrf())


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End all sessions of this account: a copied cookie is worth nothing afterwards."""
    request_context.gongdan().people.end_sessions(request_context.person().name)
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.get("/account")
@bp.post("/account")
@limiter.limit("10/minute;50/hour", key_func=_own_account, methods=["POST"], deduct_when=_failed)
def account() -> ResponseReturnValue:
    """One's own account, and a new password: it signs out everywhere but here."""
    person, people = request_context.person(), request_context.gongdan().people
    error, status = None, 200
    if request.method == "POST":
        new = request.form.get("new", "")
        if people.authenticate(person.name, request.form.get("password", "")) is None:
            error, status = gettext("The password so far is wrong."), 401
        elif new != request.form.get("again", ""):
            error, status = gettext("The new password was not written the same way twice."), 422
        else:
            try:
                people.set_password(person.name, new)
            except Rejected as refused:
                error, status = formatting.refusal(refused), 422
            else:
                session.clear()
                login_user(Account(people.get(person.name)))
                session.permanent = True
                flash(gettext("The password is changed; all other sessions of this account ended."), "ok")
                return redirect(url_for("auth.account"), 303)
    return render_template("auth/account.html", error=error, least=passwords.LEAST), status


@bp.post("/preferences")
def preferences() -> ResponseReturnValue:
    """Language and theme, kept in cookies of this browser."""
    answer = redirect(local_path(request.form.get("next")), 303)
    for name, allowed in (("locale", LOCALES), ("theme", tuple(THEMES))):
        if (value := request.form.get(name)) in allowed:
            secure = request_context.settings().https
            answer.set_cookie(name, value, max_age=31_536_000, samesite="Lax", httponly=True, secure=secure)
    return answer
