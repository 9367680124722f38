"""Statements of the command path name their table, compile for both databases and miss no value silently."""

from __future__ import annotations

from types import ModuleType

import pytest
import sqlalchemy as sa

from engine.case import projections, rebuild, store
from engine.privacy.keys import Keys
from engine.storage.statements import Statement

DIALECTS = [sa.create_engine(url).dialect for url in ("sqlite://", "postgresql+psycopg://")]
ROWS = sa.Table(
    "row",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("state", sa.Text),
)
CLOSED = Statement(
    sa.update(ROWS).where(ROWS.c.id == sa.bindparam("b_id")).values(name=sa.bindparam("name"), state="closed")
)


def of(*modules: ModuleType) -> list[Statement]:
    held = [value for module in modules for value in vars(module).values()]
    held += [
        one
        for value in held
        if isinstance(value, dict | list)
        for one in (value.values() if isinstance(value, dict) else value)
    ]
    return [one for one in held if isinstance(one, Statement)]


ALL = [
    Keys.NEW,
    *of(store, rebuild),
    *of(
        *(getattr(projections, project.__module__.rpartition(".")[2]) for project in projections.PROJECTIONS)
    ),
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_statement_of_the_command_path_compiles(dialect: sa.Dialect) -> None:
    assert len(ALL) > 30
    for statement in ALL:
        assert statement.table.name in statement.compiled(dialect).sql


def test_only_what_guards_the_case_row_is_a_fence() -> None:
    assert {statement.table.name for statement in ALL if statement.fence} == {"cases"}


def test_values_go_where_they_belong_whatever_their_order() -> None:
    compiled = CLOSED.compiled(DIALECTS[0])
    assert compiled.values(CLOSED(b_id=5, name="x")[1]) == compiled.values(CLOSED(name="x", b_id=5)[1])
    assert set(compiled.values({"b_id": 5, "name": "x"})) == {5, "x", "closed"}


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        CLOSED.compiled(DIALECTS[0]).values({"b_id": 5})
    with pytest.raises(KeyError):
        Statement(sa.insert(ROWS)).compiled(DIALECTS[0]).values({"name": "x"})


def test_a_numbered_key_is_given_by_the_database() -> None:
    assert Statement(sa.insert(ROWS)).compiled(DIALECTS[0]).values({"name": "x", "state": "open"}) == (
        "x",
        "open",
    )
