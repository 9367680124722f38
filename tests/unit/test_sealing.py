"""What is sealed besides the fields that are marked: texts that repeat a value, from a length on that is no chance."""

from __future__ import annotations

from typing import Any

import pytest

from engine.privacy.sealing import Seal, looks_sealed

KEY = bytes(range(64))


def sealed(note: Any, *, every_text: bool = False, **seen: Any) -> bool:
    """Whether ``note``, which is not personal itself, is sealed because of what was ``seen``."""
    seal = Seal(KEY, frozenset({"name", "others"}), frozenset({"typed"}))
    seal.every_text = every_text
    closed = seal.close_fields({"note": note}, seen)
    assert seal.open_all(closed) == {"note": note}
    return looks_sealed(closed["note"])


@pytest.mark.parametrize(
    ("name", "traced"),
    [
        ("陈大文", True),
        ("李四", True),
        ("李", False),
        ("Anna", True),
        ("Ann", False),
        ("1381", True),
        ("138", False),
    ],
)
def test_a_text_that_repeats_a_name_is_sealed_when_the_name_is_long_enough(name: str, traced: bool) -> None:
    assert sealed(f"请联系{name}先生", name=name) is traced
    assert sealed([{"who": f"与{name}通话"}], name=name) is traced
    assert sealed("请联系客户", name=name) is False


def test_only_what_is_personal_is_traced() -> None:
    assert not sealed("请联系陈大文", product="陈大文")
    assert not sealed("请联系陈大文", typed="陈大文")
    assert sealed("请联系陈大文", typed="陈大文", every_text=True)


def test_names_inside_of_tables_are_traced_where_every_text_is() -> None:
    table = [{"name": "李四", "age": 40}, {"name": ["王五", 3]}]
    assert sealed("王五来电", others=table, every_text=True)
    assert sealed("李四来电", others=table, every_text=True)
    assert not sealed("李四来电", others=table)


def test_what_is_not_there_is_not_sealed() -> None:
    seal = Seal(KEY, frozenset({"name"}))
    assert seal.close_fields({"name": None, "note": None, "tries": 3}, {"name": "李四"}) == {
        "name": None,
        "note": None,
        "tries": 3,
    }
    assert looks_sealed(seal.close_fields({"name": "李四"})["name"])


def test_a_name_that_a_correction_brought_is_sealed_from_then_on_where_every_text_is() -> None:
    seal = Seal(KEY, frozenset())
    seal.add(["remark"])
    assert not looks_sealed(seal.close_fields({"remark": "x"}))
    seal.every_text = True
    assert looks_sealed(seal.close_fields({"remark": "x"}))


@pytest.mark.parametrize(
    ("value", "looks"),
    [
        ({"~": "x"}, True),
        ({"~": "x", "y": 1}, False),
        ({"a": [{"~": "x"}]}, True),
        ([1, {"b": {"~": 1}}], True),
        ({"a": "~"}, False),
        ("~", False),
        ({}, False),
    ],
)
def test_the_form_of_a_sealed_value_is_found_however_deep(value: Any, looks: bool) -> None:
    assert looks_sealed(value) is looks
