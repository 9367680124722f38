"""Sign-in with its second step, sign-out, language and theme."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import (
    Blueprint,
    Flask,
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
from flask_login import current_user, logout_user
from flask_wtf.csrf import CSRFError, generate_csrf
from werkzeug.wrappers import Response

from engine.base.errors import NotFound, Rejected
from engine.base.locales import LOCALES
from engine.operations import credentials
from engine.people.directory import DEMO_PASSWORD, DEMO_PEOPLE, Person
from engine.people.second_step import PAPER
from web import errors, formatting, known_browsers, request_context, signing_in, unsent
from web.i18n import THEMES
from web.local_paths import local_path

from . import account

bp = Blueprint("auth", __name__)
HALF = timedelta(minutes=5)  #: so long a right password waits for the second step


def install(app: Flask) -> None:
    """Everything but the sign-in page is for people who are signed in."""
    signing_in.install(app, ask, account.ask_first)
    app.register_error_handler(CSRFError, _token_is_wrong)


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
    if request.endpoint in ("auth.sign_in", "auth.second_step"):
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
    return unsent.resume(unsent.within(carried), said)


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


@bp.get("/sign-in")
@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The sign-in page; in demo mode it lists the demo accounts."""
    target = request.values.get("next")
    carried = unsent.carried(trusted=True)
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(local_path(target))
        return _sign_in_page(None, target, carried)
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    door, at = request_context.gongdan().door, request_context.now()
    try:
        person = door.password(name, password, known_browsers.caller(name), at)
    except Rejected as error:
        return _sign_in_page(formatting.refusal(error), target, carried), signing_in.refused(error)
    if person is None:
        said = gettext("Name or password is wrong.")
        return _sign_in_page(said, target, carried), signing_in.refused(None)
    if door.steps.state(person.name) is not None:
        session.clear()  # nothing of a session begun before sign-in survives it
        session["half"] = {"name": person.name, "generation": person.session_generation, "at": at}
        return _code_page(None, target, carried)
    return _let_in(person, "password", target, carried)


@bp.get("/sign-in/code")
@bp.post("/sign-in/code")
def second_step() -> ResponseReturnValue:
    """The second step: a code from the phone, or a recovery code, within five minutes of the password."""
    target, carried = request.values.get("next"), unsent.carried(trusted=True)
    person = _half_in()
    if person is None:
        late = gettext("The second step took too long: please sign in once more.")
        return _sign_in_page(late if request.method == "POST" else None, target, carried)
    if request.method == "GET":
        return _code_page(None, target, carried)
    caller = known_browsers.caller(person.name)
    door, at = request_context.gongdan().door, request_context.now()
    try:
        shown = door.code(person, request.form.get("code", ""), caller, at)
    except Rejected as error:
        return _code_page(formatting.refusal(error), target, carried), signing_in.refused(error)
    if shown is None:
        wrong = gettext("That is not the code of now, or it was used already: wait for the next one.")
        return _code_page(wrong, target, carried), signing_in.refused(None)
    said = None
    if shown == PAPER:
        state = door.steps.state(person.name)
        left = state.codes if state is not None else 0
        said = gettext("That recovery code is used up; %(count)s are left.", count=left)
    return _let_in(person, f"password and {shown}", target, carried, said)


def _half_in() -> Person | None:
    """Who gave the right password just now and still has the second step to do."""
    half = session.get("half")
    if (
        half is None
        or datetime.fromisoformat(request_context.now()) - datetime.fromisoformat(half["at"]) > HALF
    ):
        return None
    try:
        person = request_context.gongdan().people.get(half["name"])
    except NotFound:
        return None
    return person if person.active and person.session_generation == half["generation"] else None


def _let_in(
    person: Person, means: str, target: str | None, carried: unsent.Unsent | None, said: str | None = None
) -> ResponseReturnValue:
    """Sign in, and go on with what was to be seen or sent; before that, with what must be done first."""
    signing_in.let_in(person, means)
    if said is not None:
        flash(said, "warn")
    within = unsent.within(carried) if carried is not None else None
    if (first := signing_in.to_do_first()) is not None:
        return account.first_page(first, within)
    if within is not None:
        return unsent.resume(within, gettext("You were signed out when you sent this."))
    return redirect(local_path(target), 303)


def _code_page(error: str | None, target: str | None, carried: unsent.Unsent | None) -> str:
    return render_template("auth/code.html", error=error, target=target, carried=carried)


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
    """End this session: a copied cookie is worth nothing afterwards. Other browsers stay signed in."""
    person = request_context.person()
    credentials.sign_out(request_context.gongdan(), person.name, signing_in.here().id, request_context.by())
    logout_user()
    session.clear()
    return redirect(url_for("auth.sign_in"), 303)


@bp.post("/preferences")
def preferences() -> ResponseReturnValue:
    """Language and theme, kept in cookies of this browser."""
    answer = redirect(local_path(request.form.get("next")), 303)
    for name, allowed in (("locale", LOCALES), ("theme", tuple(THEMES))):
        if (value := request.form.get(name)) in allowed:
            secure = request_context.settings().https
            answer.set_cookie(name, value, max_age=31_536_000, samesite="Lax", httponly=True, secure=secure)
    return answer
