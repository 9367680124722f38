"""Mail to a role reaches the people who have it; a message that failed is told, once, to those who lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.base.errors import Rejected, Unavailable
from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry
from engine.case.commands import StartCase
from engine.delivery.gateways.staff import StaffMail
from engine.delivery.outbox import LEASE, MAX_ATTEMPTS
from engine.people.directory import Person
from engine.queries import work
from engine.storage.statements import Write
from engine.storage.tables import notice, outbox
from run import cli
from tests.bpmn_text import bpmn, end, service
from tests.casework import FILES, Desk, FakeGateway, opened, template
from tests.clock import Clock

SEVERE = bpmn(
    "severe",
    "start > write > end_written",
    service("write", service="mail", template='"mail_severe"', to='"manager"', event="'severe'"),
    end("end_written", outcome="written"),
    startable="true",
)


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    files = {
        **FILES,
        "bpmn/tests/severe.bpmn": SEVERE,
        "bpmn/templates/mail_severe.json": template("mail_severe", "重大投诉 {no}", "mail", no="case_no"),
    }
    with opened(tmp_path, clock, database_url, files=files) as made:
        yield made


@pytest.fixture
def post(desk: Desk) -> FakeGateway:
    """The mail server."""
    fake = FakeGateway()
    door = desk.g.outbox._gateways["mail"]
    assert isinstance(door, StaffMail)
    door._inner = fake
    return fake


def _address(desk: Desk, **addresses: str | None) -> None:
    for name, mail in addresses.items():
        desk.g.people.change(replace(desk.g.people.get(name), mail=mail))


def _severe(desk: Desk, respondent: str | None = None) -> str:
    asked = StartCase(process="severe", data={}, actor="agent1", at=desk.at, respondent=respondent)
    return desk.g.dispatch(asked).case_id


def _told(desk: Desk) -> list[Any]:
    return list(desk.g.db.rows(sa.select(notice.c.role, notice.c.case_id, notice.c.text)))


def _result(desk: Desk) -> str:
    return str(desk.g.db.rows(sa.select(outbox.c.result))[0][0])


def test_management_gets_the_mail_that_is_addressed_to_its_role(desk: Desk, post: FakeGateway) -> None:
    desk.g.people.add_many(
        [Person("manager2", "Second", frozenset({"manager"}), mail="two@example.com")], "none"
    )
    _address(desk, manager1="one@example.com", agent1="agent@example.com")
    case = _severe(desk)
    assert desk.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == ["one@example.com", "two@example.com"]
    assert len({entry.id for entry in post.sent}) == 2, "each is a mail of its own to the server"
    assert all(case in entry.body for entry in post.sent)
    assert _result(desk) == "sent to 2 of 2: manager1, manager2"
    assert _told(desk) == []


def test_who_is_switched_off_or_complained_about_gets_none(desk: Desk, post: FakeGateway) -> None:
    desk.g.people.add_many(
        [
            Person("manager2", "Second", frozenset({"manager"}), mail="two@example.com"),
            Person("manager3", "Third", frozenset({"manager"}), mail="three@example.com", active=False),
        ],
        "none",
    )
    _address(desk, manager1="one@example.com")
    _severe(desk, respondent="manager1")
    assert desk.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == ["two@example.com"]


def test_where_nobody_has_an_address_supervisors_are_told_and_the_outbox_can_send_it_later(
    desk: Desk, post: FakeGateway
) -> None:
    case = _severe(desk)
    assert desk.send() == [FAILED]
    assert post.sent == []
    ((role, linked, text),) = _told(desk)
    assert (role, linked) == ("supervisor", case)
    assert case in text
    assert "nobody who has the role manager has a mail address" in text
    (entry,) = desk.values("SELECT id FROM outbox")
    desk.g.outbox.send_again(entry, desk.clock.instant)
    assert desk.send() == [FAILED]
    assert len(_told(desk)) == 1, "once is enough"
    _address(desk, manager1="one@example.com")
    desk.g.outbox.send_again(entry, desk.clock.instant)
    assert desk.send() == [SENT]
    assert desk.g.verify(case).state == "identical"


def test_who_has_it_already_gets_no_second_one_when_it_is_tried_again_for_others(
    desk: Desk, post: FakeGateway
) -> None:
    desk.g.people.add_many(
        [Person("manager2", "Second", frozenset({"manager"}), mail="two@example.com")], "none"
    )
    _address(desk, manager1="one@example.com")
    post.answers = [Answer(SENT), Answer(RETRY, "451 later"), Answer(SENT)]
    _severe(desk)
    assert desk.send() == ["pending"]
    desk.clock.advance(minutes=5)
    assert desk.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == [
        "one@example.com",
        "two@example.com",
        "two@example.com",
    ]


def _many(desk: Desk, number: int) -> None:
    """Managers with addresses, beside the first."""
    made = [
        Person(f"manager{n}", f"No. {n}", frozenset({"manager"}), mail=f"{n}@example.com")
        for n in range(2, number + 1)
    ]
    desk.g.people.add_many(made, "none")
    _address(desk, manager1="1@example.com")


def test_a_mail_server_that_is_away_is_asked_once_not_once_a_person(desk: Desk, post: FakeGateway) -> None:
    _many(desk, 9)
    post.answers = [Answer(SENT), Answer(RETRY, "TimeoutError", away=True)]
    _severe(desk)
    assert desk.send() == ["pending"]
    assert len(post.sent) == 2
    desk.clock.advance(minutes=5)
    assert desk.send() == [SENT]
    assert Counter(entry.recipient for entry in post.sent) == {
        **{f"{n}@example.com": 1 for n in range(1, 10)},
        "2@example.com": 2,
    }


def test_many_mails_over_a_slow_server_end_before_somebody_else_may_send_them(
    desk: Desk, post: FakeGateway
) -> None:
    """Twenty seconds a mail: within the lease of two minutes, and the rest at later attempts, however many."""
    door = desk.g.outbox._gateways["mail"]
    assert isinstance(door, StaffMail)
    door._elapsed = lambda: 20.0 * len(post.sent)
    _many(desk, 30)
    _severe(desk)
    rounds: list[tuple[int, str]] = []
    while not rounds or rounds[-1][1] != SENT:
        before = len(post.sent)
        (state,) = desk.send()
        rounds.append((20 * (len(post.sent) - before), state))
        desk.clock.advance(hours=1)
    assert len(rounds) > MAX_ATTEMPTS, "going on is no failure"
    assert all(timedelta(seconds=took) < LEASE for took, _ in rounds)
    assert Counter(entry.recipient for entry in post.sent) == {f"{n}@example.com": 1 for n in range(1, 31)}


def _behind(desk: Desk, post: FakeGateway) -> None:
    """Put the fake mail server behind the door of a process that just began."""
    door = desk.g.outbox._gateways["mail"]
    assert isinstance(door, StaffMail)
    door._inner = post


def test_who_has_it_gets_no_second_one_after_a_restart(
    desk: Desk, post: FakeGateway, tmp_path: Path, clock: Clock, database_url: str
) -> None:
    _many(desk, 2)
    post.answers = [Answer(SENT), Answer(RETRY, "451 later")]
    _severe(desk)
    assert desk.send() == ["pending"]
    assert work.all_messages(desk.g.db, desk.g.people.get("supervisor1"))[0][0].reached == "1/2"
    clock.advance(minutes=5)
    with opened(tmp_path, clock, database_url) as restarted:
        _behind(restarted, post)
        assert restarted.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == ["1@example.com", "2@example.com", "2@example.com"]


def test_what_a_killed_sender_had_begun_is_unknown_for_one_person_alone(
    desk: Desk, tmp_path: Path, clock: Clock, database_url: str
) -> None:
    class PowerCut(BaseException):
        pass

    class Killed(FakeGateway):
        def send(self, entry: Entry) -> Answer:
            if len(self.sent) == 1:
                raise PowerCut
            return super().send(entry)

    _many(desk, 3)
    _behind(desk, Killed())
    _severe(desk)
    with pytest.raises(PowerCut):
        desk.send()
    clock.advance(minutes=5)
    post = FakeGateway()
    with opened(tmp_path, clock, database_url) as restarted:
        _behind(restarted, post)
        assert restarted.send() == ["pending"]
        clock.advance(minutes=5)
        assert restarted.send() == [SENT]
        assert [entry.recipient for entry in post.sent] == ["3@example.com"]
        assert _result(restarted).startswith("sent to 2 of 3: manager1, manager3; manager2: unknown")


def test_a_message_that_some_have_has_not_failed_and_says_how_many_have_it(
    desk: Desk, post: FakeGateway
) -> None:
    _many(desk, 2)
    post.answers = [Answer(SENT)] + [Answer(RETRY, "451 later")] * MAX_ATTEMPTS
    case = _severe(desk)
    for _ in range(MAX_ATTEMPTS):
        (state,) = desk.send()
        desk.clock.advance(hours=1)
    assert state == SENT
    assert _result(desk) == "sent to 1 of 2: manager1; manager2: failed (451 later)"
    (row,) = work.messages(desk.g.db, case)
    assert (row.state, row.reached) == (SENT, "1/2")
    assert desk.g.verify(case).state == "identical"


def test_who_sends_it_again_sends_it_to_those_who_may_not_have_it(desk: Desk, post: FakeGateway) -> None:
    _many(desk, 2)
    post.answers = [Answer(UNKNOWN, "cut"), Answer(FAILED, "550")]
    _severe(desk)
    assert desk.send() == [UNKNOWN]
    desk.g.outbox.send_again(desk.values("SELECT id FROM outbox")[0], desk.clock.instant)
    assert desk.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == ["1@example.com", "2@example.com"] * 2


def test_a_message_that_was_erased_meanwhile_goes_to_nobody_more(desk: Desk) -> None:
    class Erasing(FakeGateway):
        def send(self, entry: Entry) -> Answer:
            with desk.g.db.begin() as connection:
                connection.execute(sa.update(outbox).values(state="cancelled", received=None))
            return super().send(entry)

    _many(desk, 3)
    post = Erasing()
    _behind(desk, post)
    _severe(desk)
    desk.send()
    assert len(post.sent) == 1
    assert desk.values("SELECT state FROM outbox") == ["cancelled"]
    assert desk.values("SELECT received FROM outbox") == [None]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([SENT, FAILED], SENT), ([UNKNOWN, SENT], SENT), ([UNKNOWN, FAILED], UNKNOWN), ([FAILED, FAILED], FAILED),
    ],
)  # fmt: skip
def test_what_became_of_each_is_in_the_answer(
    desk: Desk, post: FakeGateway, answers: list[str], state: str
) -> None:
    desk.g.people.add_many(
        [Person("manager2", "Second", frozenset({"manager"}), mail="two@example.com")], "none"
    )
    _address(desk, manager1="one@example.com")
    post.answers = [Answer(one, "said") for one in answers]
    _severe(desk)
    assert desk.send() == [state]
    for name, answer in zip(("manager1", "manager2"), answers, strict=True):
        assert f"{name}: {answer} (said)" in _result(desk) or (answer == SENT and name in _result(desk))


@pytest.mark.parametrize("kind", ["sms", "webhook"])
def test_every_message_that_failed_is_told_once_with_its_reason_and_no_number(desk: Desk, kind: str) -> None:
    case = desk.start()
    desk.complete(case, result="reached")
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(outbox).values(kind=kind))
    desk.g.outbox._gateways[kind] = FakeGateway(
        Answer(FAILED, "HTTP 400 for 13812345678"), Answer(FAILED, "HTTP 400 for 13812345678")
    )
    assert desk.send() == [FAILED]
    ((role, linked, text),) = _told(desk)
    assert (role, linked) == ("supervisor", case)
    assert "HTTP 400" in text
    assert "13812345678" not in text
    desk.g.outbox.send_again(desk.values("SELECT id FROM outbox")[0], desk.clock.instant)
    assert desk.send() == [FAILED]
    assert len(_told(desk)) == 1


def _failing(desk: Desk, *, attempts: int) -> str:
    """A case whose next ``attempts`` texts are refused with the same words."""
    desk.g.outbox._gateways["sms"] = FakeGateway(*[Answer(FAILED, "HTTP 400")] * attempts)
    return desk.start()


def test_what_fails_again_later_is_told_again(desk: Desk) -> None:
    case = _failing(desk, attempts=3)
    desk.complete(case, result="busy")
    assert desk.send() == [FAILED]
    desk.clock.advance(minutes=20)
    desk.complete(case, result="reached")
    assert desk.send() == [FAILED], "another text, for the same reason"
    assert len(_told(desk)) == 2
    desk.clock.advance(minutes=20)
    desk.g.outbox.send_again(desk.values("SELECT id FROM outbox ORDER BY id")[0], desk.clock.instant)
    assert desk.send() == [FAILED]
    told = _told(desk)
    assert len(told) == 3
    assert len({text for _, _, text in told}) == 1


def test_nothing_is_told_that_is_not_recorded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case = _failing(desk, attempts=1)
    desk.complete(case, result="reached")

    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as away:
        away.setattr(desk.g.dispatcher, "dispatch", full)
        with pytest.raises(Unavailable):
            desk.send()
    assert _told(desk) == []
    desk.clock.advance(minutes=5)
    assert desk.send() == [UNKNOWN]
    assert _told(desk) == [], "the sender stopped: nobody can say that it failed"


def test_what_is_recorded_as_failed_is_told_in_the_same_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _failing(desk, attempts=1)
    desk.complete(case, result="reached")
    usual = desk.g.db.write

    def stops_after(writes: Iterable[Write]) -> None:
        usual(writes)
        raise SystemExit("killed")

    with monkeypatch.context() as killed:
        killed.setattr(desk.g.db, "write", stops_after)
        with pytest.raises(SystemExit):
            desk.send()
    assert len(_told(desk)) == 1


def test_what_was_told_of_a_case_is_found_without_a_look_at_all_notices(tmp_path: Path, clock: Clock) -> None:
    asked = (
        "EXPLAIN QUERY PLAN SELECT id FROM notice WHERE case_id = 'x' AND role = 'supervisor' AND text = 'y'"
    )
    with opened(tmp_path, clock) as desk, desk.g.db.read() as connection:
        (plan,) = connection.execute(sa.text(asked)).all()
    assert "ix_notice_case" in plan.detail


@pytest.mark.parametrize("address", ["branch@example.com", "manager@example.com"])
def test_what_is_addressed_to_an_address_goes_there(desk: Desk, post: FakeGateway, address: str) -> None:
    _severe(desk)
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(outbox).values(recipient=address))
    assert desk.send() == [SENT]
    assert [entry.recipient for entry in post.sent] == [address]


def test_an_address_is_given_changed_and_taken_away_on_the_command_line(tmp_path: Path) -> None:
    env = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": ""}

    def user(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["user", *arguments], env=env)
        return f"{done.exit_code} {done.output}"

    made = user(
        "add", "boss", "--display", "Boss", "--role", "manager", "--mail", "boss@example.com",
        "--password", "a long enough phrase",
    )  # fmt: skip
    assert made.startswith("0"), made
    assert '"mail": "boss@example.com"' in user("list", "--json")
    assert user("change", "boss", "--mail", "chief@example.com").startswith("0")
    assert '"mail": "chief@example.com"' in user("list", "--json")
    assert "Expected one mail address" in user("change", "boss", "--mail", "nobody")
    assert user("change", "boss", "--mail", "").startswith("0")
    assert '"mail": null' in user("list", "--json")


@pytest.mark.parametrize(
    "address", ["manager", "a@b@c", "a b@example.com", "a@example.com,b@example.com", ""]
)
def test_what_is_no_address_is_refused(desk: Desk, address: str) -> None:
    with pytest.raises(Rejected, match="one mail address"):
        _address(desk, manager1=address)
