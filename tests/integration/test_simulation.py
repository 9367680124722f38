"""The whole desk at work: every story is told, everything is recorded, and the same seed tells it again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import ConfigurationError, Rejected
from engine.base.settings import CHECKOUT, Settings
from engine.intake.importing import import_file
from engine.operations.worker import Worker
from engine.proof.verify import IDENTICAL
from engine.simulate.report import SimulationReport
from engine.simulate.running import parse_until, simulate
from engine.storage.tables import cases, history, outbox, person, timer
from tests.real_data import SAMPLE, complaints

SIX = (
    "network_fault_consultation",
    "number_request_consultation",
    "billing_dispute",
    "cantonese_callback",
    "satisfaction_revisit",
    "general_complaint",
)
#: processes whose cases the simulation invents itself, whatever file was imported
INVENTED = ("number_request_consultation", "cantonese_callback", "satisfaction_revisit")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def opened(folder: Path) -> Gongdan:
    settings = Settings.from_env({}, var=folder, lru=100)
    return open_gongdan(settings, synchronous="OFF")


Simulated = tuple[Gongdan, SimulationReport, bool]


def test_a_file_of_complaints_is_worked_to_its_end(tmp_path: Path) -> None:
    """One run for all that follows: with workers stealing tests, a shared fixture would simulate twice."""
    gongdan = opened(tmp_path)
    gongdan.keys.mark_simulated("1")
    gongdan.publish_folder()
    path, source = complaints()
    import_file(gongdan, path, source)
    real = source.name == "comcast"
    report = simulate(gongdan, seed="1", agents=8, until=parse_until("2015-07-01") if real else None)
    for check in (
        every_case_is_closed_and_nothing_failed,
        every_end_of_the_processes_is_reached,
        every_timer_of_the_processes_fires,
        limits_are_met_and_broken_and_messages_sent_and_lost,
        everything_was_done_by_recorded_commands,
        a_sample_of_the_cases_re_executes_identically,
        a_second_run_finds_nothing_to_do,
        the_live_worker_refuses_the_database,
    ):
        check((gongdan, report, real))
    gongdan.close()


def every_case_is_closed_and_nothing_failed(simulated: Simulated) -> None:
    _, report, real = simulated
    assert report.open == 0
    assert report.incidents == 0
    assert report.left_aside == []
    assert set(report.by_process) == set(SIX)
    assert report.cases > (900 if real else 120)


def every_end_of_the_processes_is_reached(simulated: Simulated) -> None:
    gongdan, _, real = simulated
    release = gongdan.releases.current()
    query = sa.select(cases.c.process, cases.c.outcome).distinct()
    reached = {tuple(row) for row in gongdan.db.rows(query)}
    drawn = {
        (process, element.properties["outcome"])
        for process in (SIX if real else INVENTED)
        for element in release.processes[process].elements.values()
        if "outcome" in element.properties
    }
    assert drawn - reached == set()


def every_timer_of_the_processes_fires(simulated: Simulated) -> None:
    gongdan, _, real = simulated
    release = gongdan.releases.current()
    rows = gongdan.db.rows(
        sa.select(cases.c.process, timer.c.element)
        .join(cases, cases.c.id == timer.c.case_id)
        .where(timer.c.state == "fired")
        .distinct()
    )
    fired = {tuple(row) for row in rows}
    own = {
        (process, element.id)
        for process in (SIX if real else INVENTED)
        for element in release.processes[process].elements.values()
        if element.kind == "boundaryEvent"
    }
    assert own
    assert own - fired == set()


def limits_are_met_and_broken_and_messages_sent_and_lost(simulated: Simulated) -> None:
    gongdan, report, _ = simulated
    for parameter in ("CAN_CALLBACK_1", "CAN_CALLBACK_2", "REVISIT_WITHIN", "REG_TEL_REPLY"):
        assert report.sla[parameter]["met"] > 0, parameter
        assert report.sla[parameter]["breached"] > 0, parameter
        assert report.sla[parameter]["running"] == 0, parameter
    states = {row[0] for row in gongdan.db.rows(sa.select(outbox.c.state).distinct())}
    assert {"sent", "failed", "unknown"} <= states <= {"sent", "failed", "unknown", "withdrawn"}
    assert report.messages_sent > 0
    assert report.timers_fired > 0


def everything_was_done_by_recorded_commands(simulated: Simulated) -> None:
    gongdan, _, _ = simulated
    actors = {row[0] for row in gongdan.db.rows(sa.select(history.c.actor).distinct())}
    assert actors <= {row[0] for row in gongdan.db.rows(sa.select(person.c.name))} | {
        "system:import",
        "system:clock",
        "system:outbox",
    }
    kinds = {
        kind
        for (body,) in gongdan.db.rows(sa.select(history.c.command).limit(20_000))
        if (kind := json.loads(body)["type"])
    }
    assert {"start", "claim", "complete", "timer", "warn", "pause", "resume", "service_result"} <= kinds


def a_sample_of_the_cases_re_executes_identically(simulated: Simulated) -> None:
    gongdan, _, _ = simulated
    ids = [row[0] for row in gongdan.db.rows(sa.select(cases.c.id).order_by(cases.c.id))]
    assert {gongdan.verify(case).state for case in ids[::12]} == {IDENTICAL}


def a_second_run_finds_nothing_to_do(simulated: Simulated) -> None:
    gongdan, report, _ = simulated
    assert simulate(gongdan, seed="1").as_json() == report.as_json()


def the_live_worker_refuses_the_database(simulated: Simulated) -> None:
    with pytest.raises(ConfigurationError, match="simulated"):
        Worker(simulated[0])


# ---------------------------------------------------------------- which database
def test_real_cases_are_never_simulated(tmp_path: Path) -> None:
    gongdan = opened(tmp_path)
    gongdan.publish_folder()
    path, source = complaints()
    import_file(gongdan, path, source)
    with pytest.raises(Rejected, match="holds real cases"):
        simulate(gongdan, seed="1")
    gongdan.close()


def test_an_empty_database_is_marked_by_the_first_run(tmp_path: Path) -> None:
    gongdan = opened(tmp_path)
    gongdan.publish_folder()
    assert simulate(gongdan, seed="42").cases == 0
    assert gongdan.keys.seed == "42"
    gongdan.close()


# ---------------------------------------------------------------- the command, in processes of their own
def heads(folder: Path, seed: str, **environment: str) -> tuple[list[tuple[str, bytes]], dict[str, object]]:
    """Import the sample and simulate it by the command line; case heads and the JSON answer."""
    env = {**os.environ, "GONGDAN_VAR": str(folder), **environment}
    env.pop("DATABASE_URL", None)
    out = ""
    for arguments in (
        ("db", "upgrade", "--simulated"),
        ("import", str(SAMPLE), "--mapping", "sample"),
        ("simulate", "--agents", "8", "--seed", seed, "--until", "2026-03-04", "--json"),
    ):
        out = subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=CHECKOUT,
            env=env,
            capture_output=True,
            text=True,
            check=True,
            timeout=600,
        ).stdout
    gongdan = opened(folder)
    found = [(row[0], bytes(row[1])) for row in gongdan.db.rows(sa.select(cases.c.id, cases.c.head))]
    gongdan.close()
    return sorted(found), json.loads(out)


def test_the_same_seed_gives_the_same_heads_and_another_does_not(tmp_path: Path) -> None:
    first, answer = heads(tmp_path / "a", "1", PYTHONHASHSEED="1", TZ="Asia/Shanghai")
    again, _ = heads(tmp_path / "b", "1", PYTHONHASHSEED="2", TZ="America/New_York")
    other, _ = heads(tmp_path / "c", "2")
    assert first == again
    assert first != other
    assert list(answer) == [
        *(
            "cases",
            "by_process",
            "by_outcome",
            "ends",
            "sla",
            "timers_fired",
            "messages_sent",
            "messages",
            "open",
        ),
        *("incidents", "never_reached"),
    ]
    assert set(next(iter(answer["sla"].values()))) == {"met", "breached", "running"}  # type: ignore[attr-defined]
