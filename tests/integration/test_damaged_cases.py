"""Pages on a case whose rows somebody wrote into: the verdict first, then what can be read, and never an error."""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from engine.app import Gongdan, open_gongdan
from engine.base.facts import plain
from engine.base.settings import Settings
from engine.case.commands import MoveClock, PauseClocks, ResumeClocks
from engine.people.directory import DEMO_PASSWORD
from engine.queries import sound
from engine.storage.tables import metadata
from tests.casework import Desk, opened
from tests.clock import Clock
from web import create_app

SEED, ROUNDS, FULL_ROUNDS = 20260309, 20, 200
#: pages on one case; ``{n}`` is its open task
CASE_PAGES = (
    "/cases/{case}", "/cases/{case}.json", "/cases/{case}/state", "/audit/{case}", "/audit/{case}?step=1",
    "/cases/{case}/dossier", "/cases/{case}/dossier.json", "/tasks/{case}/{n}", "/tasks/{case}/{n}/side",
    "/cases/{case}/diagram/work.bpmn",
)  # fmt: skip
#: rooms where the case is one of many
LISTS = (
    "/", "/?tab=all", "/?tab=queues", "/inbox.csv?tab=all", "/cases/", "/cases/?state=open", "/audit/", "/board/",
    "/outbox/", "/notices/", "/admin/incidents?all=1", "/reports/sla?period=2026-03", "/notices/bell",
    "/reports/closed_list.csv?period=2026-03",
)  # fmt: skip
#: what somebody may write into any column
VALUES: tuple[object, ...] = (
    None, "", "garbage", "2026-13-99T99:99:99+00:00", "9999-12-31T23:59:59+00:00", "2026-03-02",
    "-1", "{}", "[]", "null",
    '{"~":"AAAA"}', b"", b"\xff\x00\xfe", b"{}", b"[]", b"null", b'{"type":"complete","task":[]}', b'{"opened":5}',
    b'{"data":[[1,2,3]],"clocks":[["x"]],"moves":[1],"requests":[{}],"clock_changes":[["1","moved",7]]}',
    0, -1, 2**40, 1.5,
)  # fmt: skip
#: tables with the rows of a case, and how to find them
TABLES = {
    table.name: "id" if table.name == "cases" else "case_id"
    for table in metadata.sorted_tables
    if table.name == "cases" or ("case_id" in table.c and table.name != "view_log")
}


@pytest.fixture
def stock(tmp_path: Path, clock: Clock) -> tuple[Path, str, int]:
    """A database with an open case that something of everything happened to; its number and open task."""
    with opened(tmp_path, clock) as desk:
        with desk.g.db.begin() as connection:
            connection.exec_driver_sql("DELETE FROM person")
        desk.g.people.ensure_demo()
        case = desk.start(complained_staff="om1")
        desk.claim(case)
        desk.complete(case, result="busy", note="没接", said="别再打了")
        desk.send()
        desk.g.dispatch(PauseClocks(case_id=case, reason="等资料", actor="supervisor1", at=desk.at))
        desk.clock.advance(hours=1)
        desk.g.dispatch(ResumeClocks(case_id=case, actor="supervisor1", at=desk.at))
        due = "2026-04-20T00:00:00+00:00"
        desk.g.dispatch(
            MoveClock(
                case_id=case, clock="c:REG_TEL_REPLY", due=due, reason="同意", actor="admin1", at=desk.at
            )
        )
        desk.clock.advance(hours=3)
        desk.wake()
        number = desk.open(case)["call"]
        with desk.g.db.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO incident (id, case_id, kind, message, command, opened_at, attempts) "
                "VALUES (?, ?, ?, ?, ?, ?, 1)",
                (f"i-{case}", case, "TechnicalFailure", "x", "{}", desk.at),
            )
        assert desk.g.verify(case).state == "identical"
    return tmp_path / "gongdan.db", case, number


