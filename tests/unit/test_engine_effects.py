"""Every fact has a place: an effect feeds a read model or is read from history; a command has a handler."""

from __future__ import annotations

import ast
from pathlib import Path

from engine.base.facts import KINDS, reference, resolve
from engine.case import projections
from engine.case.commands import KINDS as COMMANDS
from engine.case.handlers import HANDLERS
from engine.case.projections import HISTORY_ONLY, PROJECTED
from tests.casework import Desk


def test_every_effect_has_a_projection_or_is_history_only() -> None:
    assert set(KINDS) == set(PROJECTED) | HISTORY_ONLY
    assert not set(PROJECTED) & HISTORY_ONLY


def test_every_named_projection_exists_and_runs() -> None:
    named = {name.strip() for names in PROJECTED.values() for name in names.split(",")}
    running = {project.__module__.rpartition(".")[2] for project in projections.PROJECTIONS}
    assert named <= running


def test_each_projection_reads_the_effects_that_it_is_named_for() -> None:
    """Data reaches them as the news of a change."""
    read: dict[str, set[str]] = {}
    for file in sorted(Path(projections.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                of, name = ast.unparse(node.value), node.attr
                kind = "data" if (of, name) == ("change", "news") else name if of.endswith("effects") else ""
                read.setdefault(kind, set()).add(file.stem)
    del read[""]
    read["data"].remove("change")
    assert {kind: set(tables.split(", ")) for kind, tables in PROJECTED.items()} == read


def test_every_command_has_a_handler() -> None:
    assert set(COMMANDS.values()) == set(HANDLERS)


def test_a_case_that_does_everything_uses_only_known_effects(desk: Desk) -> None:
    case = desk.start()
    desk.claim(case)
    desk.complete(case, result="busy")
    desk.send()
    desk.clock.advance(hours=3)
    desk.wake()
    desk.complete(case, result="reached")
    used = {kind for _, _, _, effects in desk.history(case) for kind in effects}
    assert used <= set(KINDS)
    assert {
        "opened",
        "closed",
        "armed",
        "ended",
        "clocks",
        "clock_changes",
        "requests",
        "service",
        "done",
    } <= used


def test_an_element_is_named_shortly_in_its_own_process_and_fully_elsewhere() -> None:
    for process, element, ref in (("work", "call", "call"), ("shared", "call", "shared/call")):
        assert reference("work", process, element) == ref
        assert resolve("work", ref) == (process, element)
