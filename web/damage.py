"""Pages on a case whose records were meddled with: the verdict first, then what can be read, and never an error.

Every page on a case says what a glance at its chain finds; rooms of evidence ask for the whole verdict. What a page
cannot show at all, this shows as it is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import orjson
import structlog
from flask import Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.operations import inspection
from engine.operations.inspection import Fault

from . import request_context

log = structlog.get_logger("gongdan.pages")


def install(app: Flask) -> None:
    """Give templates the verdict, and answer for pages that fail on damaged records."""
    app.jinja_env.globals.update(damage=found, told_fault=told)
    for kind in (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        app.register_error_handler(kind, _failed)


def of_evidence() -> None:
    """This page is evidence: the case is executed anew before it is shown."""
    g.of_evidence = True


def found() -> list[Fault]:
    """What is wrong with the case that the page is about; nothing on pages about none."""
    case_id = request_context.shown_case()
    if case_id is None:
        return []
    if "damage" not in g:
        look = inspection.whole if g.get("of_evidence") else inspection.glance
        g.damage = look(request_context.gongdan(), case_id)
    return cast(list[Fault], g.damage)


def as_json() -> dict[str, Any]:
    """The verdict for files: they say themselves whether they can be trusted."""
    faults = found()
    return {
        "state": "damaged" if faults else "whole",
        "faults": [{"row": f.seq, "reason": f.reason} for f in faults],
    }


def told(fault: Fault) -> str:
    """A fault in words."""
    reason = _in_words(fault.reason)
    return reason if fault.seq is None else gettext("Step %(seq)s: %(reason)s", seq=fault.seq, reason=reason)


def _in_words(reason: str) -> str:
    """A reason as it begins, in the language of the page; what differs in effects is told as it is recorded."""
    for begins, words in _REASONS.items():
        if reason.startswith(begins):
            rest = reason.removeprefix(begins)
            return words() + (rest if begins in _WITH_DETAIL and rest.startswith(": ") else "")
    return reason


#: how reasons begin (engine/proof/verify.py, held.py, engine/operations/inspection.py) → what is said
_REASONS: dict[str, Callable[[], str]] = {
    "history without a case row": lambda: gettext("the case has a history, but no row in the list of cases"),
    "the history is gone": lambda: gettext("the history is gone"),
    "the case is missing": lambda: gettext("nothing is left of its history"),
    "the history is shorter than when its head was signed": lambda: gettext(
        "the history is shorter than when its head was signed"
    ),
    "the history is another one than when its head was signed": lambda: gettext(
        "the history is another one than when its head was signed"
    ),
    "the history ends elsewhere than the case's head says": lambda: gettext(
        "the history ends elsewhere than it should"
    ),
    "broken link to the row before": lambda: gettext("it does not follow the step before it"),
    "the hash does not match the row": lambda: gettext("it is not what was recorded"),
    "the command cannot be read": lambda: gettext("it cannot be read"),
    "the columns actor and at differ from the command": lambda: gettext(
        "person or time are not those that were recorded"
    ),
    "the case's row names another process or release than its history": lambda: gettext(
        "the list of cases names another process or release than the history"
    ),
    "the key of the case is none": lambda: gettext("the key that opens its personal data cannot be used"),
    "the key of the case is gone": lambda: gettext(
        "the key that opens its personal data is gone, and nothing says that the case was erased"
    ),
    "it says that the case was erased": lambda: gettext(
        "it says that the case was erased, but its key is there"
    ),
    "it names release": lambda: gettext("it names another release than the one that the case runs on"),
    "row ": lambda: gettext("a step is missing before it"),
    "the column": lambda: gettext("it holds something that was never written there"),
    "release ": lambda: gettext("its release cannot be used"),
    "re-execution failed": lambda: gettext("it cannot be executed any more"),
    "re-execution gives other effects": lambda: gettext("its effects are not those that the engine gives"),
}


#: these go on with what is recorded and what is found, which has no other words
_WITH_DETAIL = ("re-execution gives other effects", "re-execution failed")


def answer(error: Exception) -> ResponseReturnValue | None:
    """The page on the damaged records of the case that a request failed on; None when they are whole."""
    case_id = request_context.shown_case()
    if case_id is None:
        return None
    gongdan = request_context.gongdan()
    faults = inspection.whole(gongdan, case_id) or inspection.derived(gongdan, case_id)
    if not faults:
        return None
    log.error("page on a damaged case", path=request.path, reason=str(error), fault=faults[0].reason)
    g.damage = faults
    status = 200 if request.method in ("GET", "HEAD") else 409
    rows = inspection.recorded(gongdan, case_id)
    if request.path.endswith(".json"):
        body = {"verdict": as_json(), "case": {"id": case_id}, "recorded": [row.as_json() for row in rows]}
        return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), mimetype="application/json")
    template = "damaged_part.html" if request_context.wants_fragment() else "damaged.html"
    return render_template(template, case_id=case_id, rows=rows), status


def _failed(error: Exception) -> ResponseReturnValue:
    page = answer(error)
    if page is None:
        raise error
    return page
