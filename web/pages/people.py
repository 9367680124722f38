"""People as administrators keep them: the list, one account, what is given to it, what it signs in with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from engine.base.errors import Rejected
from engine.operations import accounts, credentials
from engine.operations.accounts import Handed
from engine.people.attempts import Failures
from engine.people.person import LEVELS, ORDINARY, Person
from engine.people.spelling import folded
from web import formatting, request_context, sure
from web.i18n import listed

from .admin import bp

AT_ONCE = 100  #: accounts on one page
LEVEL_NAMES = dict(
    zip(
        LEVELS,
        (
            lazy_gettext("1 · learning"),
            lazy_gettext("2 · some"),
            lazy_gettext("3 · good"),
            lazy_gettext("4 · very good"),
            lazy_gettext("5 · teaches it"),
        ),
        strict=True,
    )
)
STATES: dict[str, object] = {
    "on": lazy_gettext("switched on"),
    "off": lazy_gettext("switched off"),
    "waits": lazy_gettext("wrong attempts"),
    "one_step": lazy_gettext("without second step"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the list shows it."""

    person: Person
    step: bool
    failures: Failures | None

    def is_(self, state: str) -> bool:
        """Whether it is in a state of :data:`STATES`."""
        return {
            "on": self.person.active,
            "off": not self.person.active,
            "waits": self.failures is not None,
            "one_step": self.person.active and not self.step,
        }.get(state, True)

    def says(self, text: str) -> bool:
        """Whether name, displayed name, team, department or mail address hold ``text``."""
        one = self.person
        words = (
            one.name,
            one.display_name,
            one.mail or "",
            one.external_id or "",
            *one.teams,
            *one.departments,
        )
        return not text or any(folded(text) in folded(word) for word in words)


@bp.get("/people")
def people() -> ResponseReturnValue:
    """Everybody, or those that are looked for."""
    gongdan = request_context.gongdan()
    steps, failures = gongdan.door.steps.everybody(), gongdan.door.attempts.of(request_context.now())
    everybody = [Account(one, one.name in steps, failures.get(one.name)) for one in gongdan.people.all()]
    text, role, state = (request.args.get(name, "").strip() for name in ("q", "role", "state"))
    found = [
        one
        for one in everybody
        if one.says(text) and one.is_(state) and (not role or role in one.person.roles)
    ]
    page = max(1, request.args.get("page", 1, type=int))
    return render_template(
        "people/list.html",
        rows=found[(page - 1) * AT_ONCE : page * AT_ONCE],
        found=len(found),
        page=page,
        more=len(found) > page * AT_ONCE,
        asked={"q": text, "role": role, "state": state},
        roles=_in_order(accounts.duties(gongdan).held),
        states=STATES,
    )


@bp.get("/people/new")
def new_person() -> ResponseReturnValue:
    """The form of a new account."""
    return _form_page(Person("", "", frozenset()), new=True)


@bp.post("/people/new")
def add_person() -> ResponseReturnValue:
    """Add an account; its one-time password is shown once."""
    made = _given(Person(request.form.get("name", "").strip(), "", frozenset()))
    try:
        secret = accounts.add(request_context.gongdan(), made, request_context.by())
    except Rejected as refused:
        return _form_page(made, new=True, error=formatting.refusal(refused)), 422
    return _one_time_page(made, secret or "")


@bp.get("/people/<name>")
def person(name: str) -> ResponseReturnValue:
    """One account: what is given to it, how it signs in, where it is signed in."""
    return _form_page(request_context.gongdan().people.get(name))


@bp.post("/people/<name>")
def change_person(name: str) -> ResponseReturnValue:
    """Give the account what the form says; work that it no longer fits goes back."""
    changed = _given(request_context.gongdan().people.get(name))
    try:
        handed = accounts.change(request_context.gongdan(), changed, request_context.by())
    except Rejected as refused:
        return _form_page(changed, error=formatting.refusal(refused)), 422
    return _done(name, gettext("%(name)s is changed.", name=changed.display_name), handed)


def _how_to_switch_off() -> str:
    who = request_context.display_name((request.view_args or {}).get("name"))
    return gettext(
        "Switch %(name)s off? They are out at once; tasks they hold go back to their queues.", name=who
    )


def _how_to_take_step() -> str:
    who = request_context.display_name((request.view_args or {}).get("name"))
    return gettext("Take the second step of %(name)s away? Be sure who asked you to.", name=who)


def _back(name: str) -> str:
    return url_for("admin.person", name=name)


@bp.post("/people/<name>/off")
@sure.asks(_how_to_switch_off, _back, lazy_gettext("Switch off"))
def switch_off(name: str) -> ResponseReturnValue:
    """Switch an account off: it is out at once."""
    return _act(name, accounts.switch_off, gettext("The account is switched off and signed out everywhere."))


