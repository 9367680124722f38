"""A case that opens another: after its commit, once, with a link both ways and nothing personal in the open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
import sqlalchemy as sa

from engine.base.errors import Conflict, Rejected, Unavailable
from engine.base.sending import FAILED, RETRY, SENT, Answer, Entry, Gateway
from engine.case.commands import StartCase
from engine.case.rebuild import differences
from engine.delivery.links import CaseOpener
from engine.delivery.outbox import LEASE, MAX_ATTEMPTS
from engine.operations.erasure import erase
from engine.proof.verify import IDENTICAL
from engine.queries.cases import Case, case, children
from engine.storage.tables import cases, outbox
from tests.casework import CUSTOMER, Desk, opened
from tests.clock import Clock
from tests.erasing import REQUEST
from tests.linked_cases import LINKING


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """A desk where a question may become a complaint."""
    with opened(tmp_path, clock, database_url, files=LINKING) as made:
        yield made


def ask(desk: Desk) -> str:
    """A question that becomes a complaint; the outbox has not worked yet."""
    start = StartCase(process="asking", data=CUSTOMER, actor="agent1", at=desk.at, respondent="agent2")
    number = desk.g.dispatch(start).case_id
    desk.complete(number, result="no")
    return number


def opener(desk: Desk) -> Gateway:
    return desk.g.outbox._gateways["case"]


def only_child(desk: Desk, parent: str) -> Case:
    (child,) = children(desk.g.db, parent)
    return child


def test_the_child_is_opened_after_the_commit_with_the_data_that_goes_over(desk: Desk) -> None:
    parent = ask(desk)
    assert children(desk.g.db, parent) == []
    desk.clock.advance(minutes=3)
    assert desk.send() == [SENT]
    child = only_child(desk, parent)
    actor, at, command, _ = desk.history(child.id)[0]
    assert (actor, command["process"], command["parent"]) == ("system:link", "complaining", parent)
    assert at == desk.history(parent)[-2][1], "as of the instant at which the parent asked"
    assert (command["data"]["kind"], command["respondent"]) == ("question", "agent2")
    data = desk.g.dispatcher.current(child.id).machine.any_data()
    assert (data["customer_name"], data["contact_phone"]) == ("陈大文", "13812345678")
    assert "never_set" not in data


def test_both_histories_know_of_the_link_and_verify(desk: Desk) -> None:
    parent = ask(desk)
    desk.send()
    child = only_child(desk, parent)
    asked, answered = desk.history(parent)[-2:]
    assert asked[3]["linked"][0]["event"] == "became_complaint"
    assert answered[3]["service"] == ["became_complaint", SENT, child.id]
    known = case(desk.g.db, parent)
    assert known is not None
    assert (known.state, known.outcome, child.parent) == ("closed", "became_complaint", parent)
    for number in (parent, child.id):
        assert desk.g.verify(number).state == IDENTICAL
        assert differences(desk.g, number) == []


def test_nothing_personal_stands_open_in_history_or_outbox(desk: Desk) -> None:
    ask(desk)
    with desk.g.db.read() as connection:
        bodies = [row.body for row in connection.execute(sa.select(outbox))]
    rows = [bytes(row) for row in desk.values("SELECT effects FROM history")]
    for text in [*bodies, *(row.decode() for row in rows)]:
        assert "陈大文" not in text
        assert "13812345678" not in text


def test_whoever_stops_half_way_the_child_is_one(desk: Desk) -> None:
    """The child is opened, the answer is lost: the next worker finds the child and tells the parent."""
    parent = ask(desk)
    (entry,) = desk.values("SELECT id FROM outbox")
    found = desk.g.outbox.entry(entry)
    with desk.g.db.begin() as connection:
        lost = {"state": "sending", "lease": desk.at, "attempts": 1}
        connection.execute(sa.update(outbox).values(**lost))
    assert opener(desk).send(found).state == SENT
    first = only_child(desk, parent).id
    desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert desk.send() == ["pending"], "nobody can say whether it happened: it is done again"
    desk.clock.advance(minutes=1)
    assert desk.send() == [SENT]
    assert only_child(desk, parent).id == first
    assert desk.history(parent)[-1][3]["service"] == ["became_complaint", SENT, first]


@pytest.mark.parametrize(("error", "state"), [(Conflict("at once"), RETRY), (Rejected("no"), FAILED)])
def test_what_may_be_tried_again_is_told_from_what_may_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, state: str
) -> None:
    parent = ask(desk)
    with monkeypatch.context() as patch:
        patch.setattr(desk.g.dispatcher, "dispatch", Mock(side_effect=error))
        answer = opener(desk).send(desk.g.outbox.entry(f"{parent}/became_complaint"))
    assert (answer.state, answer.detail) == (state, str(error))


def test_a_database_that_is_away_is_no_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = ask(desk)
    with monkeypatch.context() as patch:
        patch.setattr(desk.g.dispatcher, "dispatch", Mock(side_effect=Unavailable("away")))
        with pytest.raises(Unavailable, match="away"):
            opener(desk).send(desk.g.outbox.entry(f"{parent}/became_complaint"))


def test_a_process_that_is_gone_fails_where_people_see_it_and_may_be_tried_again(desk: Desk) -> None:
    parent = ask(desk)
    complaining = LINKING["bpmn/tests/complaining.bpmn"]
    desk.g.releases.publish({"bpmn/tests/complaining.bpmn": None}, "tests", "gone", desk.at)
    assert desk.send() == [FAILED]
    assert "no process" in desk.history(parent)[-1][3]["service"][2]
    desk.g.releases.publish({"bpmn/tests/complaining.bpmn": complaining}, "tests", "back", desk.at)
    desk.g.outbox.send_again(f"{parent}/became_complaint", desk.clock.instant)
    assert desk.send() == [SENT]
    assert only_child(desk, parent).release == 3, "a new case runs on the live release"


def test_supervisors_are_told_once_that_a_case_could_not_be_opened(desk: Desk) -> None:
    """Its parent is closed: nobody would look there."""
    parent = ask(desk)
    desk.g.releases.publish({"bpmn/tests/complaining.bpmn": None}, "tests", "gone", desk.at)
    for _ in range(2):
        assert desk.send() == [FAILED]
        desk.g.outbox.send_again(f"{parent}/became_complaint", desk.clock.instant)
    query = "SELECT text FROM notice WHERE role = 'supervisor' AND case_id = :case"
    (text,) = desk.values(query, case=parent)
    assert "complaining" in text
    assert "陈大文" not in text


def test_an_opening_that_nobody_can_finish_holds_up_no_other_and_fails_where_people_see_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = ask(desk), ask(desk)
    usual = CaseOpener.send

    def unforeseen(self: CaseOpener, entry: Entry) -> Answer:
        if entry.case_id == bad:
            raise KeyError("unforeseen")
        return usual(self, entry)

    monkeypatch.setattr(CaseOpener, "send", unforeseen)
    assert desk.send() == [SENT]
    assert only_child(desk, good)
    for _ in range(2 * MAX_ATTEMPTS):
        desk.clock.advance(hours=1)
        desk.send()
    assert desk.values("SELECT state FROM outbox WHERE case_id = :case", case=bad) == [FAILED]
    assert desk.values("SELECT count(*) FROM notice WHERE case_id = :case", case=bad) == [1]


def test_a_parent_is_not_erased_before_its_child_is_there(desk: Desk) -> None:
    """The complaint would be lost with it."""
    parent = ask(desk)
    with pytest.raises(Rejected, match="about to open another"):
        erase(desk.g, [parent], REQUEST)
    desk.send()
    erase(desk.g, [parent], REQUEST)
    assert desk.send() == []
    assert only_child(desk, parent).state == "open"


def test_what_an_erased_case_did_not_send_is_sent_no_more(desk: Desk) -> None:
    parent = ask(desk)
    desk.g.releases.publish({"bpmn/tests/complaining.bpmn": None}, "tests", "gone", desk.at)
    desk.send()
    erase(desk.g, [parent], REQUEST)
    assert desk.values("SELECT state FROM outbox") == ["cancelled"]
    with pytest.raises(Rejected, match="neither"):
        desk.g.outbox.send_again(f"{parent}/became_complaint", desk.clock.instant)


def test_the_child_counts_as_a_case_of_the_customer(desk: Desk) -> None:
    """So erasing the customer finds it: its number is the parent's customer's."""
    ask(desk)
    desk.send()
    with desk.g.db.read() as connection:
        keys = connection.execute(sa.select(cases.c.phone_key)).scalars().all()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert keys[0] is not None
