"""Every page and every command names the right that it asks for, and the guide says the same."""

from __future__ import annotations

import pytest

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import KINDS
from engine.people.rights import COMMANDS, RIGHTS, SOFTWARE
from tests.architecture import rights as page
from web import create_app, doors


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_every_page_names_its_right_and_every_right_is_asked_for(
    gongdan: Gongdan, settings: Settings
) -> None:
    endpoints = {rule.endpoint for rule in create_app(gongdan, settings).url_map.iter_rules()}
    assert set(doors.DOORS) == endpoints
    elsewhere = {"cases.all", "cases.answer", "cases.lead", "rights.give"}
    assert {needed for needed in doors.DOORS.values() if needed in RIGHTS} == set(RIGHTS) - elsewhere


def test_every_command_names_its_right() -> None:
    assert set(COMMANDS) == set(KINDS)
    assert {kind for kind, asked in COMMANDS.items() if asked == SOFTWARE} == {
        "timer", "warn", "breach", "service_result", "incident", "erase",
    }  # fmt: skip


def test_the_page_of_rights_is_as_the_table() -> None:
    assert page.FILE.read_text(encoding="utf-8") == page.text(), (
        "python -m tests.architecture.rights writes it"
    )
