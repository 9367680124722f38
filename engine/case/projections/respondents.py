"""Who is complained about, as far as the command says: :mod:`engine.people.respondents` decides by these rows."""

from __future__ import annotations

from collections.abc import Iterator

from engine.case.commands import StartCase
from engine.people import respondents
from engine.people.rules import RESPONDENT
from engine.storage.statements import Statement, Write
from engine.storage.tables import respondent
from engine.storage.upsert import insert

from .change import Change

#: a name may come again, as in a second round of the form
NEW = Statement(lambda sqlite: insert(sqlite, respondent).on_conflict_do_nothing())


def project(change: Change) -> Iterator[Write]:
    """One row for each name; the statement leaves out those that the case has."""
    written = change.news.get(RESPONDENT)
    said = change.command.respondent if isinstance(change.command, StartCase) else None
    names = respondents.named(said, change.instance.seal.open_all(written))
    for who in sorted(respondents.digest(change.lookup_key, name) for name in names):
        yield NEW(case_id=change.case_id, who=who)
