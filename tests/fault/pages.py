"""``run.py serve`` on a small installation, agents who press its buttons over HTTP, and an independent ledger."""

from __future__ import annotations

import http.client
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from pathlib import Path

import orjson
import sqlalchemy as sa
from argon2 import PasswordHasher

from bench import http as desks
from engine.app import Gongdan
from engine.base.settings import CHECKOUT
from engine.case.commands import StartCase
from engine.people.directory import Person
from engine.storage.tables import answer, history, task
from tests.fault import installation as place
from tests.serving import free_port

AGENTS = 50
_OPEN = sa.select(task.c.case_id, task.c.task).where(task.c.state == "open").limit(60)


def hire(gongdan: Gongdan) -> None:
    """Fifty agents who can sign in fast."""
    people = [Person(f"bench{n}", f"Bench {n}", frozenset({"agent"})) for n in range(AGENTS)]
    gongdan.people.add_many(people, PasswordHasher(time_cost=1, memory_cost=1024).hash(desks.PASSWORD))


def open_cases(gongdan: Gongdan, count: int, at: str) -> list[tuple[str, int]]:
    """``count`` new cases, each with its open task."""
    asked = StartCase(process=place.PROCESS, data={}, actor="system:test", at=at)
    made = [gongdan.dispatch(asked) for _ in range(count)]
    return [(receipt.case_id, receipt.opened[0]) for receipt in made]


class Site:
    """The pages with their embedded worker, as a group of processes of its own."""

    def __init__(self, var: Path, url: str = "") -> None:
        self.var, self.url = var, url
        self.port = free_port()
        self.master: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Site:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start and wait until it serves."""
        command = [sys.executable, "run.py", "serve", "--no-demo", "--port", str(self.port)]
        self.master = subprocess.Popen(
            command,
            env=place.environment(self.var, self.url),
            cwd=CHECKOUT,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wait()

    def wait(self) -> None:
        """Until it answers (again)."""
        for _ in range(600):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                with connection.getresponse() as answered:
                    if answered.status == 200:
                        return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()
        raise AssertionError("the pages do not come up")

    def kill_serving(self) -> None:
        """``kill -9`` of the process that serves and works; its master starts another."""
        assert self.master is not None
        for child in _children(self.master.pid):
            os.kill(child, signal.SIGKILL)

    def kill(self) -> None:
        """``kill -9`` of everything."""
        if self.master is not None:
            os.killpg(self.master.pid, signal.SIGKILL)
            self.master.wait()
            self.master = None


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


class Clicker(desks.Agent):
    """A signed-in agent who completes a task with one request."""

    def __init__(self, port: int, number: int) -> None:
        self.name = f"bench{number}"
        super().__init__(port, self.name)
        self.token = desks.found(desks.TOKEN, self.get("/"))

    def click(self, case: str, number: int, key: str) -> int:
        """Complete a task under submit key ``key``; the HTTP status."""
        form = {
            "ok": "3",
            "result": "no_answer",
            "note": "nobody",
            "csrf_token": self.token,
            "submit_key": key,
        }
        return self.ask("POST", f"/tasks/{case}/{number}/complete", urllib.parse.urlencode(form))[0]


class Crowd:
    """Agents who complete open tasks as fast as they can, through every interruption, and note each answer."""

    def __init__(self, agents: list[Clicker], gongdan: Gongdan) -> None:
        self.agents, self.gongdan = agents, gongdan
        self.ledger: list[
            tuple[str, int, str]
        ] = []  #: (case, task, submit key) of each redirect, which says: done
        self.statuses: Counter[int] = Counter()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(agent,)) for agent in agents]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        for agent in self.agents:
            agent.connection.close()

    def until(self, acknowledged: int) -> None:
        """Wait until the ledger has so many lines."""
        for _ in range(3_000):
            if len(self.ledger) >= acknowledged:
                return
            time.sleep(0.02)
        raise AssertionError(f"only {len(self.ledger)} acknowledged; answers were {dict(self.statuses)}")

    def _work(self, agent: Clicker) -> None:
        chance = random.Random(agent.name)
        while not self._stopped.is_set():
            waiting = self.gongdan.db.rows(_OPEN)
            if not waiting:
                time.sleep(0.02)
                continue
            case, number = chance.choice(waiting)
            key = secrets.token_hex(8)
            try:
                status = agent.click(case, number, key)
            except (OSError, http.client.HTTPException):
                agent.connection.close()  # it was killed: nobody was told anything
                time.sleep(0.05)
                continue
            self.statuses[status] += 1
            if status == 303:
                self.ledger.append((case, number, f"{agent.name}:{key}"))


def assert_kept(gongdan: Gongdan, ledger: list[tuple[str, int, str]]) -> None:
    """Every acknowledged click is one command of the history under its submit key; no task was completed twice."""
    receipts = {row.key: orjson.loads(row.receipt) for row in gongdan.db.rows(sa.select(answer))}
    rows = gongdan.db.rows(sa.select(history.c.case_id, history.c.seq, history.c.command))
    done = {
        (case, seq): command["task"]
        for case, seq, body in rows
        if (command := orjson.loads(bytes(body)))["type"] == "complete"
    }
    lost = [
        (case, number, key)
        for case, number, key in ledger
        if key not in receipts or done.get((case, receipts[key]["seq"])) != number
    ]
    assert not lost, f"{len(lost)} acknowledged clicks are lost: {lost[:3]}"
    tasks = [(case, number) for (case, _), number in done.items()]
    assert len(tasks) == len(set(tasks)), "a task was completed twice"
