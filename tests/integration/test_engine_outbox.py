"""The outbox: sent after commit, once for one event ever, and never again by itself when nobody can know."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.base.errors import NotFound, Rejected, Unavailable
from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry
from engine.case.commands import AmendData, RecordServiceResult
from engine.delivery.outbox import LEASE, MAX_ATTEMPTS, Outbox
from engine.operations.erasure import erase
from tests.casework import Desk, FakeGateway
from tests.erasing import REQUEST


@pytest.fixture
def gateway(any_desk: Desk) -> FakeGateway:
    """A gateway in place of the console."""
    fake = FakeGateway()
    any_desk.g.outbox = Outbox(any_desk.g.db, any_desk.g.dispatcher, {"sms": fake})
    return fake


def state(desk: Desk) -> list[Any]:
    """States of all entries, oldest first."""
    return desk.values("SELECT state FROM outbox ORDER BY created_at, id")


def test_what_was_asked_is_sent_and_the_answer_becomes_part_of_the_case(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    assert gateway.sent == [], "nothing leaves before the command is committed and the outbox works"
    assert any_desk.send() == [SENT]
    (entry,) = gateway.sent
    assert (entry.recipient, entry.body) == ("13812345678", "陈大文您好,第1次回访")
    actor, _, command, effects = any_desk.history(case)[-1]
    assert (actor, command["type"], command["state"]) == ("system:outbox", "service_result", SENT)
    assert effects["service"][1] == SENT
    assert any_desk.send() == []


def test_a_refused_command_sends_nothing(any_desk: Desk, gateway: FakeGateway) -> None:
    case = any_desk.start()
    any_desk.claim(case, actor="agent2")
    with pytest.raises(Rejected):
        any_desk.complete(case, result="busy")
    assert any_desk.send() == []
    assert state(any_desk) == []
    assert gateway.sent == []


def test_one_event_is_sent_once_ever(any_desk: Desk, gateway: FakeGateway) -> None:
    """The second request under the same key is noted as suppressed, however it came about."""
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    any_desk.g.dispatch(
        AmendData(case_id=case, data={"attempts": 0}, reason="重来", actor="supervisor1", at=any_desk.at)
    )
    any_desk.complete(case, result="busy")  # asks for attempt 1 again
    assert any_desk.send() == [SENT]
    assert len(gateway.sent) == 1
    suppressed = [
        effects["suppressed"] for _, _, _, effects in any_desk.history(case) if "suppressed" in effects
    ]
    assert suppressed == [["['attempt', 1]"]]


def test_a_busy_provider_is_asked_again_later_and_later_still(any_desk: Desk, gateway: FakeGateway) -> None:
    gateway.answers = [Answer(RETRY, "HTTP 503")] * 3
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    assert any_desk.send() == ["pending"]
    waits = []
    for _ in range(3):
        seconds = 0
        while not any_desk.send():
            any_desk.clock.advance(seconds=5)
            seconds += 5
        waits.append(seconds)
    assert waits == [30, 60, 120]
    assert state(any_desk) == [SENT]
    assert len(gateway.sent) == 4
    assert any_desk.kinds(case).count("service_result") == 1, "only the outcome is a fact of the case"


def test_after_the_last_attempt_it_has_failed_and_a_person_may_ask_again(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    gateway.answers = [Answer(RETRY, "HTTP 503")] * MAX_ATTEMPTS
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    for _ in range(MAX_ATTEMPTS):
        any_desk.send()
        any_desk.clock.advance(hours=1)
    assert state(any_desk) == [FAILED]
    assert any_desk.send() == []
    (entry,) = any_desk.values("SELECT id FROM outbox")
    any_desk.g.outbox.send_again(entry, any_desk.clock.instant)
    assert any_desk.send() == [SENT]
    results = [c["state"] for _, _, c, _ in any_desk.history(case) if c["type"] == "service_result"]
    assert results == [FAILED, SENT], "both outcomes stay in history"


def test_what_a_person_sends_again_is_tried_as_often_as_the_first_time(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    gateway.answers = [Answer(RETRY, "HTTP 503")] * 2 * MAX_ATTEMPTS
    any_desk.complete(any_desk.start(), result="busy")
    for _ in range(2):
        waits = []
        while (came := any_desk.send()) != [FAILED]:
            assert came == ["pending"]
            waits.append(0)
            while not any_desk.g.outbox.is_due(any_desk.clock.instant):
                any_desk.clock.advance(seconds=30)
                waits[-1] += 30
        assert waits == [30, 60, 120, 240, 480]
        (entry,) = any_desk.values("SELECT id FROM outbox")
        any_desk.g.outbox.send_again(entry, any_desk.clock.instant)
    assert any_desk.send() == [SENT]


def test_a_sender_that_was_believed_dead_does_not_touch_what_is_sent_again(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    any_desk.complete(any_desk.start(), result="busy")
    slow = begun(any_desk)
    any_desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert any_desk.send() == [UNKNOWN]
    any_desk.g.outbox.send_again(slow.id, any_desk.clock.instant)
    again = begun(any_desk)
    any_desk.g.outbox._postpone(slow, "HTTP 503", any_desk.clock.instant)
    assert state(any_desk) == ["sending"]
    assert again.attempts > slow.attempts


def begun(desk: Desk) -> Entry:
    """The one message, in the hands of a sender."""
    (claimed,) = desk.g.outbox._claim(desk.clock.instant, 1)
    under_way = desk.g.outbox._begin(claimed, desk.clock.instant)
    assert under_way is not None
    return under_way


def test_a_message_whose_case_is_erased_under_way_is_a_quiet_line(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="reached")

    class Erasing(FakeGateway):
        def send(self, entry: Entry) -> Answer:
            erase(any_desk.g, [case], REQUEST)
            return super().send(entry)

    any_desk.g.outbox._gateways["sms"] = Erasing()
    with capture_logs() as lines:
        assert any_desk.send() == []
    assert [(line["log_level"], "erased" in line["event"]) for line in lines if "entry" in line] == [
        ("info", True)
    ]
    assert state(any_desk) == ["cancelled"]


@pytest.mark.parametrize("outcome", [UNKNOWN, FAILED])
def test_what_is_unknown_or_failed_is_never_sent_again_by_itself(
    any_desk: Desk, gateway: FakeGateway, outcome: str
) -> None:
    gateway.answers = [Answer(outcome, "time-out")]
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    assert any_desk.send() == [outcome]
    for _ in range(5):
        any_desk.clock.advance(days=1)
        assert any_desk.send() == []
    assert len(gateway.sent) == 1
    assert state(any_desk) == [outcome]


def test_only_what_failed_or_is_unknown_can_be_asked_for_again(any_desk: Desk, gateway: FakeGateway) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    any_desk.send()
    (entry,) = any_desk.values("SELECT id FROM outbox")
    for wrong in (entry, "no/such"):
        with pytest.raises((Rejected, NotFound)):
            any_desk.g.outbox.send_again(wrong, any_desk.clock.instant)
    assert len(gateway.sent) == 1


def test_a_claim_that_a_fast_clock_made_keeps_no_message_waiting(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    now = any_desk.clock.instant
    assert any_desk.g.outbox._claim(now + timedelta(hours=1), 10), "by a worker that then dies"
    assert any_desk.send() == [SENT]
    assert len(gateway.sent) == 1


def test_a_sender_that_died_while_sending_leaves_an_unknown_and_nothing_else(
    any_desk: Desk, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three entries one was under way: only that one is unknown, the others are sent by the next worker."""

    class Killed(BaseException):
        pass

    def die(entry: Entry) -> Answer:
        raise Killed

    for _ in range(3):
        any_desk.complete(any_desk.start(), result="busy")
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "send", die)
        with pytest.raises(Killed):
            any_desk.send()
    any_desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    any_desk.send()
    any_desk.send()
    assert sorted(state(any_desk)) == [SENT, SENT, UNKNOWN]
    assert len(gateway.sent) == 2


