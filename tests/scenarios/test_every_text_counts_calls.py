"""Odd sequences of calls in every process that makes them: what a text says of calls is what was logged.

A text to a customer counts only calls that we made and that did not reach them, at the instants that were logged. It
does not say that nobody could be reached when they answered, and one that the next call overtakes is taken back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.app import Gongdan
from engine.base.errors import InvalidForm, Rejected
from engine.base.instants import SHANGHAI, iso
from engine.base.settings import CHECKOUT
from engine.case.commands import CompleteTask
from engine.forms.calls import CALLED_AT
from engine.queries import work
from engine.release.releases import read_folder
from engine.scenarios import Run, Scenario, bench, load

FILES = read_folder(CHECKOUT)
ROUNDS, FULL_ROUNDS = 8, 20  #: odd sequences for each place where a process begins to call
PLACES = 6  #: such places of one process, at most
TRIES = 60  #: calls tried in one sequence
MISSED = ("no_answer", "busy", "powered_off", "child_answered", "wrong_number")
RESULTS = (*MISSED, "refused", "reached")
COUNTS = [
    re.compile(words)
    for words in (
        r"致电(\d+)次",
        r"(两|\d+)次致电",
        r"致電(\d+)次",
        r"共(\d+)次致電",
        r"called you (\d+) times",
    )
]
UNREACHED = re.compile(
    "未能与您|未能與您|未能成功联系|未能成功聯絡|could not reach you|could not speak with you"
)
DECLINED = re.compile("不便多谈|不便多談|you could not talk")
#: every text of the release that speaks of calls to the customer
SPEAKS = {
    key.removeprefix("bpmn/templates/").removesuffix(".json")
    for key, body in FILES.items()
    if key.startswith("bpmn/templates/")
    and b'"kind": "sms"' in body
    and (UNREACHED.search(body.decode()) or DECLINED.search(body.decode()))
}


def _is_call(step: dict[str, Any]) -> bool:
    return CALLED_AT in step.get("data", {}) and "refused" not in step


def _places() -> dict[str, list[tuple[Scenario, int]]]:
    """Process → where its scenarios begin a round of calls: the scenario and the number of its step."""
    found: dict[str, list[tuple[Scenario, int]]] = {}
    for scenario in load(FILES):
        calling = False
        for number, step in enumerate(scenario.steps):
            if _is_call(step) and not calling:
                found.setdefault(scenario.process, []).append((scenario, number))
            calling = _is_call(step) or (calling and ("complete" not in step or "refused" in step))
    return found


PLACES_OF = _places()


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine; nothing leaves its outbox."""
    with bench(FILES) as gongdan:
        yield gongdan


