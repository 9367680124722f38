"""The access log is a chain: whoever changes, removes or adds a row past the software is found, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest
import sqlalchemy as sa
from alembic import command

from engine.app import Gongdan, open_gongdan
from engine.base.errors import Unavailable
from engine.base.settings import Settings
from engine.people import access_log
from engine.people.access_log import AccessLog
from engine.storage import chain_writer, chains
from engine.storage.chains import VIEWS, broken
from engine.storage.database import Database
from engine.storage.proof_tables import chain_head
from engine.storage.tables import view_log
from engine.storage.upgrade import config, upgrade
from tests.threads import together

AT = "2026-03-02T01:00:00+00:00"
OTHER = "2026-03-02T01:00:00.001+00:00"


@pytest.fixture
def db(gongdan: Gongdan) -> Database:
    """A database in whose access log are nine looks."""
    for number in range(1, 10):
        gongdan.access_log.note(f"agent{number}", "260302-00017-4", "case", AT)
    return gongdan.db


def found(db: Database) -> tuple[int, str] | None:
    fault = broken(db, VIEWS)
    return None if fault is None else (fault.id, fault.reason)


def execute(db: Database, *statements: sa.Insert | sa.Update | sa.Delete) -> None:
    with db.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_log_that_was_only_appended_to_is_whole(db: Database) -> None:
    assert found(db) is None
    assert [view.person for view in access_log.of_case(db, "260302-00017-4", 2)] == ["agent9", "agent8"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", OTHER),
        ("person", "agent9"),
        ("case_id", "260302-00018-2"),
        ("what", "file"),
        ("format", 0),
        ("hash", b"\1" * 32),
        ("id", 70),
    ],
)
@pytest.mark.parametrize("row", [1, 5, 9])
def test_a_changed_value_is_named_with_its_row(db: Database, column: str, value: object, row: int) -> None:
    if (column, row) == ("person", 9):
        value = "agent8"
    execute(db, sa.update(view_log).where(view_log.c.id == row).values({column: value}))
    fault = found(db)
    assert fault is not None
    assert fault[0] == (row if column != "id" else {1: 2, 5: 6, 9: 70}[row])
    assert "does not fit" in fault[1]


@pytest.mark.parametrize(
    ("gone", "named", "why"),
    [
        (lambda id: id == 1, 2, "one before it is missing"),
        (lambda id: id == 4, 5, "one before it is missing"),
        (lambda id: id == 9, 9, "ends with row 8, but its head says that it goes on to row 9"),
        (lambda id: id > 3, 9, "ends with row 3"),
        (lambda id: id > 0, 9, "ends with row 0"),
    ],
)
def test_rows_that_are_gone_are_found(
    db: Database, gone: Callable[[sa.Column[int]], sa.ColumnElement[bool]], named: int, why: str
) -> None:
    execute(db, sa.delete(view_log).where(gone(view_log.c.id)))
    fault = found(db)
    assert fault is not None
    assert fault[0] == named
    assert why in fault[1]


def test_rows_that_were_exchanged_or_put_in_between_are_found(db: Database) -> None:
    ids = view_log.c.id
    execute(
        db,
        sa.update(view_log).where(ids == 3).values(id=30),
        sa.update(view_log).where(ids == 4).values(id=3),
        sa.update(view_log).where(ids == 30).values(id=4),
    )
    assert (found(db) or (0, ""))[0] == 3


def test_a_row_behind_the_end_is_found(db: Database) -> None:
    row = {"at": AT, "person": "x", "case_id": "y", "what": "z", "id": 10, "format": 1}
    last = chains.hash_at(db, VIEWS, 9)
    assert last is not None
    execute(db, sa.insert(view_log).values(**row, hash=chains.hashed(VIEWS, row, last)))
    assert found(db) == (10, "the chain goes on behind its head")


@pytest.mark.parametrize(
    ("head", "named", "why"),
    [
        (sa.delete(chain_head), 0, "head is missing"),
        (sa.update(chain_head).values(hash=b"\1" * 32), 9, "ends with row 9"),
        (sa.update(chain_head).values(id=7), 7, "ends with row 9"),
        (sa.update(chain_head).values(id=12), 12, "ends with row 9"),
    ],
)
def test_a_head_that_was_changed_is_found_and_keeps_nobody_from_working(
    gongdan: Gongdan, db: Database, head: sa.Update | sa.Delete, named: int, why: str
) -> None:
    execute(db, head)
    fault = found(db)
    assert fault is not None
    assert fault[0] == named
    assert why in fault[1]
    gongdan.access_log.note("agent1", "260302-00017-4", "case", AT)
    assert [view.person for view in access_log.of_case(db, "260302-00017-4", 1)] == ["agent1"]


def test_who_mends_the_head_too_is_not_found_here(db: Database) -> None:
    """That is what checkpoints are for."""
    last = chains.hash_at(db, VIEWS, 3)
    execute(
        db,
        sa.delete(view_log).where(view_log.c.id > 3),
        sa.update(chain_head).where(chain_head.c.chain == "view_log").values(id=3, hash=last),
    )
    assert found(db) is None


def test_of_many_who_look_at_once_none_is_lost_and_none_forks_the_chain(settings: Settings) -> None:
    with closing(open_gongdan(settings)) as one, closing(open_gongdan(settings)) as other:

        def look(log: AccessLog, who: int) -> None:
            for number in range(10):
                log.note(f"agent{who}", f"case {number}", "case", AT)

        logs = [one.access_log, other.access_log] * 4  # two processes' worth, with four threads each
        assert together(*(partial(look, log, who) for who, log in enumerate(logs))) == [None] * 8
        assert found(one.db) is None
        assert one.db.rows(sa.select(sa.func.count(), sa.func.max(view_log.c.id))) == [(80, 80)]


def test_whoever_waits_beside_one_that_fails_hears_of_it(
    gongdan: Gongdan, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(chain_writer, "append", fail)
        with pytest.raises(Unavailable):
            gongdan.access_log.note("agent1", "case", "case", AT)
    gongdan.access_log.note("agent1", "case", "case", AT)
    assert found(db) is None
    assert db.rows(sa.select(sa.func.count()).select_from(view_log)) == [(10,)]


# ---------------------------------------------------------------- upgrade
@pytest.fixture
def before(settings: Settings) -> Iterator[Database]:
    """A database at the revision before the chain, with looks of which one was deleted."""
    with closing(Database(settings.database_url)) as db:
        with db.begin() as connection:
            command.upgrade(config(connection), "0013")
        columns = ("id", "at", "person", "case_id", "what")
        old = sa.table("view_log", *(sa.column(name) for name in columns))
        rows = [(number, AT, f"agent{number}", "c", "case") for number in (1, 2, 4, 1200)]
        execute(db, sa.insert(old).values([dict(zip(columns, row, strict=True)) for row in rows]))
        yield db


def test_looks_of_before_get_their_chain_and_say_so(before: Database) -> None:
    upgrade(before)
    assert found(before) is None
    AccessLog(before).note("agent1", "c", "case", AT)
    assert found(before) is None
    rows = before.rows(sa.select(view_log.c.id, view_log.c.format).order_by(view_log.c.id))
    assert [tuple(row) for row in rows] == [(1, 0), (2, 0), (4, 0), (1200, 0), (1201, 1)]
    execute(before, sa.delete(view_log).where(view_log.c.id == 2))
    assert (found(before) or (0, ""))[0] == 4


def test_the_upgrade_can_be_taken_back(before: Database) -> None:
    upgrade(before)
    with before.begin() as connection:
        command.downgrade(config(connection), "0013")
    upgrade(before)
    assert found(before) is None


def test_a_value_of_another_type_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """SQLite keeps whatever type it is given."""
    settings = Settings.from_env({}, var=tmp_path_factory.mktemp("types"), demo=True, secret_key="s" * 32)
    with closing(open_gongdan(settings)) as gongdan:
        for number in range(3):
            gongdan.access_log.note("agent1", f"case {number}", "case", AT)
        for column, value in (("what", b"case"), ("hash", "text"), ("at", 1.5)):
            before = gongdan.db.rows(sa.select(view_log.c[column]).where(view_log.c.id == 2))[0][0]
            for new, expected in ((value, 2), (before, None)):
                with gongdan.db.begin() as connection:
                    connection.exec_driver_sql(f"UPDATE view_log SET {column} = ? WHERE id = 2", (new,))
                assert (found(gongdan.db) or (None, ""))[0] == expected, column
