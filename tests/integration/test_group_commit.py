"""Commands that wait for SQLite's one writer are committed together, and still each has its own answer."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.base import failpoints
from engine.base.errors import Conflict, Rejected, Unavailable
from engine.case.store import ANSWER
from engine.storage import database
from engine.storage.statements import Write
from tests.casework import Desk

Answer = Exception | None


def write_as_one_group(desk: Desk, *jobs: list[Write]) -> list[Answer]:
    """What each of ``jobs`` is answered when all of them waited while the writer was busy."""
    db = desk.g.db

    def ask(job: list[Write]) -> Answer:
        try:
            db.write(job)
        except (Rejected, Unavailable) as error:
            return error
        return None

    with ThreadPoolExecutor(len(jobs)) as pool:
        with db._write_lock:
            asked = []
            for job in jobs:
                asked.append(pool.submit(ask, job))
                while len(db._queue) < len(asked):
                    time.sleep(0.001)
        return [one.result() for one in asked]


def answer(key: str) -> Write:
    """An answer to remember; a second one with its key is a conflict."""
    return ANSWER(key=key, at="2026-03-02T02:00:00+00:00", receipt="{}")


def kept(desk: Desk) -> list[str]:
    """The keys that were written."""
    return [str(key) for key in desk.values("SELECT key FROM answer ORDER BY key")]


def test_a_group_is_one_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(failpoints, "reach", reached.append)
    assert write_as_one_group(desk, [answer("a")], [answer("b")], [answer("c")]) == [None, None, None]
    assert kept(desk) == ["a", "b", "c"]
    assert reached.count("commit.written") == 1


def test_a_conflict_in_a_group_is_the_answer_of_one_and_harms_no_other(desk: Desk) -> None:
    desk.g.db.write([answer("b")])
    first, second, third = write_as_one_group(desk, [answer("a")], [answer("b")], [answer("c")])
    assert (first, third) == (None, None)
    assert isinstance(second, Conflict)
    assert kept(desk) == ["a", "b", "c"]


def test_of_a_conflicting_command_nothing_is_kept(desk: Desk) -> None:
    desk.g.db.write([answer("b")])
    first, second = write_as_one_group(desk, [answer("a")], [answer("x"), answer("b")])
    assert first is None
    assert isinstance(second, Conflict)
    assert kept(desk) == ["a", "b"]


def test_what_a_broken_group_had_committed_is_not_told_as_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conflict breaks the group up; the disk fails after the first of it is committed."""
    desk.g.db.write([answer("b")])
    commits: list[str] = []

    def full(place: str) -> None:
        if place == "commit.written":
            commits.append(place)
            if len(commits) > 1:
                raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(failpoints, "reach", full)
    first, second, third = write_as_one_group(desk, [answer("a")], [answer("b")], [answer("c")])
    assert first is None
    assert isinstance(second, Conflict)
    assert isinstance(third, Unavailable)
    monkeypatch.undo()
    assert kept(desk) == ["a", "b"]


def test_a_command_that_fell_behind_a_group_that_failed_is_not_written_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller was told that nothing was written; then nothing is, also when the next one commits."""
    monkeypatch.setattr(database, "GROUP", 1)
    db = desk.g.db

    def away() -> None:
        raise Unavailable("the folder is gone")

    db._queue.append(database._Job([answer("ahead")]))
    with monkeypatch.context() as broken:
        broken.setattr(db._turns, "take", away)
        with pytest.raises(Unavailable):
            db.write([answer("behind")])
    db.write([answer("next")])
    assert kept(desk) == ["next"]


def test_a_value_that_no_driver_takes_is_the_fault_of_one_and_harms_no_other(desk: Desk) -> None:
    spoilt = ANSWER(**{**answer("b")[1], "at": 2**70})
    done = write_as_one_group(desk, [answer("a")], [spoilt], [answer("c")])
    assert [type(one) for one in done] == [type(None), Rejected, type(None)]
    assert kept(desk) == ["a", "c"]


def test_a_writer_whose_connection_died_gets_a_new_one(desk: Desk) -> None:
    desk.g.db.write([answer("a")])
    connection = desk.g.db._kept
    assert connection is not None
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.close()
    with pytest.raises(Unavailable):
        desk.g.db.write([answer("b")])
    desk.g.db.write([answer("c")])
    assert kept(desk) == ["a", "c"]
