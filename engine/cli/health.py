"""``run.py health``: whether an installation is well, asked from outside of its processes."""

from __future__ import annotations

import queue
import sys
import threading
from datetime import datetime

import click

from engine.base.errors import GongdanError, Unavailable
from engine.base.instants import SHANGHAI
from engine.operations import checks
from engine.operations.health import Health, State

from .common import answer, json_option, opened

PATIENCE = 8.0  #: seconds: a database that is locked or away lets nobody wait for longer
MARKS = {checks.OK: "ok  ", checks.WARN: "warn", checks.BAD: "BAD "}


@click.command("health")
@json_option
def health(as_json: bool) -> None:
    """Say whether work can be done, and by whom. Exit 1 when not."""
    state = _looked()
    told = [
        {
            "name": check.name,
            "state": check.state,
            "said": [str(one) for one in check.told],
            "detail": check.detail,
        }
        for check in state.checks
    ]
    lines = [
        f"{MARKS[check.state]} {check.name}" + "".join(f": {said}" for said in [_said(check)] if said)
        for check in state.checks
    ]
    running = [beat for beat in state.beats if beat.fresh]
    lines += [
        f"     {beat.kind} {beat.pid} on {beat.host} since "
        f"{datetime.fromisoformat(beat.started_at).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        for beat in running
    ]
    processes = [
        {"kind": b.kind, "host": b.host, "pid": b.pid, "started": b.started_at, "works": b.works}
        for b in running
    ]
    result = {"well": state.well, "release": state.release, "checks": told, "processes": processes}
    answer(result, as_json, "\n".join(lines))
    sys.exit(0 if state.well else 1)


def _said(check: checks.Check) -> str:
    said = "; ".join(map(str, check.told))
    return f"{said} ({check.detail})" if check.detail else said


def _looked() -> State:
    """What is found, in a thread that nobody waits for when the database holds it."""
    found: queue.SimpleQueue[State | GongdanError] = queue.SimpleQueue()
    threading.Thread(target=lambda: found.put(_look()), daemon=True).start()
    try:
        state = found.get(timeout=PATIENCE)
    except queue.Empty:
        raise Unavailable("the database does not answer") from None
    if isinstance(state, GongdanError):
        raise state
    return state


def _look() -> State | GongdanError:
    try:
        with opened(migrate=False, existing=True) as gongdan:
            return Health(gongdan, needs_worker=gongdan.keys.seed is None).seen()
    except GongdanError as error:
        return error
