"""Cases linked with one: the one that opened it, those it opened, and those about the same matter."""

from __future__ import annotations

from dataclasses import dataclass

from engine.queries import cases, scope, work
from engine.queries.cases import Case

from . import request_context


@dataclass(frozen=True, slots=True)
class Linked:
    """The cases linked with one, as far as the reader may know of them; ``waiting`` are not open yet, or failed."""

    parent: Case | None
    children: list[Case]
    duplicates: list[Case]
    waiting: list[work.Message]

    def __bool__(self) -> bool:
        return bool(self.parent or self.children or self.duplicates or self.waiting)


def of_case(case: Case) -> Linked:
    """What a page on ``case`` shows of its links."""
    db = request_context.gongdan().db
    parent = cases.case(db, case.parent) if case.parent else None
    children = cases.children(db, case.id)
    duplicates = cases.duplicates(db, case.id)
    numbers = [one.id for one in (*children, *duplicates, *([parent] if parent else []))]
    hidden = scope.hidden_from(db, request_context.person(), numbers, request_context.in_force())
    return Linked(
        parent if parent is not None and parent.id not in hidden else None,
        [child for child in children if child.id not in hidden],
        [one for one in duplicates if one.id not in hidden],
        [one for one in work.openings(db, case.id) if one.state != "sent"],
    )
