"""Two texts of one person for one task: neither goes before they chose."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_babel import gettext
from werkzeug.datastructures import MultiDict

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


def of(case: cases.Case, task: work.Task, form: MultiDict[str, str]) -> Two | None:
    """Both texts, when keeping what ``form`` holds would overwrite a draft that its page did not know of."""
    sent = unsent.answers(form)
    there = drafts.form(request_context.gongdan().db, case.id, task.task, request_context.person().name)
    if not sent or there is None or there.version == form.get(BASE) or _typed(there.pairs) == _typed(sent):
        return None
    return Two(sent, there, lines(case, task, sent), lines(case, task, there.pairs))


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