@bp.post("/people/<name>/on")
def switch_on(name: str) -> ResponseReturnValue:
    """Switch an account on again; sessions of before do not come back."""
    return _act(name, accounts.switch_on, gettext("The account is switched on."))


@bp.post("/people/<name>/password")
def reset_password(name: str) -> ResponseReturnValue:
    """A one-time password, shown once; the account is signed out everywhere and unlocked."""
    gongdan = request_context.gongdan()
    secret = credentials.reset_password(gongdan, name, request_context.by())
    return _one_time_page(gongdan.people.get(name), secret)


@bp.post("/people/<name>/must-change")
def must_change(name: str) -> ResponseReturnValue:
    """The account has to choose a new password before anything else."""
    said = gettext("A new password has to be chosen before anything else.")
    return _act(name, credentials.demand_change, said)


@bp.post("/people/<name>/unlock")
def unlock(name: str) -> ResponseReturnValue:
    """Whoever waits after wrong attempts may try again at once."""
    return _act(name, credentials.unlock, gettext("The account is unlocked."))


@bp.post("/people/<name>/second-step")
@sure.asks(_how_to_take_step, _back, lazy_gettext("Take away"))
def take_second_step(name: str) -> ResponseReturnValue:
    """Take the second step away, the phone being lost."""
    said = gettext("The second step is taken away; the account is signed out everywhere.")
    return _act(name, credentials.take_second_step, said)


@bp.post("/people/<name>/end-sessions")
def end_sessions(name: str) -> ResponseReturnValue:
    """Sign somebody out everywhere."""
    who = request_context.gongdan().people.get(name).display_name
    return _act(name, credentials.end_sessions, gettext("%(name)s is signed out everywhere.", name=who))


@bp.post("/people/<name>/sessions/<id>/end")
def end_session(name: str, id: str) -> ResponseReturnValue:
    """Sign somebody out at one browser."""
    credentials.end_session(request_context.gongdan(), name, id, request_context.by())
    return _done(name, gettext("That browser is signed out."))


# ---------------------------------------------------------------- parts
def _act(name: str, act: Callable[..., Handed | None], said: str) -> ResponseReturnValue:
    return _done(name, said, act(request_context.gongdan(), name, request_context.by()))


def _done(name: str, said: str, handed: Handed | None = None) -> ResponseReturnValue:
    """Back to the account, with what was done and what became of its tasks."""
    flash(said, "ok")
    tell_handed(handed)
    if name == request_context.person().name:  # who changed themself may be nobody here any more
        return redirect(url_for("inbox.show"), 303)
    return redirect(_back(name), 303)


def tell_handed(handed: Handed | None) -> None:
    """What became of tasks that somebody held."""
    if handed is not None and handed.back:
        flash(gettext("Back in their queues: %(tasks)s.", tasks=listed(handed.back)), "ok")
    for held, reason in handed.left.items() if handed is not None else ():
        flash(gettext("Still held: %(task)s. %(reason)s", task=held, reason=reason), "bad")


def _given(before: Person) -> Person:
    """What the form says of an account."""
    form = request.form
    found = {
        name.removeprefix("skill_"): int(level)
        for name, level in form.items()
        if name.startswith("skill_") and re.fullmatch("[0-9]", level)
    }
    return replace(
        before,
        display_name=form.get("display", "").strip(),
        roles=frozenset(form.getlist("role")),
        skills=frozenset(found),
        levels={skill: level for skill, level in found.items() if level != ORDINARY},
        departments=frozenset(form.getlist("department")),
        teams=frozenset(filter(None, map(str.strip, re.split("[,;，；、]", form.get("teams", ""))))),
        mail=form.get("mail", "").strip() or None,
        external_id=form.get("external_id", "").strip() or None,
    )


def _form_page(shown: Person, *, new: bool = False, error: str | None = None) -> str:
    gongdan, now = request_context.gongdan(), request_context.now()
    known = accounts.duties(gongdan)
    return render_template(
        "people/person.html",
        one=shown,
        new=new,
        error=error,
        roles=_in_order(known.held),
        skills=_in_order(known.skills),
        departments=_in_order(known.departments),
        levels=LEVEL_NAMES,
        teams=sorted({team for other in gongdan.people.all() for team in other.teams}),
        stale=accounts.stale(known, shown),
        sessions=[] if new else gongdan.door.sessions.of(shown.name, now),
        step=None if new else gongdan.door.steps.state(shown.name),
        failures=None if new else gongdan.door.attempts.of(now).get(shown.name),
        ask_switch_off=None if new else _how_to_switch_off,
        ask_take_step=None if new else _how_to_take_step,
    )


def _one_time_page(shown: Person, secret: str) -> str:
    hours = request_context.settings().one_time_hours
    return render_template("people/one_time.html", one=shown, secret=secret, hours=hours)


def _in_order(words: frozenset[str]) -> list[str]:
    return sorted(words)
