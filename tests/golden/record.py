"""Record golden histories of the version in force: ``python -m tests.golden.record``.

Every scenario of the shipped processes is played (each process to each of its ends), and the small company of the
tests does what people rarely do. A version that was recorded is never recorded again: what lies there is the proof
that later code still executes it. Keys come from a seed, so recording the same commands gives the same bytes.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.app import Gongdan
from engine.base.errors import TechnicalFailure
from engine.base.instants import iso
from engine.base.sending import FAILED, SENT, Answer
from engine.base.settings import CHECKOUT
from engine.case import store
from engine.case.commands import (
    AmendData,
    AssignTask,
    ClaimTask,
    Command,
    CompleteTask,
    MoveClock,
    PauseClocks,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    StartCase,
)
from engine.case.history import ENGINE
from engine.case.store import case_ids
from engine.operations.erasure import erase
from engine.queries import work
from engine.queries.work import all_incidents
from engine.release.release import sha256
from engine.release.releases import read_folder
from engine.release.scenario_files import load
from engine.scenarios.project import bench, run_all
from tests.bpmn_text import bpmn, end, script, service, timer_on, user
from tests.casework import CUSTOMER, FILES, FakeGateway
from tests.erasing import REQUEST
from tests.golden.files import FOLDER, SUMS, GoldenCase, kept_files, write_cases, write_release

SEED = "golden"
BEGAN = datetime.fromisoformat("2026-03-02T02:00:00+00:00")

#: fails at ``share`` where ``parts`` is 0, in a task and in a timer; opens another case at its end
ODD = bpmn(
    "odd",
    "start > call > share > check > again > end; t_remind > late > chase > end_t",
    user("call", form="call"),
    script("share", "each = total / parts"),
    user("check", form="call"),
    service("again", service="case", process="work", event='"again"', carries="content, contact_phone"),
    timer_on("call", "t_remind", '"PT1H"'),
    script("late", "late_share = total / parts"),
    user("chase", form="call"),
    end("end", outcome="shared"),
    startable="true",
    case_clocks="REG_TEL_REPLY",
)

#: the second message takes the first one back
TAKEN_BACK = bpmn(
    "taken_back",
    "start > call > first > check > second > end",
    user("call", form="call"),
    service("first", service="sms", template='"sms_attempt"', to="contact_phone", event='"first"'),
    user("check", form="call"),
    service(
        "second",
        service="sms",
        template='"sms_attempt"',
        to="contact_phone",
        event='"second"',
        withdraws='["first", "never asked"]',
    ),
    end("end", outcome="told"),
    startable="true",
)
#: one branch alone reaches the join of two
STANDS_STILL = bpmn(
    "stands_still",
    "start > call > x_way > p_join > end; x_way > check: result == 'no'; check > p_join",
    user("call", form="call"),
    user("check", form="call"),
    startable="true",
)
_DRAWN = {"odd": ODD, "taken_back": TAKEN_BACK, "stands_still": STANDS_STILL}
ODD_FILES = {path: body for path, body in FILES.items() if body is not None} | {
    f"bpmn/tests/{name}.bpmn": body for name, body in _DRAWN.items()
}


class Company:
    """The small company of the tests, on a throw-away engine with a clock that only moves when told."""

    def __init__(self, gongdan: Gongdan) -> None:
        self.g = gongdan
        self.at = BEGAN

    @property
    def now(self) -> str:
        """The instant that commands carry."""
        return iso(self.at)

    def later(self, **how_much: float) -> None:
        """Let time pass, and what it brings happen."""
        self.at += timedelta(**how_much)
        self.g.timers.wake_due(self.at)
        self.g.outbox.work(self.at)

    def retry(self, *skip: str) -> None:
        """Try the step whose incident is open once more, or pass it over."""
        (found,) = all_incidents(self.g.db, self.g.people.get("admin1"))
        self.g.incidents.retry(found.id, "supervisor1", self.at, skip)

    def start(self, process: str, **data: Any) -> str:
        """Open a case of a customer."""
        command = StartCase(process=process, data={**CUSTOMER, **data}, actor="agent1", at=self.now)
        return self.g.dispatch(command).case_id

    def task(self, case: str, element: str) -> int:
        """The open task of an element."""
        open_now = (t for t in work.tasks(self.g.db, case) if t.state == "open" and t.element == element)
        return next(open_now).task

    def send(self, kind: type[Command], case: str, actor: str = "supervisor1", **what: Any) -> None:
        """Give a command."""
        self.g.dispatch(kind(case_id=case, actor=actor, at=self.now, **what))

    def complete(self, case: str, element: str, actor: str = "agent1", **data: Any) -> None:
        """Complete the open task of an element."""
        self.send(CompleteTask, case, actor, task=self.task(case, element), data=data)


def odd_cases(company: Company) -> None:
    """What people rarely do, each on a case of its own."""
    # claimed, given back, assigned; a message that fails, is unknown, is sent; reached late, warned and breached
    case = company.start("work")
    call = company.task(case, "call")
    company.send(ClaimTask, case, "agent1", task=call)
    company.send(ReleaseTask, case, "agent1", task=call)
    company.send(AssignTask, case, task=call, to="agent2", reason="熟悉该客户")
    company.complete(case, "call", "agent2", result="busy", said="稍后再打 13900001111", note="占线")
    company.later(hours=3)
    company.complete(case, "call", "agent2", result="reached", note="陈大文 已了解")
    company.later(days=1)

    # paused with a reason that names the customer, run on; a limit moved
    case = company.start("work")
    company.later(minutes=30)
    company.send(PauseClocks, case, reason="客户出国,陈大文 3 月 9 日回")
    company.later(days=7)
    company.send(ResumeClocks, case)
    company.send(
        MoveClock, case, clock="c:REG_TEL_REPLY", due=iso(company.at + timedelta(days=30)), reason="双方同意"
    )
    company.complete(case, "call", result="reached")

    # warned and breached on the whole case, then corrected
    case = company.start("work")
    company.later(days=20)
    company.send(AmendData, case, data={"content": "更正后的内容", "priority": "P1"}, reason="记录有误")
    company.complete(case, "call", result="reached")

    # heard before the case was opened, as is learned later: its limit counts from then, also while it is paused
    case = company.start("work")
    company.later(hours=1)
    company.send(AmendData, case, data={"received_at": iso(BEGAN - timedelta(days=3))}, reason="补登首次来电")
    company.send(PauseClocks, case, reason="等客户资料")
    company.later(days=1)
    company.send(AmendData, case, data={"received_at": iso(BEGAN - timedelta(days=5))}, reason="更早来电")
    company.send(ResumeClocks, case)
    company.complete(case, "call", result="reached")

    # a step fails, is corrected and tried again; the case opens another one
    case = company.start("odd", total=10, parts=0)
    with suppress(TechnicalFailure):
        company.complete(case, "call", result="ok")
    company.send(AmendData, case, data={"parts": 4}, reason="除数有误")
    company.retry()
    company.complete(case, "check", result="ok")
    company.later(minutes=1)

    # a step fails in a timer and is passed over by a supervisor's leave
    case = company.start("odd", total=10, parts=0)
    company.later(hours=2)
    company.retry("late")
    company.complete(case, "chase", result="ok")

    # put off by a supervisor, and let go at once
    case = company.start("work")
    call = company.task(case, "call")
    company.send(
        RescheduleTask, case, task=call, not_before=iso(company.at + timedelta(days=2)), reason="客户出差"
    )
    company.send(RescheduleTask, case, task=call, not_before=None, reason="客户提前回来")
    company.complete(case, "call", result="reached")

    # paused, and worked on all the same: the limits run on
    case = company.start("work")
    company.send(PauseClocks, case, reason="等客户的单据")
    company.later(days=3)
    company.complete(case, "call", result="reached")

    # a message that a later one contradicts
    case = company.start("taken_back", attempts=1)
    company.complete(case, "call", result="busy")
    company.complete(case, "check", result="reached")

    # nothing can happen any more, and a correction does not help
    case = company.start("stands_still")
    company.complete(case, "call", result="yes", note="只到了一条路")
    company.send(AmendData, case, data={"remark": "客户说不用再打", "priority": "P2"}, reason="补记")

    # kept off, closed, and erased
    command = StartCase(
        process="work", data=CUSTOMER, respondent="agent2", external_id="T-1", actor="agent1", at=company.now
    )
    case = company.g.dispatch(command).case_id
    company.complete(case, "call", result="reached", said="王大力")
    company.later(hours=12)
    erase(company.g, [case], REQUEST)


def record(files: Mapping[str, bytes], play: str) -> Iterator[GoldenCase]:
    """Play on a throw-away engine whose release is ``files``; yields every case that came of it."""
    name = write_release(files)
    with bench(files) as gongdan:
        gongdan.keys.mark_simulated(SEED)
        if play == "scenarios":
            _, failed = run_all(gongdan, load(files))
            if failed:
                raise SystemExit(f"scenarios fail: {failed[0]}")
        else:
            answers = (Answer(FAILED, "空号"), Answer(SENT, "ok"))
            gongdan.outbox._gateways["sms"] = FakeGateway(*answers)
            odd_cases(Company(gongdan))
        for case_id in case_ids(gongdan.db):
            head = store.head(gongdan.db, case_id)
            assert head is not None
            rows = tuple(store.rows(gongdan.db, case_id))
            yield GoldenCase(case_id, head.process, name, gongdan.keys.get(case_id), rows)


def write(version: str, cases: Iterable[GoldenCase], prefix: str = "") -> None:
    """Write cases into one file a process, under the folder of a version."""
    grouped: dict[str, list[GoldenCase]] = defaultdict(list)
    for case in cases:
        grouped[case.process].append(case)
    for process, found in grouped.items():
        write_cases(FOLDER / f"v{version}" / f"{prefix}{process}.json.gz", found)


def list_digests() -> None:
    """Add what is new to the list of digests; what is listed already stays as it was listed."""
    listed = dict(line.split("  ")[::-1] for line in SUMS.read_text().splitlines()) if SUMS.exists() else {}
    for path in kept_files():
        listed.setdefault(str(path.relative_to(FOLDER)), sha256(path.read_bytes()))
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(listed.items())))


def main() -> None:
    """Record the version in force, once."""
    folder: Path = FOLDER / f"v{ENGINE}"
    if folder.exists():
        sys.exit(
            f"version {ENGINE} is recorded already; a change of behaviour is a new version (engine/case/behaviour.py)"
        )
    write(ENGINE, record(read_folder(CHECKOUT), "scenarios"))
    write(ENGINE, record(ODD_FILES, "odd"), prefix="odd_")
    list_digests()


if __name__ == "__main__":
    main()
