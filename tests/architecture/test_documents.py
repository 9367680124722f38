"""What the documents promise is there, and what is there is documented."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import run
from engine import VERSION
from engine.app import open_gongdan
from engine.base.facts import KINDS as EFFECT_KINDS
from engine.base.settings import CHECKOUT, Settings, variables
from engine.case.commands import KINDS as COMMAND_KINDS
from engine.cli.handbook import wanted
from engine.release.releases import read_folder
from tests.architecture.sources import name, python_files, text_files
from web import create_app

DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")


def text(path: str) -> str:
    return (CHECKOUT / path).read_text(encoding="utf-8")


def documented(page: str) -> set[str]:
    """The words in code style in the first cell of the tables of a page."""
    cells = re.findall(r"^\| (`[^|]+) \|", text(page), re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_setting_is_documented() -> None:
    assert documented("docs/settings.md") == set(variables())


def test_every_setting_is_used() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in python_files("run.py", "engine", "web"))
    assert [field for field in variables().values() if not re.search(rf"\.{field}\b", code)] == []


def test_the_environment_is_read_in_one_place() -> None:
    reading = re.compile(r"\b(os\.environ|getenv)\b")
    found = [
        name(path)
        for path in python_files("engine", "web")
        if path.name not in ("settings.py", "failpoints.py")
        and reading.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_command_and_effect_is_documented() -> None:
    assert documented("docs/history.md") == set(COMMAND_KINDS) | set(EFFECT_KINDS)


def test_the_handbook_of_processes_says_what_the_diagrams_say() -> None:
    folder = CHECKOUT / "docs/processes"
    made = wanted(read_folder(CHECKOUT), folder)
    there = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.md")}
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert stale == [], "`run.py handbook` writes them anew"


def test_every_command_of_the_command_line_is_documented() -> None:
    mentioned = set(re.findall(r"`run\.py ([a-z-]+)", text("README.md") + text("docs/operations.md")))
    assert set(run.COMMANDS) <= mentioned
    assert mentioned <= set(run.COMMANDS)


def test_make_targets_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    for document in DOCUMENTS:
        assert set(re.findall(r"`make ([a-z]+)", document.read_text(encoding="utf-8"))) <= targets, document


def test_changelog_tells_of_this_version_and_when_those_before_it_came() -> None:
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    told = [re.fullmatch(r"(\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)", one) for one in headings]
    assert all(told), headings
    versions = [one[1] for one in told if one]
    dates = [one[2] for one in told if one]
    assert versions[0] == VERSION == tomllib.loads(text("pyproject.toml"))["project"]["version"]
    assert versions == sorted(versions, key=lambda one: [*map(int, one.split("."))], reverse=True)
    assert "unreleased" not in dates[1:]
    assert dates == sorted(dates, reverse=True)
    assert versions[-1] == "0.1.0"


def test_every_decision_is_listed() -> None:
    pages = {path.name for path in (CHECKOUT / "docs/adr").glob("0*.md")}
    assert set(LINK.findall(text("docs/adr/README.md"))) == pages


def test_decisions_that_the_code_names_exist() -> None:
    known = {path.name[:4] for path in (CHECKOUT / "docs/adr").glob("0*.md")}
    named = {
        number for path in text_files() for number in re.findall(r"ADR (\d{4})", path.read_text("utf-8"))
    }
    assert named <= known


def test_every_route_is_documented(tmp_path: Path) -> None:
    settings = Settings.from_env({}, var=tmp_path, demo=True)
    gongdan = open_gongdan(settings)
    rules = {rule.rule for rule in create_app(gongdan, settings).url_map.iter_rules()}
    gongdan.close()
    assert documented("docs/pages.md") == rules - {"/static/<path:filename>"}