class OddCaller:
    """Somebody who logs calls of all kinds, at odd times, until the case goes on without calls."""

    def __init__(self, run: Run, rng: random.Random, account: str) -> None:
        self.run, self.rng, self.account = run, rng, account
        self.mood = rng.choice((("no_answer", "busy"), MISSED, RESULTS, (*MISSED, "refused")))
        self.calls: list[dict[str, Any]] = []  #: those that were logged in this round
        self.sent: set[str] = set()  #: templates of the texts of this round
        self.told: set[str] = {message.id for message in self.messages()}

    def messages(self) -> list[work.Message]:
        return [m for m in work.messages(self.run.gongdan.db, self.run.case_id) if m.kind == "sms"]

    def task(self) -> work.Task | None:
        release = self.run.gongdan.releases.current()
        for task in work.tasks(self.run.gongdan.db, self.run.case_id):
            form = release.forms.get(task.form or "")
            if task.state == "open" and form is not None and CALLED_AT in form.names:
                return task
        return None

    def go(self) -> None:
        for number in range(TRIES):
            if (task := self.task()) is None:
                return
            self._let_time_pass(task, sensible=number % 3 == 2)
            if (task := self.task()) is not None:
                self._try(task, self._call(task))
            if self._is_over():
                return

    def _is_over(self) -> bool:
        """Whether the round of calls has ended; the case may begin another one at once."""
        if not self.calls or self.run._find_outcome(None) is not None:
            return self.task() is None
        data = self.run.gongdan.dispatcher.current(self.run.case_id).machine.any_data()
        return self.calls[-1]["result"] == "reached" or bool(data.get("contact_given_up"))

    def _let_time_pass(self, task: work.Task, *, sensible: bool) -> None:
        until = self.run.at + timedelta(minutes=self.rng.choice((0, 1, 7, 40, 130, 700)))
        if sensible and task.not_before:
            until = max(self.run.at, datetime.fromisoformat(task.not_before)) + timedelta(
                minutes=self.rng.choice((0, 5))
            )
        self.run._pass(until)

    def _call(self, task: work.Task) -> dict[str, Any]:
        rng, form = self.rng, self.run.gongdan.releases.current().forms[task.form or ""]
        call: dict[str, Any] = {
            "direction": rng.choice(("outbound", "outbound", "outbound", "inbound")),
            "result": rng.choice(self.mood),
            CALLED_AT: iso(self.run.at - timedelta(minutes=rng.choice((0, 0, 0, 3, 45, 400)))),
            "started_late_reason": "事后补记",
            "summary": "通话摘要",
        }
        if rng.random() < (0.4 if call["result"] in ("child_answered", "refused") else 0.1):
            call["promised_next_contact_at"] = iso(self.run.at + timedelta(hours=rng.randint(1, 90)))
        if "answer_given" in form.names:
            call["answer_given"] = "漫游按天计费"
            if rng.random() < 0.3:
                call |= {"needs_reconfirmation": True}
            if rng.random() < 0.3:
                call |= {"query_result": "业务已恢复", "query_result_personal": False}
        return call

    def _try(self, task: work.Task, call: dict[str, Any]) -> None:
        asked = CompleteTask(
            case_id=self.run.case_id, task=task.task, data=call, actor=self.account, at=iso(self.run.at)
        )
        try:
            self.run.gongdan.dispatch(asked)
        except (InvalidForm, Rejected):  # the forms refuse odd calls, and nothing happened
            assert self.task() == task
            return
        self._check_call(task, call)
        self.calls.append(call)
        self._check_texts()

    def _check_call(self, task: work.Task, call: dict[str, Any]) -> None:
        started, minute = datetime.fromisoformat(call[CALLED_AT]), timedelta(minutes=1)
        assert started <= self.run.at
        assert started > datetime.fromisoformat(task.opened_at) - minute
        assert all(started - datetime.fromisoformat(one[CALLED_AT]) >= minute for one in self.calls)
        if call["direction"] == "inbound":
            assert call["result"] in ("reached", "refused")
        elif task.not_before is not None:
            assert started > datetime.fromisoformat(task.not_before) - minute

    def _check_texts(self) -> None:
        ours = [one for one in self.calls if one["direction"] == "outbound" and one["result"] in MISSED]
        last, messages = self.calls[-1]["result"], self.messages()
        for message in messages:
            if message.id in self.told:
                overtaken = UNREACHED.search(message.body) or DECLINED.search(message.body)
                assert not (overtaken and message.state == "pending"), f"not taken back: {message.body}"
                continue
            self.told.add(message.id)
            self.sent.add(message.template)
            counts = [int(found.replace("两", "2")) for one in COUNTS for found in one.findall(message.body)]
            assert set(counts) <= {len(ours)}, f"{message.body}: {self.calls}"
            assert not UNREACHED.search(message.body) or last in MISSED, message.body
            assert not DECLINED.search(message.body) or last == "refused", message.body
            assert last != "wrong_number", "it would go to somebody else"
            if message.template.startswith("sms_cantonese_2"):
                days = [datetime.fromisoformat(one[CALLED_AT]).astimezone(SHANGHAI) for one in ours]
                written = [f"{d.month}月{d.day}日 {d:%H:%M}" for d in days], [f"{d:%Y-%m-%d}" for d in days]
                assert any("、".join(dates) in message.body for dates in written), message.body


def _started(engine: Gongdan, scenario: Scenario, number: int, locale: str) -> Run:
    """A case that was brought by a scenario to where it begins to call, with texts in ``locale``."""
    fields = {name: getattr(scenario, name) for name in scenario.__slots__}
    run = Run(engine, Scenario(**{**fields, "start": {**scenario.start, "sms_locale": locale}}))
    run.case_id = run._start()
    for step in scenario.steps[:number]:
        run._wake()
        if "expect" not in step:
            run._take(step)
    return run


def test_what_a_text_says_of_calls_is_what_was_logged(engine: Gongdan, full: bool) -> None:
    sent: set[str] = set()
    for number_of_round in range(FULL_ROUNDS if full else ROUNDS):
        if number_of_round > 1 and not full and sent >= SPEAKS:
            break
        for process, places in PLACES_OF.items():
            rng = random.Random(f"calls of {process}, {number_of_round}")
            for scenario, number in rng.sample(places, min(PLACES, len(places))):
                run = _started(engine, scenario, number, rng.choice(("zh-Hans", "zh-Hant-HK", "en")))
                caller = OddCaller(run, rng, scenario.steps[number]["by"])
                caller.go()
                assert caller.calls, f"no call could be logged in {process}: {scenario.name}"
                sent |= caller.sent
    assert SPEAKS - sent == set(), "texts that speak of calls and were never sent"
