"""Many accounts at once from a CSV file: added and changed, all or none, with a report line by line.

The first line names the columns; ``name`` is needed, and of new accounts ``display`` and ``roles``. A column that is
not there is left as it is; an empty cell takes away what there was. In a cell, several are separated by semicolons, and
a skill may say its level: ``yue:4;cmn``. Excel's files in the encodings of Chinese systems are read as well.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.spreadsheets import spoilt, text_of
from engine.base.texts import check as check_text
from engine.base.texts import seen
from engine.people.person import ORDINARY, Person
from engine.people.person import check as check_person
from engine.people.security_events import By

from . import accounts
from .accounts import Handed

MOST_BYTES, MOST_LINES = 1_000_000, 2_000
#: name of a column → what it gives (the words of ``run.py user list --json``)
COLUMNS = (
    "name",
    "display",
    "roles",
    "skills",
    "departments",
    "teams",
    "mail",
    "external_id",
    "active",
)
_YES = frozenset({"yes", "1", "true", "on", "是"})
_NO = frozenset({"no", "0", "false", "off", "否"})
ADDED, CHANGED, SAME, REFUSED = "added", "changed", "same", "refused"


@dataclass(slots=True)
class Line:
    """What a line of the file (the header is 1) does to an account, or why nothing."""

    number: int
    name: str
    done: str
    changed: tuple[str, ...] = ()  #: columns
    refusal: Rejected | None = None
    one_time: str | None = None  #: the password of a new account, told nowhere else


@dataclass(slots=True)
class Report:
    """What a file does, or would do. ``written``: it was done; else nothing was."""

    lines: list[Line] = field(default_factory=list)
    written: bool = False
    handed: Handed = field(default_factory=lambda: Handed([], {}))

    @property
    def refused(self) -> list[Line]:
        """The lines for which nothing of the file is done."""
        return [line for line in self.lines if line.done == REFUSED]


@dataclass(frozen=True, slots=True)
class _Wish:
    """One line as it is meant: the account before (None: there is none) and after."""

    line: Line
    before: Person | None
    after: Person


def run(gongdan: Gongdan, content: bytes, by: By, *, dry: bool) -> Report:
    """Add and change the accounts of a file, unless ``dry``, which only says what would be done.

    A line that is refused keeps all others out. Raises :class:`Rejected` for what is no such file, and when nobody
    would be an administrator any more; nothing is written then.
    """
    known = {person.name: person for person in gongdan.people.all()}
    report, wishes = Report(), []
    for number, cells in _rows(content):
        line = Line(number, cells["name"], SAME)
        report.lines.append(line)
        try:
            wish = _wish(gongdan, line, cells, known)
        except Rejected as error:
            line.done, line.refusal = REFUSED, error
            continue
        wishes.append(wish)
    _apart(wishes, known)
    if report.refused:
        return report
    todo = [wish for wish in wishes if wish.line.done != SAME]
    if dry:
        accounts.check_administrator_left(known, {**known, **{wish.after.name: wish.after for wish in todo}})
        return report
    with accounts.keeping_an_administrator(gongdan) as connection:
        for wish in todo:
            after = wish.after
            if wish.before is None:
                wish.line.one_time = accounts.insert(gongdan, connection, after, by)
            else:
                accounts.give(gongdan, connection, after, by)
                if wish.before.active != after.active:
                    accounts.switch(gongdan, connection, after.name, by, on=after.active)
    report.written = True
    for wish in todo:
        handed = accounts.hand_back(gongdan, wish.after)
        report.handed.back.extend(handed.back)
        report.handed.left.update(handed.left)
    return report


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of the file behind its header: number and cells by column; empty lines are left out."""
    if len(content) > MOST_BYTES:
        raise Rejected("Expected a file of at most {most} bytes: cut it into several", most=MOST_BYTES)
    text = _decoded(content)
    check_text(text)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if "name" not in header or len(set(header)) < len(header) or not set(header) <= set(COLUMNS):
            raise Rejected(
                "Expected a first line that names the columns, each once, name among them: {columns}",
                columns=", ".join(COLUMNS),
            )
        for count, cells in enumerate((cells for cells in rows if any(map(str.strip, cells))), 1):
            if count > MOST_LINES:
                raise Rejected("Expected at most {most} lines: cut the file into several", most=MOST_LINES)
            if len(cells) != len(header):
                raise Rejected(
                    "Expected {wanted} cells in line {line}, but it has {found}: a cell with a comma stands in quotes",
                    wanted=len(header),
                    line=rows.line_num,
                    found=len(cells),
                )
            yield rows.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error:
        raise Rejected(
            "Expected line {line} to be one of a CSV file: a quote in it is not closed, or stands where none belongs",
            line=rows.line_num,
        ) from None


