"""Every command of the table exists and explains itself."""

from __future__ import annotations

import subprocess
import sys
from importlib import util

import click
import pytest
from click.testing import CliRunner

import run
from engine.base.settings import CHECKOUT


@pytest.mark.parametrize("command", run.COMMANDS)
def test_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(run.cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"Usage: cli {command} ")


def test_every_click_command_is_in_the_table() -> None:
    modules = {module for module, _ in run.COMMANDS.values()}
    found = set()
    for path in (CHECKOUT / "engine" / "cli").glob("[a-z]*.py"):
        module = f"engine.cli.{path.stem}"
        spec = util.find_spec(module)
        assert spec is not None
        if "@click.command" in path.read_text(encoding="utf-8"):
            found.add(module)
    assert found <= modules


def test_help_imports_no_engine() -> None:
    """The list of commands must come at once."""
    code = """
import sys, run
run.cli(["--help"], standalone_mode=False)
sys.exit("SpiffWorkflow" in sys.modules)
"""
    assert (
        subprocess.run(
            [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, check=False
        ).returncode
        == 0
    )


def test_wrong_use_exits_with_two() -> None:
    assert CliRunner().invoke(run.cli, ["no-such-command"]).exit_code == 2


def test_a_refusal_is_one_line_and_exits_with_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGDAN_PORT", "many")

    @click.command("deadline")
    def refuse() -> None:
        from engine.base.settings import Settings

        Settings.from_env()

    monkeypatch.setattr(run.Commands, "get_command", lambda *_: refuse)
    result = CliRunner().invoke(run.cli, ["deadline"])
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("Error: GONGDAN_PORT cannot be used")
