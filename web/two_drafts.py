"""Two texts of one person for one task: neither goes before they chose."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from engine.base.errors import Conflict
from engine.queries import cases, drafts, work

from . import case_data_view, request_context, unsent

BASE = "_base"  #: the field that names the draft which the page with the form knew of; empty for none


@dataclass(frozen=True)
class Two:
    """What was sent just now, and a draft that its page never saw."""

    sent: drafts.Pairs
    there: drafts.FormDraft
    sent_lines: list[case_data_view.Line]
    there_lines: list[case_data_view.Line]


def base(otherwise: str) -> str:
    """The draft that a page drawn anew from a form goes on from: the one which the form knew of."""
    return request.form.get(BASE, otherwise)


def keep(case: cases.Case, task: work.Task, form: MultiDict[str, str]) -> Two | None:
    """Keep what ``form`` holds as the person's draft of the task; without anything the draft stays as it is.

    Both texts, and nothing is kept, when that would overwrite a draft that its page did not know of. Raises Rejected
    for what cannot be kept.
    """
    sent = unsent.answers(form)
    there = drafts.form(request_context.gongdan().db, case.id, task.task, request_context.person().name)
    if not sent:
        return None
    if there is None or there.version == form.get(BASE) or _typed(there.pairs) == _typed(sent):
        try:
            save(task, sent, there.version if there else "")
        except Conflict:  # another window was faster by a moment: now its draft is there to be seen
            return keep(case, task, form)
        return None
    return Two(sent, there, lines(case, task, sent), lines(case, task, there.pairs))


def save(task: work.Task, pairs: drafts.Pairs, seen: str | None) -> None:
    """Keep ``pairs`` as the person's draft of the task; without any the draft stays as it is.

    ``seen``: the version of the draft that the window knows, "" for none, None for whatever is there. Raises
    Conflict where another is there by now.
    """
    if pairs:
        drafts.save_form(
            request_context.gongdan().db,
            task.case_id,
            task.task,
            request_context.person().name,
            pairs,
            request_context.now(),
            seen,
        )


def _typed(pairs: drafts.Pairs) -> drafts.Pairs:
    return [(name, text) for name, text in pairs if name[:1] != "_"]


def lines(case: cases.Case, task: work.Task, pairs: drafts.Pairs) -> list[case_data_view.Line]:
    """What a person typed into a task's form, to be read; as it was sent where the form is not to be had."""
    release = request_context.release_of(case)
    form = release.forms.get(task.form or "")
    if form is None:
        return [(gettext("What you typed"), text) for _, text in _typed(pairs) if text]
    values, _ = form.parse(MultiDict(pairs).getlist)
    return case_data_view.Reading(release, dict.fromkeys(values, task.form)).lines(values)
