"""Compliance with every limit, by team and person; and what is running now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.db.database import Database

from .model import Asked, Cell, Report, Table, Term, count, share, word
from .read import Clock, chosen, live_clocks

_ENDED = ("met", "missed", "stopped")
_LIVE = ("running", "paused", "breached")


def build(db: Database, asked: Asked) -> Report:
    """Limits of cases closed in the period as they ended; beside them those of open cases as they stand now."""
    found, branches = chosen(db, asked, own=True)
    ended = [clock for case in found for clock in case.clocks if clock.state in _ENDED]
    live = [] if asked.branch else live_clocks(db)
    now: list[tuple[Cell, ...]] = [
        (Term("parameter", name), *(count(c.case_id for c in live if (c.parameter, c.state) == (name, state))
                                    for state in _LIVE))
        for name in sorted({clock.parameter for clock in live})
    ]  # fmt: skip
    states = tuple(Term("state", state) for state in _ENDED)
    teams = tuple(_rows(ended, lambda clock: _team(clock.team)))
    people = tuple(_rows([c for c in ended if c.person], lambda clock: Term("person", clock.person or "")))
    return Report(
        "sla",
        asked.period,
        tuple(case.id for case in found),
        (
            Table(
                "by_parameter",
                (word("limit"), *states, word("met_share")),
                tuple(_rows(ended, lambda clock: Term("parameter", clock.parameter))),
                chart=_ENDED,
            ),
            Table("by_team", (word("team"), *states, word("met_share")), teams, chart=_ENDED),
            Table("by_person", (word("person"), *states, word("met_share")), people),
            Table("now", (word("limit"), *(Term("state", state) for state in _LIVE)), tuple(now)),
        ),
        branches,
        asked.branch,
    )


def _team(team: str) -> Term:
    return Term("team", team) if team else word("whole_case")


def _rows(clocks: list[Clock], term: Callable[[Clock], Term]) -> Iterable[tuple[Cell, ...]]:
    groups: dict[Term, list[Clock]] = {}
    for clock in clocks:
        groups.setdefault(term(clock), []).append(clock)
    for key, mine in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        ended = {state: [clock.case_id for clock in mine if became(clock) == state] for state in _ENDED}
        decided = ended["met"] + ended["missed"]
        yield (key, *(count(ended[state]) for state in _ENDED), share(ended["met"], decided))


def became(clock: Clock) -> str:
    """What became of an ended limit: one that had passed before it fell away was missed all the same."""
    return "missed" if clock.breached_at else clock.state
