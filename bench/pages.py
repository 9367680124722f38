"""CPU of a page: the work list of 50 tasks, the page of a task and the page of a case, of a desk at work.

Every page is asked for in this process, as the web server would, by an account that is signed in; the answer is read
to its end. What the database server does in a process of its own is not in the figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flask.testing import FlaskClient

from bench.measures import Figure, figure
from bench.processes import NO_SERVER, has_server, server
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import ClaimTask, StartCase
from engine.people.directory import DEMO_PASSWORD
from web import create_app

CASES = 300  #: open ones: the work list has more than a page
TIMES = 40  #: pages of a kind; the cheapest quarter counts, since others use the machine too
AGENT = "agent1"
CALLER = {
    "customer_name": "陈大文",
    "contact_phone": "13800138000",
    "user_number": "13800138000",
    "question": "上个月多扣了三十元",
}


@dataclass(frozen=True)
class Desk:
    """An agent's browser on a full desk, and one task of theirs."""

    client: FlaskClient
    case: str
    task: int


#: which page, by what it is called → its address, and the bound in ms
PAGES: dict[str, tuple[Callable[[Desk], str], float]] = {
    "50": (lambda desk: "/?tab=queues", 10),  # the work list of the own queues, 50 tasks of hundreds
    "a_task": (lambda desk: f"/tasks/{desk.case}/{desk.task}", 6),  # one that the agent holds, with its form
    "a_case": (lambda desk: f"/cases/{desk.case}", 7),
}


def table() -> dict[str, Callable[[], Figure]]:
    """The measures by name: each page on both databases."""
    found: dict[str, Callable[[], Figure]] = {}
    for name, (path, bound) in PAGES.items():
        found[f"page_of_{name}_cpu_ms"] = partial(_measured, path, bound)
        found[f"page_of_{name}_postgresql_cpu_ms"] = partial(_on_postgresql, path, bound)
    return found


def _on_postgresql(path: Callable[[Desk], str], bound: float) -> Figure:
    if not has_server():
        return NO_SERVER
    with server() as url:
        return _measured(path, bound, url)


def _measured(path: Callable[[Desk], str], bound: float, url: str = "") -> Figure:
    with desk(url) as one:
        address = path(one)
        spent = sorted(_cpu(one.client, address) for _ in range(TIMES))
    kept = spent[: TIMES // 4]
    return figure(sum(kept) / len(kept) * 1e3, bound, f"CPU ms of {address.partition('?')[0]}")


def _cpu(client: FlaskClient, path: str) -> float:
    began = time.process_time()
    with client.get(path) as answer:
        text = answer.get_data()
    spent = time.process_time() - began
    if answer.status_code != 200 or b"</html>" not in text:
        raise AssertionError(f"{path}: {answer.status_code}")
    return spent


@contextmanager
def desk(url: str = "") -> Iterator[Desk]:
    """A desk with :data:`CASES` open cases and an agent who holds one of their tasks."""
    with TemporaryDirectory(prefix="gongdan-bench-") as folder:
        settings = Settings.from_env({"DATABASE_URL": url}, var=Path(folder), secret_key="b" * 40)
        gongdan = open_gongdan(settings, synchronous="OFF")
        try:
            case, task = _filled(gongdan)
            app = create_app(gongdan, settings)
            app.config["WTF_CSRF_ENABLED"] = False
            client = app.test_client()
            signed = client.post("/sign-in", data={"name": AGENT, "password": DEMO_PASSWORD})
            if signed.status_code != 303:
                raise AssertionError(f"sign-in: {signed.status_code}")
            yield Desk(client, case, task)
        finally:
            gongdan.close()


def _filled(gongdan: Gongdan) -> tuple[str, int]:
    gongdan.publish_folder()
    gongdan.people.ensure_demo()
    for _ in range(CASES):
        start = StartCase(process="cantonese_callback", data=CALLER, actor=AGENT, at=gongdan.now())
        case, task = (receipt := gongdan.dispatch(start)).case_id, receipt.opened[0]
    gongdan.dispatch(ClaimTask(case_id=case, task=task, actor=AGENT, at=gongdan.now()))
    return case, task