@contextmanager
def tampered(
    stock: tuple[Path, str, int], clock: Clock, change: Callable[[sqlite3.Connection], object]
) -> Iterator[Gongdan]:
    """Gongdan started on a copy that somebody changed past the software."""
    folder = stock[0].parent / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file in ("gongdan.db", "lookup.key"):
        if (stock[0].parent / file).exists():
            shutil.copy(stock[0].parent / file, folder / file)
    with closing(sqlite3.connect(folder / "gongdan.db", isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        change(raw)
    settings = Settings.from_env({}, var=folder, demo=True, secret_key="s" * 32)
    gongdan = open_gongdan(settings, wall=lambda: clock.instant, synchronous="OFF")
    try:
        yield gongdan
    finally:
        gongdan.close()


def browser(gongdan: Gongdan, name: str) -> FlaskClient:
    app = create_app(gongdan, gongdan.settings)
    app.config.update(WTF_CSRF_ENABLED=False)
    client = app.test_client()
    client.set_cookie("locale", "en")
    assert client.post("/sign-in", data={"name": name, "password": DEMO_PASSWORD}).status_code == 303
    return client


def read(gongdan: Gongdan, case: str, number: int, reader: str = "admin1") -> dict[str, tuple[int, str]]:
    """All pages, as (status, text); an unhandled error is raised."""
    client = browser(gongdan, reader)
    paths = [path.format(case=case, n=number) for path in CASE_PAGES] + list(LISTS)
    found = {}
    for path in paths:
        with client.get(path) as answer:  # what is streamed is read before the next one
            found[path] = answer.status_code, answer.get_data(as_text=True)
    return found


def verdicts(pages: dict[str, tuple[int, str]], case: str) -> dict[str, bool]:
    """Of each page of evidence, whether it says first that something is wrong."""
    said = {}
    for path in (f"/cases/{case}", f"/audit/{case}", f"/cases/{case}/dossier"):
        text = pages[path][1]
        said[path] = "data-damaged" in text and text.index("data-damaged") < text.index("<h1")
    for path in (f"/cases/{case}.json", f"/cases/{case}/dossier.json"):
        made = json.loads(pages[path][1])
        said[path] = next(iter(made)) == "verdict" and made["verdict"]["state"] == "damaged"
    return said


def flip_sealed(raw: sqlite3.Connection, case: str) -> None:
    seq, command = raw.execute(
        "SELECT seq, command FROM history WHERE case_id = ? AND instr(command, '\"~\"') ORDER BY seq", (case,)
    ).fetchone()
    at = command.index(b'"~":"') + 9
    changed = command[:at] + (b"A" if command[at : at + 1] != b"A" else b"B") + command[at + 1 :]
    raw.execute("UPDATE history SET command = ? WHERE case_id = ? AND seq = ?", (changed, case, seq))


def sql(*statements: str) -> Callable[[sqlite3.Connection, str], None]:
    def change(raw: sqlite3.Connection, case: str) -> None:
        for statement in statements:
            raw.execute(statement, (case,) if "?" in statement else ())

    return change


TAMPERED: dict[str, Callable[[sqlite3.Connection, str], None]] = {
    "a sealed byte flipped": flip_sealed,
    "a command that is no JSON": sql("UPDATE history SET command = '{broken' WHERE case_id = ? AND seq = 2"),
    "a command that is a list": sql("UPDATE history SET command = '[1]' WHERE case_id = ? AND seq = 1"),
    "effects that are a list": sql("UPDATE history SET effects = '[]' WHERE case_id = ? AND seq = 3"),
    "a row gone": sql("DELETE FROM history WHERE case_id = ? AND seq = 3"),
    "the first row gone": sql("DELETE FROM history WHERE case_id = ? AND seq = 1"),
    "the history gone": sql("DELETE FROM history WHERE case_id = ?"),
    "the case row gone": sql("DELETE FROM cases WHERE id = ?"),
    "the release gone": sql("DELETE FROM release_file", "DELETE FROM release"),
    "a file of the release gone": sql("DELETE FROM release_file WHERE path = 'bpmn/tests/work.bpmn'"),
    "a file of the release spoiled": sql("UPDATE blob SET body = 'x'"),
    "a key that is none": sql("UPDATE subject_key SET key = 'short' WHERE case_id = ?"),
    "another process": sql("UPDATE cases SET process = 'nowhere' WHERE id = ?"),
    "another head": sql("UPDATE cases SET head = x'00' WHERE id = ?"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_each_page_says_first_what_is_wrong(stock: tuple[Path, str, int], clock: Clock, what: str) -> None:
    _, case, number = stock
    with tampered(stock, clock, lambda raw: TAMPERED[what](raw, case)) as gongdan:
        pages = read(gongdan, case, number)
        assert {path: status for path, (status, _) in pages.items() if status >= 500} == {}
        assert verdicts(pages, case) == dict.fromkeys(verdicts(pages, case), True)
        client = browser(gongdan, "auditor1")
        told = client.post(f"/audit/{case}/verify", follow_redirects=True)
        assert told.status_code == 200
        assert "data-damaged" in told.text
        for act in ("claim", "complete", "release"):
            assert client.post(f"/tasks/{case}/{number}/{act}").status_code < 500
        assert client.post(f"/cases/{case}/pause", data={"reason": "x"}).status_code < 500


def test_a_key_that_is_gone_is_told_as_erased_and_breaks_nothing(
    stock: tuple[Path, str, int], clock: Clock
) -> None:
    _, case, number = stock
    for change in (
        "DELETE FROM subject_key WHERE case_id = ?",
        "UPDATE subject_key SET key = NULL WHERE case_id = ?",
    ):
        with tampered(stock, clock, lambda raw, change=change: raw.execute(change, (case,))) as gongdan:  # type: ignore[misc]
            pages = read(gongdan, case, number)
            assert {path: status for path, (status, _) in pages.items() if status >= 500} == {}
            assert "▒▒▒" in pages[f"/cases/{case}"][1]


def test_what_can_be_read_of_a_damaged_case_is_still_there(
    stock: tuple[Path, str, int], clock: Clock
) -> None:
    _, case, number = stock
    broken = TAMPERED["a command that is no JSON"]
    with tampered(stock, clock, lambda raw: broken(raw, case)) as gongdan:
        pages = read(gongdan, case, number)
        for path in (f"/cases/{case}", f"/audit/{case}", f"/cases/{case}/dossier"):
            text = re.sub(r"<[^>]+>", "", pages[path][1])
            assert "Step 2:" in text, path
            assert "Moved the limit" in text, path
    with tampered(
        stock, clock, lambda raw: raw.execute("DELETE FROM cases WHERE id = ?", (case,))
    ) as gongdan:
        assert "等资料" in read(gongdan, case, number)[f"/cases/{case}"][1], (
            "a case without a row is read from history"
        )


def write(raw: sqlite3.Connection, *, case: str, table: str, column: str, value: object) -> None:
    """Put ``value`` into a column of all rows of the case; a text where the column takes no null."""
    statement = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {TABLES[table]} = ?"
    try:
        raw.execute(statement, (value, case))
    except sqlite3.IntegrityError:
        with suppress(sqlite3.IntegrityError):  # a number that the database itself gives takes no text
            raw.execute(statement, ("x", case))


@pytest.mark.parametrize("chunk", range(4))
def test_whatever_is_written_into_the_rows_of_a_case_no_page_breaks(
    stock: tuple[Path, str, int], clock: Clock, chunk: int, full: bool
) -> None:
    _, case, number = stock
    dice = random.Random(SEED + chunk)
    for _ in range((FULL_ROUNDS if full else ROUNDS) // 4):
        table = dice.choice([*TABLES, "history", "history", "cases"])
        column, value = dice.choice(list(metadata.tables[table].c)).name, dice.choice(VALUES)
        change = partial(write, case=case, table=table, column=column, value=value)
        with tampered(stock, clock, change) as gongdan:
            try:
                pages = read(gongdan, case, number)
            except Exception as error:
                raise AssertionError(f"{table}.{column} = {value!r} ({chunk})") from error
            wrong = {path: status for path, (status, _) in pages.items() if status >= 500}
            assert wrong == {}, (table, column, value)
            told = table == "history" and column not in ("recorded_at", "case_id")
            if told and gongdan.verify(case).state == "diverged":
                assert all(verdicts(pages, case).values()), (table, column, value)


def test_nothing_that_the_engine_writes_is_taken_for_damage(desk: Desk) -> None:
    case = desk.start()
    desk.complete(case, result="busy")
    desk.g.dispatch(PauseClocks(case_id=case, reason="等", actor="supervisor1", at=desk.at))
    desk.g.dispatch(ResumeClocks(case_id=case, actor="supervisor1", at=desk.at))
    desk.clock.advance(days=20)
    desk.wake()
    desk.send()
    opened = desk.g.releases.current().seal(desk.g.keys.get(case)).open_all
    for _, _, command, effects in desk.history(case):
        assert plain(sound.effects(opened(effects))) == opened(effects)
        assert sound.command(opened(command)) == opened(command)
