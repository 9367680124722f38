"""Progress bars are for people at a terminal: no pipe, file or log ever holds one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from engine.base.settings import CHECKOUT
from tests.real_data import SAMPLE

_PIECES = ("\r", "it/s", "cases/s", "days/s", "B/s", "%|", "simulate:", "export:", "verify", SAMPLE.name)


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated database with the complaints of a sample."""
    made = tmp_path_factory.mktemp("bars")
    assert _run(made, "db", "upgrade", "--simulated").returncode == 0
    return made


def _run(var: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "GONGDAN_VAR": str(var), "DATABASE_URL": ""}
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        timeout=250,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["import", str(SAMPLE), "--mapping", "sample", "--json"],
        ["simulate", "--until", "2026-03-04", "--json"],
        ["export", "xes", "-o", "{var}/out.xes"],
        ["export", "ocel", "-o", "{var}/out.json"],
        ["export", "csv", "-o", "{var}/out.csv"],
        ["export", "json", "-o", "{var}/rows.json"],
        ["verify", "--all", "--json"],
        ["rebuild", "--json"],
    ],
    ids=lambda command: " ".join(command[:2]) if command[0] == "export" else command[0],
)
def test_no_bar_where_there_is_no_terminal(var: Path, command: list[str]) -> None:
    done = _run(var, *(part.format(var=var) for part in command))
    assert done.returncode == 0, done.stderr
    for piece in _PIECES:
        assert piece not in done.stderr, (command, done.stderr)
    if "--json" in command:
        json.loads(done.stdout)


def test_bench_prints_its_json_and_nothing_else() -> None:
    command = [sys.executable, "run.py", "bench", "history_row_bytes", "--json", "--no-keep"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=250)
    assert set(json.loads(done.stdout)) == {"history_row_bytes"}
    assert done.stderr == ""


def test_a_terminal_shows_one() -> None:
    """The other half: whoever sits there sees that it goes on."""
    master, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    told = "from engine.cli.common import Bar; b = Bar('export'); [b(n, 3) for n in (1, 2, 3)]"
    done = subprocess.run([sys.executable, "-c", told], cwd=CHECKOUT, stderr=terminal, check=False)
    assert done.returncode == 0
    os.set_blocking(master, False)
    shown = os.read(master, 10_000).decode()
    os.close(terminal)
    os.close(master)
    assert "export" in shown
