"""The recipes of CONTRIBUTING name every file that a change touches, few enough, and each where its registry is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import run
from engine.base import facts, locales, services, settings
from engine.base.settings import CHECKOUT
from engine.bpmn import kinds
from engine.case import behaviour, commands, handlers, projections, refresh
from engine.delivery.gateways.choose import channel
from engine.design import lint
from engine.design.lint import catalogue
from engine.reports import REPORTS
from tests.architecture import licences
from tests.architecture.test_documents import documented
from tests.golden.files import SUMS, recorded_files
from web import command_words, inbox_columns

#: recipe → the files it may touch at most
LIMITS = {
    "To add a command": 9,
    "To add an effect": 7,
    "To change what a command does": 6,
    "To change a projection": 3,
    "To add a page": 10,
    "To add a command of the command line": 4,
    "To add or update a package": 4,
    "To add a column of the inbox": 8,
    "To add an outside system (a channel)": 6,
    "To add a kind of BPMN element": 6,
    "To add a lint rule": 4,
    "To add a language": 4,
    "To add or change a text of the pages": 2,
    "To add a report": 5,
    "To add a setting": 2,
}
#: recipe → the modules whose tables hold what it adds
REGISTRIES: dict[str, ModuleType] = {
    "To add a command": commands,
    "To add an effect": facts,
    "To change what a command does": behaviour,
    "To change a projection": refresh,
    "To add a command of the command line": run,
    "To add a column of the inbox": inbox_columns,
    "To add an outside system (a channel)": services,
    "To add a kind of BPMN element": kinds,
    "To add a language": locales,
    "To add a setting": settings,
}


def recipes() -> dict[str, list[str]]:
    """Title → the files that the recipe names, for those that name all."""
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n### ")[1:]:
        title, _, body = section.partition("\n")
        if files := re.search(r"^\*\*Files\*\*: (.+)\.$", body, re.MULTILINE):
            found[title] = re.findall(r"`([^`]+)`", files[1])
    return found


def test_the_recipes_that_name_their_files_are_those_that_are_counted() -> None:
    assert recipes().keys() == LIMITS.keys()


@pytest.mark.parametrize("title", LIMITS)
def test_a_recipe_names_files_that_there_are_and_not_too_many(title: str) -> None:
    files = recipes()[title]
    assert len(files) == len(set(files)) <= LIMITS[title]
    missing = [file for file in files if not _meant([file])]
    assert missing == []


@pytest.mark.parametrize("title", REGISTRIES)
def test_a_recipe_names_the_registry(title: str) -> None:
    path = Path(inspect.getfile(REGISTRIES[title])).relative_to(CHECKOUT).as_posix()
    assert path in recipes()[title]


def test_each_channel_has_its_gateway() -> None:
    for kind in services.OUTSIDE:
        assert inspect.isfunction(channel(kind).gateway), kind
        assert set(services.SERVICES[kind].name) == set(locales.WRITTEN)
    modules = {path.stem for path in (CHECKOUT / "engine/delivery/gateways").glob("*.py")}
    assert modules - set(services.OUTSIDE) == {"__init__", "choose", "console", "http", "staff"}


def test_each_service_is_told_to_designers() -> None:
    table = (CHECKOUT / "docs/designers.md").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith("| service task | `service` |"))
    assert [kind for kind in services.SERVICES if f"`{kind}`" not in row] == []


def test_each_language_has_its_files() -> None:
    for locale in locales.LOCALES:
        folder = CHECKOUT / "web/translations" / locales.language(locale).catalogue / "LC_MESSAGES"
        assert {path.name for path in folder.iterdir()} == {"messages.po", "messages.mo"}
    files = {path.stem for path in (CHECKOUT / "engine/base/languages").iterdir()}
    assert files == set(locales.LOCALES)


def test_each_command_has_a_handler_words_and_a_row() -> None:
    known = set(commands.KINDS)
    assert {key.partition(":")[0] for key in command_words.WORDS} == known
    assert known <= documented("docs/history.md")
    assert {str(getattr(key, "kind", key)) for key in handlers.HANDLERS} == known
    for words in command_words.WORDS.values():
        assert set(words.text) == set(locales.WRITTEN)


def test_an_effect_is_projected_by_a_module_of_the_recipe_or_stays_in_history() -> None:
    files = recipes()["To add an effect"]
    for effect, tables in projections.PROJECTED.items():
        for table in tables.split(", "):
            assert f"engine/case/projections/{table}.py" in _meant(files), effect
    assert projections.PROJECTED.keys() | projections.HISTORY_ONLY == set(facts.KINDS)


def test_what_make_lock_writes_is_in_the_recipe_of_packages() -> None:
    written = set(re.findall(r"call lock,([\w.-]+)", (CHECKOUT / "Makefile").read_text(encoding="utf-8")))
    assert written
    assert written < set(recipes()["To add or update a package"])
    assert licences.THIRD_PARTY.relative_to(CHECKOUT).as_posix() in recipes()["To add or update a package"]


def test_a_version_is_recorded_where_the_recipe_says() -> None:
    meant = _meant(recipes()["To change what a command does"])
    assert {path.relative_to(CHECKOUT).as_posix() for path in recorded_files()} < meant
    assert SUMS.relative_to(CHECKOUT).as_posix() in meant


def test_each_room_and_command_is_where_the_recipe_says() -> None:
    pages = _meant(recipes()["To add a page"])
    rooms = {path.name for path in (CHECKOUT / "web/pages").glob("*.py") if "Blueprint(" in path.read_text()}
    assert rooms
    assert {f"web/pages/{room}" for room in rooms} <= pages
    lines = _meant(recipes()["To add a command of the command line"])
    modules = {module for module, _ in run.COMMANDS.values()} - {"web.cli", "bench.cli"}  # one command each
    assert {f"{module.replace('.', '/')}.py" for module in modules} <= lines


def _meant(files: list[str]) -> set[str]:
    """The files that there are of those that a recipe names."""
    found = (CHECKOUT.glob(re.sub(r"<\w+>", "*", file)) for file in files)
    return {path.relative_to(CHECKOUT).as_posix() for some in found for path in some}


def test_each_rule_stands_in_a_topic_of_the_catalogue_and_of_the_checks() -> None:
    topics = {path.stem for path in Path(inspect.getfile(catalogue)).parent.glob("*.py")} - {"__init__"}
    checks = {path.stem for path in Path(inspect.getfile(lint)).parent.glob("*.py")}
    assert topics <= checks
    assert set(lint.RULES) == documented("docs/lint.md") & set(lint.RULES)


def test_each_kind_of_element_that_does_not_run_names_the_rule_that_says_so() -> None:
    assert {kind.finding for kind in kinds.KINDS.values() if kind.finding} <= set(lint.RULES)


def test_each_column_of_the_inbox_has_a_text_or_a_cell_of_its_own() -> None:
    cells = (CHECKOUT / "web/templates/inbox/cells.html").read_text(encoding="utf-8")
    drawn = set(re.findall(r"macro (\w+)\(row\)", cells))
    columns = inbox_columns.COLUMNS
    assert {*inbox_columns.SEEN, *inbox_columns.FILED} == columns.keys()
    assert drawn <= set(inbox_columns.SEEN)
    assert [key for key in inbox_columns.SEEN if columns[key].text is None and key not in drawn] == []
    assert [key for key in inbox_columns.FILED if columns[key].text is None] == []


def test_each_report_has_a_module_of_its_name() -> None:
    assert {Path(inspect.getfile(build)).stem for build, _ in REPORTS.values()} == set(REPORTS)