def _decoded(content: bytes) -> str:
    text = text_of(content)
    if text is None:
        raise Rejected("Expected a file in UTF-8 or GB 18030: save it as CSV UTF-8")
    return seen(text)


def _wish(gongdan: Gongdan, line: Line, cells: dict[str, str], known: dict[str, Person]) -> _Wish:
    before = known.get(line.name)
    after = replace(before or Person(line.name, "", frozenset()), **_given(cells))
    check_person(after)
    accounts.check(gongdan, after)
    if before is None:
        line.done = ADDED
        if not after.active:
            raise Rejected("Expected a new account to be switched on, but {person} is not", person=line.name)
    else:
        changed = list(accounts.differences(before, after))
        changed += ["active"] if before.active != after.active else []
        line.done, line.changed = CHANGED if changed else SAME, tuple(changed)
    return _Wish(line, before, after)


def _given(cells: dict[str, str]) -> dict[str, Any]:
    """The cells as fields of a person."""
    found: dict[str, Any] = {}
    if "display" in cells:
        found["display_name"] = cells["display"]
    for column in ("roles", "departments", "teams"):
        if column in cells:
            found[column] = frozenset(_several(cells[column]))
    if "skills" in cells:
        levels = dict(skill_and_level(word) for word in _several(cells["skills"]))
        found["skills"] = frozenset(levels)
        found["levels"] = {skill: level for skill, level in levels.items() if level != ORDINARY}
    for column in ("mail", "external_id"):
        if column in cells:
            if column == "external_id" and spoilt(cells[column]):
                raise Rejected(
                    "Expected an id elsewhere as it is, but a spreadsheet made {word!r} of it: format the column as "
                    "text and export again",
                    word=cells[column][:80],
                )
            found[column] = cells[column] or None
    if "active" in cells:
        word = cells["active"].casefold()
        if word not in _YES | _NO:
            raise Rejected("Expected yes or no under active, but it is {word!r}", word=word[:80])
        found["active"] = word in _YES
    return found


def _several(cell: str) -> list[str]:
    return [word.strip() for word in cell.replace("；", ";").split(";") if word.strip()]


def skill_and_level(word: str) -> tuple[str, int]:
    """A skill as it is written, with or without its level: ``yue:4``. Raises :class:`Rejected`."""
    skill, colon, level = word.partition(":")
    if not colon:
        return skill, ORDINARY
    if not (level.isascii() and level.isdigit()):
        raise Rejected("Expected a skill and its level as in yue:4, but it is {word!r}", word=word[:80])
    return skill, int(level)


def _apart(wishes: list[_Wish], known: dict[str, Person]) -> None:
    """Refuse lines that are about the same account as another one, or give two accounts one id elsewhere."""
    names: dict[str, int] = {}
    for wish in wishes:
        first = names.setdefault(wish.line.name, wish.line.number)
        if first != wish.line.number:
            wish.line.done = REFUSED
            wish.line.refusal = Rejected(
                "Expected one line for each account, but line {line} is about the same one", line=first
            )
    ids = {person.external_id: person.name for person in known.values() if person.external_id}
    for wish in wishes:
        id = wish.after.external_id
        if id is not None and ids.setdefault(id, wish.line.name) != wish.line.name:
            wish.line.done = REFUSED
            wish.line.refusal = Rejected(
                "Expected an id elsewhere that no other account has, but {id} is that of {name}",
                id=id,
                name=ids[id],
            )
