"""Satisfaction after the close (seed 004:535, 541-544)."""

from __future__ import annotations

from engine.storage.database import Database

from .closed_list import branch_term
from .model import Asked, Cell, Report, Table, Term, count, mean, share, word, words
from .read import SCORES, SOLVED, Closed, by_key, chosen

QUESTIONS = ("attitude", "speed", "handling_result", "overall")
MARKS = (1, 2, 3, 4, 5)
_WHO = ("asked", "answered", "response_rate", "overall_mean", "satisfied", "solved_share")


def build(db: Database, asked: Asked) -> Report:
    """Scores, solved, times complained, reasons; response rate; by agent, branch and process."""
    found, branches = chosen(db, asked)
    tried = [case for case in found if revisited(case)]
    groups: dict[str, dict[str, list[Closed]]] = {"person": {}, "branch": {}, "process": {}}
    for case in tried:
        answers = [fact.at for name in (*SCORES, *SOLVED) for fact in case.all(name)]
        person = case.handler(before=max(answers) if answers else None) or ""
        for kind, key in (("person", person), ("branch", case.branch), ("process", case.process)):
            groups[kind].setdefault(key, []).append(case)
    tables = [
        Table("response", words("closed_cases", *_WHO), ((count(c.id for c in found), *_who(tried)),)),
        Table(
            "scores",
            (word("question"), *(Term("text", str(score)) for score in MARKS), *words("mean", "answers")),
            tuple(_scores(tried, name) for name in QUESTIONS),
            chart=tuple(str(score) for score in MARKS),
        ),
        Table("solved", words("solved", "cases"), tuple(_solved(tried)), chart=("cases",)),
        Table(
            "reasons", words("reason", "cases"), tuple(_by(tried, "dissatisfaction_reason")), chart=("cases",)
        ),
        Table(
            "times",
            words("times_complained", "cases"),
            tuple(_by(tried, "times_complained")),
            chart=("cases",),
        ),
    ]
    for kind, mine in groups.items():
        ordered = sorted(mine.items(), key=lambda item: (-len(item[1]), item[0]))
        rows = tuple((_group(kind, key), *_who(some)) for key, some in ordered)
        tables.append(Table(f"by_{kind}", words("handler" if kind == "person" else kind, *_WHO), rows))
    return Report(
        "satisfaction", asked.period, tuple(c.id for c in found), tuple(tables), branches, asked.branch
    )  # fmt: skip


def revisited(case: Closed) -> bool:
    """Whether anybody tried to ask the customer: a revisit limit ran, or an answer was recorded."""
    return case.rated or any(
        "REVISIT" in clock.parameter or "_RV" in clock.parameter for clock in case.clocks
    )


def _group(kind: str, key: str) -> Term:
    if kind == "branch":
        return branch_term(key)
    return Term(kind, key) if key else word("nobody")


def _who(mine: list[Closed]) -> tuple[Cell, ...]:
    rated = [case for case in mine if case.rated]
    told = [case.id for case in rated if case.solved is not None]
    return (
        count(case.id for case in mine),
        count(case.id for case in rated),
        share([case.id for case in rated], [case.id for case in mine]),
        mean([(case.id, case.score) for case in rated if case.score is not None]),
        share([case.id for case in rated if not case.dissatisfied], [case.id for case in rated]),
        share([case.id for case in rated if case.solved], told),
    )


def _scores(tried: list[Closed], name: str) -> tuple[Cell, ...]:
    given = [
        (case.id, value)
        for case in tried
        if isinstance(value := case.score if name == "overall" else case.last(name), int)
    ]
    return (
        Term("name", name),
        *(count(case for case, value in given if value == score) for score in MARKS),
        mean([(case, float(value)) for case, value in given]),
        count(case for case, _ in given),
    )


def _solved(tried: list[Closed]) -> list[tuple[Cell, ...]]:
    values = (("yes", True), ("no", False))
    return [(word(code), count(c.id for c in tried if c.solved is value)) for code, value in values]


def _by(tried: list[Closed], name: str) -> list[tuple[Cell, ...]]:
    groups = by_key((case.last(name), case.id) for case in tried if case.last(name) is not None)
    ordered = (
        sorted(groups.items(), key=lambda item: item[0])
        if name == "times_complained"
        else sorted(groups.items(), key=lambda item: -len(item[1]))
    )
    return [(Term("field", f"{name}/{value}"), count(numbers)) for value, numbers in ordered]
