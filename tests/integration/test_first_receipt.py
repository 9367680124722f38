"""A limit towards the customer counts from when the complaint was first heard, whenever that is learned."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.app import Gongdan
from engine.base.instants import iso
from engine.base.settings import Settings
from engine.case.clocks import Clocks
from engine.case.commands import AmendData, CompleteTask, StartCase
from engine.queries import work
from engine.queries.work import SlaClock
from tests.casework import Desk
from tests.clock import Clock
from tests.integration.test_pages_of_tasks import COMPLAINT, client_of, database_url

__all__ = ["database_url"]  # fixture

WHOLE = "c:CASE_REPLY"


def opened(gongdan: Gongdan) -> tuple[str, int]:
    """A complaint whose registration waits."""
    asked = StartCase(process="general_complaint", data={}, actor="agent1", at=gongdan.now())
    begun = gongdan.dispatch(asked)
    received = _complete(begun.case_id, begun.opened[0], {"variant": "customer", "soothed": True}, begun.at)
    return begun.case_id, gongdan.dispatch(received).opened[0]


def register(gongdan: Gongdan, case: str, task: int, received: str, **more: str) -> None:
    """Fill in the registration, with a first receipt."""
    gongdan.dispatch(_complete(case, task, {**COMPLAINT, "received_at": received, **more}, gongdan.now()))


def _complete(case: str, task: int, data: dict[str, Any], at: str) -> CompleteTask:
    return CompleteTask(case_id=case, task=task, data=data, actor="agent1", at=at)


def whole(gongdan: Gongdan, case: str) -> SlaClock:
    """The clock of the whole case."""
    return next(clock for clock in work.clocks(gongdan.db, case) if clock.clock == WHOLE)


def test_a_limit_counts_from_the_first_receipt_that_is_registered(shipped: Gongdan) -> None:
    case, task = opened(shipped)
    before = whole(shipped, case)
    received = iso(shipped.wall() - timedelta(days=2, hours=3))
    register(shipped, case, task, received, backdate_reason="前天来电时系统停用")
    after = whole(shipped, case)
    time = shipped.releases.current().time
    assert (before.started, after.started) == (iso(shipped.wall()), received)
    assert (
        after.due == iso(time.due("CASE_REPLY", shipped.wall() - timedelta(days=2, hours=3)).due) < before.due
    )
    assert [t.due_at for t in work.tasks(shipped.db, case) if t.state == "open"] == [after.due]
    assert shipped.verify(case).state == "identical"


def test_a_receipt_long_ago_is_told_as_overdue_at_once(shipped: Gongdan) -> None:
    case, task = opened(shipped)
    register(shipped, case, task, iso(shipped.wall() - timedelta(days=400)), backdate_reason="历史工单补录")
    while shipped.timers.wake_due(shipped.wall()):
        pass
    assert whole(shipped, case).state == "breached"
    assert shipped.verify(case).state == "identical"


def test_a_receipt_after_the_opening_gives_no_more_time(shipped: Gongdan, clock: Clock) -> None:
    case, task = opened(shipped)
    before = whole(shipped, case)
    clock.advance(minutes=50)
    register(shipped, case, task, iso(shipped.wall() - timedelta(minutes=1)))
    assert whole(shipped, case) == before


@pytest.mark.parametrize("value", ["yesterday", "2026-03-01T10:00:00", 7, None, "0000-00-00T00:00:00+00:00"])
def test_a_correction_that_is_no_instant_moves_nothing(desk: Desk, value: object) -> None:
    case = desk.start()
    before = work.clocks(desk.g.db, case)
    desk.g.dispatch(_amend(desk, case, value))
    assert work.clocks(desk.g.db, case) == before
    assert desk.g.verify(case).state == "identical"


@pytest.mark.parametrize("hours", [20, -5])
@pytest.mark.parametrize("parameter", ["TEL_NETWORK_REPLY", "COU_CLOSE_SEVERE"])
def test_a_paused_limit_has_so_much_less_or_more_left(shipped: Gongdan, parameter: str, hours: int) -> None:
    """As if it had been counted from the first receipt before it was paused; in hours of the clock and of work."""
    time, began = shipped.releases.current().time, shipped.wall() + timedelta(days=1)  # a Tuesday
    paused, resumed = began + timedelta(hours=6), began + timedelta(hours=50)
    other = began - timedelta(hours=hours)

    def due_after_pause(received: datetime, learned: datetime | None) -> str:
        clocks = Clocks(time)
        due = iso(time.due(parameter, received).due)
        clock = clocks.start("c:x", parameter, iso(received), due, None, None)
        clocks.pause(iso(paused))
        if learned is not None:
            clocks.recount(iso(learned), iso(paused))
        clocks.resume(iso(resumed))
        return clock.due

    assert time.pausable(parameter)
    assert due_after_pause(began, other) == due_after_pause(other, None) != due_after_pause(began, None)


@pytest.mark.parametrize("parameter", ["TEL_NETWORK_REPLY", "COU_CLOSE_SEVERE"])
def test_what_a_pause_gave_stays_given(shipped: Gongdan, parameter: str) -> None:
    """A receipt learned after a pause was over: the same as if it had been known before."""
    time, began = shipped.releases.current().time, shipped.wall() + timedelta(days=1)  # a Tuesday
    paused, resumed, other = (began + timedelta(hours=n) for n in (2, 26, -20))

    def due(received: datetime, learned: datetime | None) -> str:
        clocks = Clocks(time)
        clock = clocks.start(
            "c:x", parameter, iso(received), iso(time.due(parameter, received).due), None, None
        )
        clocks.pause(iso(paused))
        clocks.resume(iso(resumed))
        if learned is not None:
            clocks.recount(iso(learned), iso(resumed))
        return clock.due

    assert due(began, other) == due(other, None) < due(began, None)


def test_an_agreed_limit_stays_as_much_later_or_earlier_as_it_was_agreed(shipped: Gongdan) -> None:
    time, began = shipped.releases.current().time, shipped.wall()
    nominal = time.due("REG_TEL_REPLY", began).due
    earlier = began - timedelta(days=3)

    def due(agreed: timedelta) -> datetime:
        clocks = Clocks(time)
        clock = clocks.start("c:x", "REG_TEL_REPLY", iso(began), iso(nominal), None, None)
        clocks.move("c:x", iso(nominal + agreed), iso(began))
        clocks.recount(iso(earlier), iso(began))
        return datetime.fromisoformat(clock.due)

    assert due(timedelta(days=10)) == nominal - timedelta(days=3) + timedelta(days=10)
    assert due(timedelta(days=-1)) == nominal - timedelta(days=3), "the limit by law is the earlier one"
    assert due(timedelta(days=-8)) == nominal - timedelta(days=8), "what was promised is the earlier one"


def test_the_dossier_says_what_is_counted(shipped: Gongdan, settings: Settings) -> None:
    case, task = opened(shipped)
    register(shipped, case, task, iso(shipped.wall() - timedelta(days=1)), backdate_reason="昨日来电")
    page = client_of(shipped, settings, "auditor1").get(f"/cases/{case}/dossier").text
    assert "自首次受理起算" in page, "the timeline tells why the limit moved"
    limits = page.partition("时限")[2]
    assert "03-01 09:00" in limits


def _amend(desk: Desk, case: str, value: object) -> AmendData:
    return AmendData(
        case_id=case, data={"received_at": value}, reason="更正", actor="supervisor1", at=desk.at
    )
