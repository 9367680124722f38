"""How values are shown: instants in Shanghai, time left, masked numbers, words for states and roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeGuard

from flask import Flask, g
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from engine.base.errors import GongdanError
from engine.base.instants import SHANGHAI
from engine.base.phones import mask_phone
from engine.base.services import SERVICES, Recipient
from engine.operations.accounts import OPERATOR
from engine.operations.told import Told
from engine.queries.inbox import MOST
from engine.queries.work import Incident

from . import request_context
from .i18n import listed, pick

BEHALF = "system:incidents:"  #: begins the actor of a note on what a person did about an incident

STATES = {
    "open": lazy_gettext("open"),
    "closed": lazy_gettext("closed"),
    "completed": lazy_gettext("completed"),
    "withdrawn": lazy_gettext("taken back"),
    "cancelled": lazy_gettext("cancelled"),
    "pending": lazy_gettext("pending"),
    "sending": lazy_gettext("being sent"),
    "sent": lazy_gettext("sent"),
    "failed": lazy_gettext("failed"),
    "unknown": lazy_gettext("result unknown"),
    "paused": lazy_gettext("paused"),
    "running": lazy_gettext("running"),
    "breached": lazy_gettext("overdue"),
    "met": lazy_gettext("met"),
    "missed": lazy_gettext("done too late"),
    "stopped": lazy_gettext("stopped"),
    "fired": lazy_gettext("fired"),
    "ended": lazy_gettext("ended"),
    "proposed": lazy_gettext("waits for approval"),
    "active": lazy_gettext("in force"),
    "superseded": lazy_gettext("superseded"),
    "refused": lazy_gettext("refused"),
}
_KEY = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![A-Za-z0-9_])")  #: such as CASE_REPLY
ACTIONS = {  # what befalls an incident
    "opened": lazy_gettext("opened"),
    "closed": lazy_gettext("closed"),
}
SEVERITIES = {
    "low": lazy_gettext("minor"),
    "general": lazy_gettext("ordinary"),
    "high": lazy_gettext("high"),
    "severe": lazy_gettext("severe"),
    "major": lazy_gettext("major"),
}
DOMAINS = {
    "telecom": lazy_gettext("Telecommunications"),
    "property": lazy_gettext("Property management"),
    "ecommerce": lazy_gettext("Online shops"),
    "insurance": lazy_gettext("Insurance"),
    "courier": lazy_gettext("Courier"),
    "cable": lazy_gettext("Cable television"),
    "campus": lazy_gettext("Campus services"),
    "hospital": lazy_gettext("Hospital"),
    "reports": lazy_gettext("Periodic reports"),
    "general": lazy_gettext("General"),
    "shared": lazy_gettext("Shared steps"),
}
UNITS = {
    "yue": lazy_gettext("Cantonese"),
    "om": lazy_gettext("Network operations"),
    "billing": lazy_gettext("Billing"),
    "finance": lazy_gettext("Finance"),
    "vas": lazy_gettext("Value-added services"),
    "operations": lazy_gettext("Operations"),
    "branch": lazy_gettext("Branch"),
    "audit": lazy_gettext("Group audit"),
    "warehouse": lazy_gettext("Warehouse"),
    "property": lazy_gettext("Responsible department"),
    "repair": lazy_gettext("Installation and repair"),
    "group_account": lazy_gettext("Key accounts"),
    "maintenance": lazy_gettext("Maintenance"),
    "medical": lazy_gettext("Medical department"),
    "legal": lazy_gettext("Legal"),
    "logistics": lazy_gettext("Campus logistics"),
}
CLOCK_TONES = {
    "running": "info",
    "paused": "muted",
    "breached": "bad",
    "met": "ok",
    "missed": "bad",
    "stopped": "muted",
}


def install(app: Flask) -> None:
    """Give templates these filters."""
    app.jinja_env.filters.update(
        local=local,
        moment=moment,
        left=left,
        span=span,
        phone=mask_phone,
        state=state,
        role=role,
        who=who,
        lane=lane,
        limits_named=limits_named,
        incident=incident,
        input_time=lambda instant: f"{parse(instant):%Y-%m-%dT%H:%M}",
        listed=listed,
        refusal=refusal,
        told=told,
        tone=tone,
        kind=service_name,
        recipient=recipient,
        share=share,
        count=count,
        severity=lambda key: SEVERITIES.get(key, key),
        domain=lambda key: DOMAINS.get(key, key),
        unit=lambda key: UNITS.get(key, key),
    )
    app.jinja_env.globals.update(
        now=request_context.now,
        has_role=request_context.has_role,
        may=request_context.may,
        clock_tones=CLOCK_TONES,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def service_name(kind: str) -> str:
    """What a kind of service is called; one that is unknown stays as it is."""
    return pick(SERVICES[kind].name) if kind in SERVICES else kind


def recipient(to: str, kind: str) -> str:
    """Whom a service of this kind reaches: a telephone number masked, a process by its name."""
    reached = SERVICES[kind].recipient if kind in SERVICES else Recipient.ANY
    if reached is Recipient.PHONE:
        return mask_phone(to)
    return process_name(to) if reached is Recipient.PROCESS else to


def process_name(id: str) -> str:
    """A process's name in the current release; its id when the release has it no more."""
    return request_context.all_process_names().get(id, id)


