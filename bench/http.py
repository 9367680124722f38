"""Agents at their desks: signed in over HTTP, each opening a task page and completing the task, all at once."""

from __future__ import annotations

import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher

from bench.engine import TRUSTED, files
from bench.measures import Figure
from engine.app import open_gongdan
from engine.base.settings import Settings
from engine.case.commands import StartCase
from engine.people.directory import Person

AGENTS = 32
CASES_EACH = 6
PASSWORD = "bench-password"  # noqa: S105 - of throw-away accounts
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
KEY = re.compile(r'name="submit_key" value="([^"]+)"')


class Agent:
    """One signed-in agent with its cookies and its own connection."""

    def __init__(self, port: int, name: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        token = found(TOKEN, self.get("/sign-in"))
        self.post("/sign-in", {"csrf_token": token, "name": name, "password": PASSWORD})

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """Status and text of an answer."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": ""}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, text

    def get(self, path: str) -> str:
        """The page; anything but 200 is an error."""
        status, text = self.ask("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status}")
        return text

    def post(self, path: str, form: dict[str, str]) -> None:
        """Send a form; anything but a redirect is an error."""
        status, text = self.ask("POST", path, urllib.parse.urlencode(form))
        if status not in (302, 303):
            raise AssertionError(f"POST {path}: {status} {text[:300]}")

    def complete(self, case: str, task: int) -> float:
        """Open the task page and complete the task; milliseconds of the completion."""
        page = self.get(f"/tasks/{case}/{task}")
        form = {"ok": "3", "result": "no_answer", "note": "nobody", "csrf_token": found(TOKEN, page)}
        form["submit_key"] = found(KEY, page)
        began = time.perf_counter()
        self.post(f"/tasks/{case}/{task}/complete", form)
        return (time.perf_counter() - began) * 1e3


def found(pattern: re.Pattern[str], page: str) -> str:
    """What ``pattern`` stands for in a page."""
    match = pattern.search(page)
    if match is None:
        raise AssertionError(f"the page has no {pattern.pattern}")
    return match.group(1)


def http_32_agents_p99_vs_p50() -> Figure:
    """32 agents complete tasks at the same time; p99 of a completion against p50, and no error allowed."""
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        work = _prepare(Path(folder))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {**os.environ, "GONGDAN_VAR": folder, "SECRET_KEY": "b" * 40, "DATABASE_URL": ""}
        server = subprocess.Popen(
            [sys.executable, "run.py", "serve", "--no-demo", "--port", str(port)], env=env
        )
        try:
            _wait(port)
            took, errors, seconds = _rush(port, work)
        finally:
            server.terminate()
            server.wait()
    if errors:
        raise AssertionError(f"{len(errors)} requests failed: {errors[0]}")
    took.sort()
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99) - 1]
    unit = (
        f"ms p99 against p50 of {len(took)} completions, {len(took) / seconds:.0f} a second with their pages"
    )
    return {"ours": p99, "reference": p50, "ratio": p99 / p50, "unit": unit}


def _prepare(var: Path) -> list[list[tuple[str, int]]]:
    gongdan = open_gongdan(Settings.from_env({}, var=var), synchronous="OFF")
    at = gongdan.now()
    gongdan.publish_folder()
    extra = {p: b for p, b in files(full=True).items() if "bench" in p}
    gongdan.releases.publish(extra, "bench", "workload", at)
    people = [Person(f"bench{n}", f"Bench {n}", frozenset({"agent"})) for n in range(AGENTS)]
    gongdan.people.add_many(people, PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD))
    work = []
    for _ in people:
        mine = []
        for _ in range(CASES_EACH):
            receipt = gongdan.dispatch(StartCase(process="callback_full", data={}, actor=TRUSTED, at=at))
            mine.append((receipt.case_id, receipt.opened[0]))
        work.append(mine)
    gongdan.close()
    return work


def _wait(port: int) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


def _rush(port: int, work: list[list[tuple[str, int]]]) -> tuple[list[float], list[str], float]:
    agents = [Agent(port, f"bench{n}") for n in range(AGENTS)]
    took: list[float] = []
    errors: list[str] = []

    def sit(agent: Agent, mine: list[tuple[str, int]]) -> None:
        try:
            for case, task in mine:
                took.append(agent.complete(case, task))
        except (AssertionError, OSError, http.client.HTTPException) as error:
            errors.append(f"{type(error).__name__}: {error}")

    began = time.perf_counter()
    threads = [threading.Thread(target=sit, args=pair) for pair in zip(agents, work, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, errors, time.perf_counter() - began
