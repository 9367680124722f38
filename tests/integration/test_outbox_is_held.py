"""What was sent to whom stands in the history: an outbox that says otherwise is found, one that is at work is not."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer
from engine.case.rebuild import differences
from engine.storage.tables import cases, outbox
from tests.casework import Desk, FakeGateway


@pytest.fixture
def sent(any_desk: Desk) -> tuple[Desk, str]:
    """A case with a message that was sent and one that waits for the end of quiet hours."""
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    any_desk.send()
    any_desk.clock.set("2026-03-02 23:30")
    any_desk.wake()
    any_desk.complete(case, result="busy")
    assert any_desk.values("SELECT state FROM outbox ORDER BY seq") == ["sent", "pending"]
    assert differences(any_desk.g, case) == []
    return any_desk, case


def write(desk: Desk, holding: str, **values: Any) -> None:
    with desk.g.db.begin() as connection:
        done = connection.execute(sa.update(outbox).where(outbox.c.state == holding).values(values))
        assert done.rowcount == 1


@pytest.mark.parametrize(
    ("state", "values", "said"),
    [
        ("sent", {"body": "我们同意赔偿十万元"}, "body is not what the history says"),
        ("sent", {"recipient": "13999999999"}, "recipient is not what the history says"),
        ("sent", {"created_at": "2026-01-01T00:00:00+00:00"}, "created_at is not what the history says"),
        ("sent", {"sent_at": "2026-01-01T00:00:00+00:00"}, "sent_at is not what the history says"),
        ("sent", {"state": "failed"}, "it is failed, and by the history sent"),
        ("sent", {"state": "pending"}, "it is pending, and by the history sent"),
        ("pending", {"state": "sent"}, "it is sent, and by the history pending"),
        ("pending", {"state": "cancelled"}, "it is cancelled, and by the history pending"),
        ("pending", {"next_at": "9999-01-01T00:00:00+00:00"}, "it waits for another instant"),
        ("pending", {"kind": "mail"}, "kind is not what the history says"),
        ("pending", {"template": "other"}, "template is not what the history says"),
        ("pending", {"id": "another"}, "is gone"),
        ("sent", {"id": "another"}, "was never asked for"),
    ],
)
def test_an_entry_that_is_not_what_history_says_is_found(
    sent: tuple[Desk, str], state: str, values: dict[str, Any], said: str
) -> None:
    desk, case = sent
    write(desk, state, **values)
    assert any(said in line for line in differences(desk.g, case)), differences(desk.g, case)


@pytest.mark.parametrize("answers", [[RETRY], [RETRY, SENT], [FAILED], [UNKNOWN], [FAILED, SENT]])
def test_an_outbox_at_work_is_no_finding(any_desk: Desk, answers: list[str]) -> None:
    any_desk.g.outbox._gateways["sms"] = FakeGateway(*(Answer(state, "said") for state in answers))
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    for _ in answers:
        any_desk.send()
        assert differences(any_desk.g, case) == []
        for entry in any_desk.values("SELECT id FROM outbox WHERE state IN ('failed', 'unknown')"):
            any_desk.g.outbox.send_again(str(entry), any_desk.clock.instant)
            assert differences(any_desk.g, case) == [], "a person asked for it"
        any_desk.clock.advance(minutes=30)


def test_a_case_that_time_would_forget_is_found(sent: tuple[Desk, str]) -> None:
    desk, case = sent
    for wrong in (None, "2030-01-01T00:00:00+00:00"):
        with desk.g.db.begin() as connection:
            connection.execute(sa.update(cases).where(cases.c.id == case).values(next_due=wrong))
        assert any("it wakes at" in line for line in differences(desk.g, case))
