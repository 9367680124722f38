"""What cannot be undone is asked first: by the page's script, or by a page of its own where no script has run yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

P = ParamSpec("P")
_SURE = "sure"  #: the field of a form whose question was answered with yes


def what_is_typed() -> str:
    """The question before a task's draft goes."""
    return gettext("Throw away what you typed here? It cannot be brought back.")


def draft_of(path: str) -> str:
    """The question before a draft of the file ``path`` goes."""
    return gettext("Throw your draft of %(path)s away? It cannot be brought back.", path=path)


def asks(
    question: Callable[[], str], back: Callable[P, str], yes: object = lazy_gettext("Throw away")
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Let a view act only on a form that answers ``question``; ``back`` is the address for who thinks better of it.

    ``yes``: what the button says.
    """

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def asking(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if request.form.get(_SURE) == "yes":
                return view(*args, **kwargs)
            pairs = [pair for pair in request.form.items(multi=True) if pair[0] not in (_SURE, "csrf_token")]
            return render_template(
                "sure.html", question=question(), pairs=pairs, back=back(*args, **kwargs), yes=yes, sure=_SURE
            )

        return asking

    return decorate


def install(app: Flask) -> None:
    """Templates ask in the same words as the page."""
    app.jinja_env.globals.update(ask_what_is_typed=what_is_typed, ask_draft_of=draft_of)