def test_an_answer_that_cannot_be_recorded_does_not_spoil_the_other_entries(
    any_desk: Desk, gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        any_desk.complete(any_desk.start(), result="busy")
    usual = any_desk.g.dispatcher.dispatch

    def full_once(command: Any, *beside: Any) -> Any:
        if isinstance(command, RecordServiceResult):
            monkeypatch.setattr(any_desk.g.dispatcher, "dispatch", usual)
            raise Unavailable("disk full")
        return usual(command, *beside)

    monkeypatch.setattr(any_desk.g.dispatcher, "dispatch", full_once)
    with pytest.raises(Unavailable):
        any_desk.send()
    any_desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    any_desk.send()
    any_desk.send()
    assert sorted(state(any_desk)) == [SENT, SENT, UNKNOWN]
    assert len(gateway.sent) == 3, "the first was sent, its answer lost: it is not sent again"


def test_two_senders_share_the_work(any_desk: Desk, gateway: FakeGateway) -> None:
    for _ in range(20):
        any_desk.complete(any_desk.start(), result="busy")
    with ThreadPoolExecutor(3) as pool:
        for sending in [pool.submit(any_desk.send) for _ in range(3)]:
            sending.result()
    while any_desk.send():
        pass
    assert len(gateway.sent) == len({entry.id for entry in gateway.sent}) == 20
    assert state(any_desk) == [SENT] * 20


def test_an_answer_comes_also_to_a_closed_case(any_desk: Desk, gateway: FakeGateway) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="reached")
    assert any_desk.values("SELECT state FROM cases") == ["closed"]
    assert any_desk.send() == [SENT]
    assert any_desk.kinds(case)[-1] == "service_result"
    assert any_desk.g.verify(case).state == "identical"


def test_a_message_without_a_gateway_has_failed_and_says_why(any_desk: Desk) -> None:
    any_desk.g.outbox = Outbox(any_desk.g.db, any_desk.g.dispatcher, {})
    any_desk.complete(any_desk.start(), result="busy")
    assert any_desk.send() == [FAILED]
    assert any_desk.values("SELECT result FROM outbox") == ["there is no gateway for sms"]


def test_a_gateway_that_repeats_the_customer_s_number_puts_it_into_no_history(
    any_desk: Desk, gateway: FakeGateway
) -> None:
    gateway.answers = [Answer(SENT, '{"to": "13812345678", "id": "x"}')]
    case = any_desk.start()
    any_desk.complete(case, result="busy")
    any_desk.send()
    assert all("13812345678" not in str(row) for row in any_desk.history(case))
    assert any_desk.values("SELECT result FROM outbox") == ['{"to": "13812345678", "id": "x"}']
