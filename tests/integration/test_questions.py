"""What commands ask of the database: few questions, on connections that still stand, errors told as what they are."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from engine.base.errors import Rejected, Unavailable
from engine.storage.database import Database
from engine.storage.statements import Question
from tests.casework import Desk

ECHO = Question(sa.select(sa.cast(sa.bindparam("said"), sa.Text)))
PID = sa.select(sa.func.pg_backend_pid())
NOWHERE = Question(sa.select(sa.column("x")).select_from(sa.table("nowhere")))


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """An empty database of either kind."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def server(postgres_url: str) -> Iterator[Database]:
    """An empty database on a server."""
    opened = Database(postgres_url)
    yield opened
    opened.close()


def test_a_case_is_loaded_by_one_question(any_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    db, asked, others = any_desk.g.db, list[Any](), list[str]()
    ask_each = db.ask_each

    def counted(question: Question, several: Any) -> Any:
        asked.extend(several)
        return ask_each(question, several)

    monkeypatch.setattr(db, "ask_each", counted)
    event.listen(db.engine, "before_cursor_execute", lambda *about: others.append(about[2]))
    assert any_desk.g.dispatcher.load(case).seq == 2
    assert (asked, others) == ([{"case": case}], [])


def test_several_are_answered_in_the_order_they_were_asked(db: Database) -> None:
    assert db.ask_each(ECHO, [{"said": said} for said in ("工", "单", "工")]) == [
        [("工",)],
        [("单",)],
        [("工",)],
    ]
    assert db.ask_each(ECHO, []) == []


def test_a_fault_among_several_leaves_a_connection_that_goes_on(server: Database) -> None:
    with pytest.raises(Rejected):
        server.ask_each(ECHO, [{"said": "a"}, {"said": "\0"}, {"said": "b"}])
    assert server.ask(ECHO, said="goes on") == [("goes on",)]


def test_what_is_asked_comes_back_and_asks_anew_each_time(db: Database) -> None:
    assert db.ask(ECHO, said="工单") == [("工单",)]
    assert db.ask(ECHO, said="case") == [("case",)]


def test_a_question_without_a_value_is_an_error_and_no_empty_answer(db: Database) -> None:
    with pytest.raises((KeyError, psycopg.ProgrammingError)):
        db.ask(ECHO)


def test_a_server_takes_no_text_that_is_none(server: Database) -> None:
    with pytest.raises(Rejected, match="values that the database can hold"):
        server.ask(ECHO, said="\0")


def test_a_fault_of_ours_is_not_taken_for_one_of_the_database(server: Database) -> None:
    with pytest.raises(psycopg.ProgrammingError, match="nowhere"):
        server.ask(NOWHERE)


def test_a_server_that_is_away_is_unavailable() -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with pytest.raises(Unavailable, match="cannot be read"):
        away.ask(ECHO, said="")
    away.close()


@pytest.mark.parametrize("said", ["answered", "refused\0"])
def test_no_question_leaves_a_connection_without_transactions(said: str, server: Database) -> None:
    pid = server.rows(PID)[0][0]
    with suppress(Rejected):
        server.ask(ECHO, said=said)
    assert server.rows(PID)[0][0] == pid, "nor ends it"
    borrowed = server.engine.raw_connection()
    assert borrowed.driver_connection is not None
    assert borrowed.driver_connection.autocommit is False
    borrowed.close()


def test_a_connection_that_the_server_ended_in_the_pool_is_replaced(server: Database) -> None:
    ended = server.rows(PID)[0][0]
    assert server.rows(PID)[0][0] == ended, "it is kept for the next"
    with psycopg.connect(str(server.url).replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [ended])
        while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [ended]).fetchall():
            time.sleep(0.01)
    assert server.ask(ECHO, said="goes on") == [("goes on",)]
    assert server.rows(PID)[0][0] != ended


def test_a_connection_that_ends_while_it_answers_is_given_up(server: Database) -> None:
    pid = server.rows(PID)[0][0]
    with pytest.raises(Unavailable, match="cannot be read"):
        server.ask(Question(sa.select(sa.func.pg_terminate_backend(sa.func.pg_backend_pid()))))
    assert server.rows(PID)[0][0] != pid


def test_a_notice_of_the_server_ends_no_connection(server: Database) -> None:
    with server.read() as connection:
        pid = connection.execute(PID).scalar()
        connection.exec_driver_sql("LISTEN anything")
        connection.commit()
        raw: Any = connection.connection.driver_connection
    with psycopg.connect(str(server.url).replace("+psycopg", ""), autocommit=True) as other:
        other.execute("NOTIFY anything")
    assert select.select([raw.fileno()], [], [], 10)[0], "the notice is there"
    assert server.rows(PID)[0][0] == pid
