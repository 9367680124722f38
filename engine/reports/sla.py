"""Compliance with every limit, by team and person; and what is running now."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.storage.database import Database

from .model import Asked, Cell, Report, Table, Term, count, share, word
from .read import Clock, chosen, live_clocks, open_cases

_ENDED = ("met", "missed", "stopped")
_OPEN_LATE = "passed_open"  #: passed, and the case is still open
_COUNTED = (*_ENDED, _OPEN_LATE)
_LIVE = ("running", "paused", "breached")


def build(db: Database, asked: Asked) -> Report:
    """Limits of cases closed in the period as they ended, and those that had passed in cases open at its end.

    Beside them those of open cases as they stand now.
    """
    found, branches = chosen(db, asked, own=True)
    late = [
        clock
        for case in open_cases(db, asked, own=True)
        for clock in case.clocks
        if clock.state == "breached"
    ]
    ended = [clock for case in found for clock in case.clocks if clock.state in _ENDED] + late
    live = [] if asked.branch else live_clocks(db)
    now: list[tuple[Cell, ...]] = [
        (Term("parameter", name), *(count(c.case_id for c in live if (c.parameter, c.state) == (name, state))
                                    for state in _LIVE))
        for name in sorted({clock.parameter for clock in live})
    ]  # fmt: skip
    states = (*(Term("state", state) for state in _ENDED), word(_OPEN_LATE))
    teams = tuple(_rows(ended, lambda clock: _team(clock.team)))
    people = tuple(_rows([c for c in ended if c.person], lambda clock: Term("person", clock.person or "")))
    return Report(
        "sla",
        asked.period,
        tuple(dict.fromkeys([*(case.id for case in found), *(clock.case_id for clock in late)])),
        (
            Table(
                "by_parameter",
                (word("limit"), *states, word("met_share")),
                tuple(_rows(ended, lambda clock: Term("parameter", clock.parameter))),
                chart=_COUNTED,
            ),
            Table("by_team", (word("team"), *states, word("met_share")), teams, chart=_COUNTED),
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
        of = {state: [clock.case_id for clock in mine if became(clock) == state] for state in _COUNTED}
        decided = of["met"] + of["missed"] + of[_OPEN_LATE]
        yield (key, *(count(of[state]) for state in _COUNTED), share(of["met"], decided))


def became(clock: Clock) -> str:
    """What became of a limit: one that had passed before it fell away was missed all the same."""
    if clock.state == "breached":
        return _OPEN_LATE
    return "missed" if clock.breached_at else clock.state
