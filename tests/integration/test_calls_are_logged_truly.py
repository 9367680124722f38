"""The time of a call is when it was made: checked against the task, the gap, quiet hours and what was agreed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.app import Gongdan
from engine.base.errors import InvalidForm
from engine.case.commands import CompleteTask
from engine.queries import work
from tests.clock import Clock
from tests.integration.test_pages_of_tasks import database_url, gongdan, registered

__all__ = ["database_url", "gongdan"]  # fixtures


def _call(gongdan: Gongdan, case: str, task: int, **answers: Any) -> int:
    """Log a call of Cantonese callback; the number of the task that opens next."""
    data = {"direction": "outbound", "result": "no_answer", "started_at": gongdan.now(), **answers}
    asked = CompleteTask(case_id=case, task=task, data=data, actor="yue1", at=gongdan.now())
    return next(iter(gongdan.dispatch(asked).opened), 0)


def _refused(gongdan: Gongdan, case: str, task: int, **answers: Any) -> dict[str, str]:
    with pytest.raises(InvalidForm) as raised:
        _call(gongdan, case, task, **answers)
    return {error.field: error.code for error in raised.value.errors}


def _ago(gongdan: Gongdan, **span: float) -> str:
    return (datetime.fromisoformat(gongdan.now()) - timedelta(**span)).isoformat()


def test_a_call_cannot_be_older_than_its_task(gongdan: Gongdan, clock: Clock) -> None:
    clock.advance(minutes=3)
    case, task = registered(gongdan)
    clock.advance(seconds=50)
    assert _refused(gongdan, case, task, started_at=_ago(gongdan, minutes=2)) == {"started_at": "too_early"}
    second = _call(
        gongdan, case, task, started_at=_ago(gongdan, seconds=50)
    )  # the very minute it opened is not before
    clock.advance(minutes=30)
    late = {"started_at": _ago(gongdan, minutes=31), "started_late_reason": "线路故障", "direction": "inbound",
            "result": "refused"}  # fmt: skip
    assert _refused(gongdan, case, second, **late) == {"started_at": "too_early"}  # before the case
    late["started_at"] = _ago(gongdan, minutes=30, seconds=20)
    assert _refused(gongdan, case, second, **late) == {"started_at": "rule"}  # in the same minute as it


def test_a_call_between_two_calls_is_older_than_the_second_task(gongdan: Gongdan, clock: Clock) -> None:
    case, task = registered(gongdan)
    clock.advance(minutes=30)
    late = {"started_at": _ago(gongdan, minutes=29), "started_late_reason": "系统打不开"}
    second = _call(gongdan, case, task, **late)
    clock.advance(hours=3)
    asked = {"started_at": _ago(gongdan, hours=3, minutes=10), "started_late_reason": "补记"}
    assert _refused(gongdan, case, second, **asked) == {"started_at": "call_before_task"}


def test_a_time_that_was_prefilled_long_ago_does_not_stand(gongdan: Gongdan, clock: Clock) -> None:
    case, task = registered(gongdan)
    second = _call(gongdan, case, task)
    offered = gongdan.now()
    clock.advance(hours=2, minutes=11)
    assert _refused(gongdan, case, second, started_at=offered) == {
        "started_at": "rule",
        "started_late_reason": "required",
    }
    wait = {"started_at": _ago(gongdan, minutes=20), "started_late_reason": "补记"}
    assert _refused(gongdan, case, second, **wait) == {"started_at": "call_too_soon"}
    assert _refused(gongdan, case, second, started_at=_ago(gongdan, minutes=11)) == {
        "started_late_reason": "required"
    }
    _call(gongdan, case, second, started_at=_ago(gongdan, minutes=11), started_late_reason="先接了另一通来电")
    last = work.messages(gongdan.db, case)[-1]
    assert last.body.count("3月2日") == 2
    assert "3月2日 09:00、3月2日 11:00两次致电" in last.body


def test_an_agreed_time_is_kept_at_the_last_attempt_and_is_not_a_typing_error(
    gongdan: Gongdan, clock: Clock
) -> None:
    case, task = registered(gongdan)
    second = _call(gongdan, case, task)
    clock.advance(hours=3)
    agreed = {"result": "child_answered"}
    for year in ("2062-03-03T09:00:00+00:00", _ago(gongdan, days=-61)):
        wrong = _refused(gongdan, case, second, promised_next_contact_at=year, **agreed)
        assert wrong == {"promised_next_contact_at": "too_late"}
    third = _call(gongdan, case, second, promised_next_contact_at=_ago(gongdan, days=-3), **agreed)
    clock.advance(days=2)
    assert _refused(gongdan, case, third) == {"started_at": "call_before_promise"}
    clock.advance(days=1)
    assert _call(gongdan, case, third) == 0
    assert "3次致电" in work.messages(gongdan.db, case)[-1].body


def test_the_customers_own_call_needs_no_waiting(gongdan: Gongdan, clock: Clock) -> None:
    clock.advance(hours=11, minutes=50)  # ten to nine in the evening
    case, task = registered(gongdan)
    second = _call(gongdan, case, task)
    clock.advance(hours=1)  # quiet hours, and the gap is not over
    assert _refused(gongdan, case, second) == {"started_at": "quiet_hours"}
    for result in ("no_answer", "busy", "powered_off", "wrong_number", "child_answered"):
        assert _refused(gongdan, case, second, direction="inbound", result=result) == {"result": "rule"}
    spoken = {"summary": "已解答", "answer_given": "漫游按天计费"}
    assert _call(gongdan, case, second, direction="inbound", result="reached", **spoken)