def parse(instant: str) -> datetime:
    """An ISO instant in Shanghai."""
    return _parsed(instant)


@lru_cache(maxsize=16_384)
def _parsed(instant: str) -> datetime:
    """A list shows the same instants in several columns, and again at its next look."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI)


def is_instant(text: str | None) -> TypeGuard[str]:
    """Whether ``text`` is an instant at all: in a row that somebody wrote into it may be anything."""
    try:
        return (
            bool(text) and datetime.fromisoformat(text or "").tzinfo is not None and bool(parse(text or ""))
        )
    except (ValueError, OverflowError):
        return False


def local(instant: str | None) -> str:
    """``03-02 16:00``; with the year when it is another one than now, or on a page to be filed."""
    if not instant:
        return ""
    if not is_instant(instant):
        return instant
    at, here = parse(instant), parse(request_context.now())
    bare = at.year == here.year and not g.get("dated")
    return at.strftime("%m-%d %H:%M" if bare else "%Y-%m-%d %H:%M")


def date_fully() -> None:
    """This page is read years from now: every instant on it has its year."""
    g.dated = True


def moment(instant: str | None) -> Markup:
    """An instant as a ``<time>`` whose title gives it in full."""
    if not is_instant(instant):
        return escape(instant or "")
    fully = parse(instant).strftime("%Y-%m-%d %H:%M:%S")
    given = escape(instant)  # whatever stands between date and time
    return Markup(f'<time class="num" datetime="{given}" title="{fully}">{local(instant)}</time>')  # noqa: S704


def span(seconds: float) -> str:
    """A length of time in at most two units: ``3天 4小时``, ``1小时25分``, ``12分``."""
    minutes = int(abs(seconds)) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return gettext("%(days)sd %(hours)sh", days=days, hours=hours)
    if hours:
        return gettext("%(hours)sh %(minutes)sm", hours=hours, minutes=f"{rest:02}")
    return gettext("%(minutes)sm", minutes=rest)


def left(due: str | None) -> str:
    """Time left until ``due``, or by how much it has passed."""
    if not is_instant(due):
        return due or ""
    seconds = (parse(due) - parse(request_context.now())) / timedelta(seconds=1)
    if seconds < 0:
        return gettext("%(span)s over", span=span(seconds))
    return gettext("%(span)s left", span=span(seconds))


def tone(due: str | None, warn: str | None = None) -> str:
    """``bad`` when past due, ``warn`` when past the warning instant (or two hours before), else ``ok``."""
    if not is_instant(due):
        return "muted"
    here = request_context.now()
    if due <= here:
        return "bad"
    warning = (
        datetime.fromisoformat(warn) if is_instant(warn) else datetime.fromisoformat(due) - timedelta(hours=2)
    )
    return "warn" if warning <= datetime.fromisoformat(here) else "ok"


def share(started: str | None, due: str | None) -> int:
    """How much of the time from ``started`` to ``due`` has passed, in per cent (0–100)."""
    if not is_instant(started) or not is_instant(due) or due <= started:
        return 0
    begin, end, here = (datetime.fromisoformat(i) for i in (started, due, request_context.now()))
    return round(100 * min(1.0, max(0.0, (here - begin) / (end - begin))))


def state(word: str | None) -> str:
    """A state in the language of the page."""
    return str(STATES.get(word or "", word or ""))


def role(key: str | None) -> str:
    """The name of a role, or of one in a department (``specialist@om``), in the language of the page."""
    if key and "@" in key:
        one, _, department = key.partition("@")
        return queue(one, department)
    names = request_context.in_force().roles.names.get(key or "", {})
    return pick(names) if names else str(key or "")


def refusal(error: GongdanError) -> str:
    """What an error of the engine says, in the language of the page."""
    return _in_words(error.template, error.values) if error.template else ""


def told(one: Told) -> str:
    """What is said of the health of the house, in the language of the page."""
    return _in_words(one.template, one.values)


def _in_words(template: str, values: Mapping[str, object]) -> str:
    text = gettext(template)
    return text.format(**{name: _told(name, v) for name, v in values.items()}) if values else text


def _told(name: str, value: object) -> str:
    """A value of an error as people know it: persons by name, instants local, duties in words."""
    text = str(value)
    if name == "person":
        return who(text)
    if name in ("at", "wait", "due", "last"):
        return local(text)
    if name == "duty":
        return queue(*text.split())
    return text


def queue(*words: str | None) -> str:
    """The queue of a role with its department and skill, in the language of the page."""
    return " ".join(str(UNITS[word]) if word in UNITS else role(word) for word in words if word)


def incident(one: Incident) -> str:
    """What went wrong with a case, in the language of the page."""
    if one.kind == "Stuck":
        return gettext(
            "Nothing can happen any more: no task is open, no timer runs. The case stands at: %(places)s",
            places=one.message,
        )
    return gettext("A step failed: %(message)s", message=one.message)


def lane(name: str | None) -> str:
    """A lane's name in the language of the page, as drawn where the roles give no other."""
    names = request_context.in_force().roles.lane_names.get(name or "")
    return pick(names) if names else name or ""


def limits_named(text: str) -> str:
    """What a diagram says of itself, with limits by their names in the language of the page, not by their keys."""
    known = request_context.in_force().parameters
    return _KEY.sub(lambda key: pick(known[key[0]].name) if key[0] in known else key[0], text)


def who(name: str | None) -> str:
    """A person's display name; time itself and the outbox have names too."""
    if name and name.startswith(BEHALF):  # the software notes what this person did
        return request_context.display_name(name.removeprefix(BEHALF))
    if name and name.startswith(OPERATOR + "/"):  # on the command line, as a user of the operating system
        return f"{gettext('Operator')} ({name.partition('/')[2]})"
    if name and name.startswith("system:"):
        return {
            "system:clock": gettext("Clock"),
            "system:outbox": gettext("Outbox"),
            "system:schedule": gettext("Schedule"),
            "system:link": gettext("Another case"),
            OPERATOR: gettext("Operator"),
            "system:upgrade": gettext("Upgrade"),
        }.get(name, gettext("System"))
    return request_context.display_name(name)


def count(number: int) -> str:
    """A count for a badge; it stops at what the query counts."""
    return f"{MOST}+" if number > MOST else str(number)
