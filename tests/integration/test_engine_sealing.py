"""Personal data: sealed wherever it is kept for good; erasure destroys the key and leaves the chain provable."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.base.errors import Conflict, NotAllowed, NotFound, Rejected, TechnicalFailure
from engine.base.sending import SENT, Answer
from engine.base.settings import CHECKOUT
from engine.case import kept_rows, refresh, store
from engine.case.commands import AmendData, EraseCase, PauseClocks
from engine.case.rebuild import differences, erased_faults, rebuild
from engine.case.store import case_ids
from engine.delivery.outbox import Outbox
from engine.forms.attachments import Folder
from engine.operations.erasure import Request, cases_of, erase
from engine.release.releases import read_folder
from engine.release.scenario_files import load
from engine.scenarios.project import bench, run_all
from engine.storage.tables import (
    case_fact,
    cases,
    history,
    metadata,
    notice,
    outbox,
    setting,
    sla_clock,
    subject_key,
    task,
)
from tests.bpmn_text import bpmn, script, user
from tests.casework import FILES, Desk, FakeGateway, opened
from tests.clock import Clock
from tests.erasing import REQUEST, destroy_key
from tests.giving import keep

PHONE, NAME, CONTENT, SAID = "13812345678", "陈大文", "月费多扣了一笔", "我要投诉到通信管理局"
PERSONAL = (PHONE, NAME, CONTENT, SAID)
KEPT_FOR_GOOD = ("history", "snapshot")


def in_the_open(desk: Desk, *tables: str) -> set[tuple[str, str]]:
    """(table, value) of every personal value that stands readable in a table."""
    found = set()
    with desk.g.db.read() as connection:
        for table in metadata.sorted_tables:
            if tables and table.name not in tables:
                continue
            for row in connection.execute(sa.select(table)):
                body = b"\x00".join(
                    bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row
                )
                forms = {value: (value.encode(), json.dumps(value)[1:-1].encode()) for value in PERSONAL}
                found |= {
                    (table.name, value) for value, written in forms.items() if any(w in body for w in written)
                }
    return found


def a_busy_case(desk: Desk) -> str:
    """A case that does everything in which a personal value could stay behind."""
    gateway = FakeGateway(Answer(SENT, f"delivered to {PHONE}"))
    desk.g.outbox = Outbox(desk.g.db, desk.g.dispatcher, {"sms": gateway})
    case = desk.start()
    for number in range(25):
        desk.complete(
            case, result="busy", said=SAID, note=f"{NAME}({PHONE})说:{SAID}" if number % 2 else "忙"
        )
        desk.send()
    desk.g.dispatch(PauseClocks(case_id=case, reason=f"等{NAME}回复", actor="agent1", at=desk.at))
    correction = AmendData(
        case_id=case,
        data={"content": CONTENT + "!"},
        reason=f"{PHONE}来电更正",
        actor="supervisor1",
        at=desk.at,
    )
    desk.g.dispatch(correction)
    desk.clock.advance(hours=3)
    desk.wake()
    return case


def test_nothing_personal_is_readable_in_what_is_kept_for_good(any_desk: Desk) -> None:
    case = a_busy_case(any_desk)
    assert any_desk.values("SELECT count(*) FROM snapshot") == [1]
    assert in_the_open(any_desk, *KEPT_FOR_GOOD) == set()
    assert {name for name, _ in in_the_open(any_desk)} >= {"cases", "outbox"}, (
        "read models show it, for people to work"
    )
    assert any_desk.g.verify(case).state == "identical"


def test_a_technical_failure_that_quotes_the_customer_does_not_write_it_into_history(
    tmp_path: Path, clock: Clock
) -> None:
    text = bpmn(
        "work", "start > call > compute > end", user("call", form="call"), script("compute", "x = int(customer_name)"),
        startable="true",
    )  # fmt: skip
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/work.bpmn": text}) as desk:
        case = desk.start()
        with pytest.raises(TechnicalFailure, match=NAME):
            desk.complete(case, result="busy")
        assert desk.kinds(case) == ["start", "incident"]
        assert in_the_open(desk, *KEPT_FOR_GOOD) == set()


def test_the_same_person_looks_different_in_every_case(any_desk: Desk) -> None:
    """Each case has a key of its own: equal values do not show across cases."""
    one, two = any_desk.start(), any_desk.start()
    sealed = [any_desk.history(case)[0][2]["data"]["contact_phone"] for case in (one, two)]
    assert sealed[0] != sealed[1]


def test_a_person_is_found_by_number_without_the_number_being_the_key(any_desk: Desk) -> None:
    case = any_desk.start()
    other = any_desk.start(contact_phone="13900000000")
    for written in (PHONE, "+86 138 1234 5678", "0086-138-1234-5678"):
        assert cases_of(any_desk.g, written) == [case]
    assert cases_of(any_desk.g, "13900000000") == [other]
    (key,) = any_desk.values("SELECT phone_key FROM cases WHERE id = :id", id=case)
    assert PHONE not in key


def _closed(desk: Desk) -> str:
    case = a_busy_case(desk)
    desk.complete(case, result="reached", said=SAID)
    desk.send()
    return case


def test_after_erasure_the_person_is_gone_and_the_chain_still_proves(any_desk: Desk) -> None:
    erased, kept = (
        _closed(any_desk),
        any_desk.start(contact_phone="13900000000", customer_name="李四", content="别的事"),
    )
    assert erase(any_desk.g, [erased], REQUEST) == [erased]
    assert in_the_open(any_desk) == set(), "in no table at all"
    verdict = any_desk.g.verify(erased)
    assert (verdict.state, verdict.commands) == ("erased", len(any_desk.kinds(erased)))
    assert any_desk.g.verify(kept).state == "identical"
    assert cases_of(any_desk.g, PHONE) == []
    any_desk.complete(kept, result="busy")


def test_history_says_who_erased_a_case_on_whose_request_and_why(any_desk: Desk) -> None:
    case = _closed(any_desk)
    erase(any_desk.g, [case], REQUEST)
    actor, _, command, effects = any_desk.history(case)[-1]
    assert (actor, command["type"], effects) == (REQUEST.actor, "erase", {"erased": True})
    assert (command["requested_by"], command["reason"]) == (REQUEST.requested_by, REQUEST.reason)
    before = len(any_desk.kinds(case))
    erase(any_desk.g, [case], REQUEST)
    assert len(any_desk.kinds(case)) == before, "the second time there is nothing to erase"


def test_history_says_what_the_rows_hold_that_stay_of_an_erased_case(any_desk: Desk) -> None:
    """Nothing derives them any more. Found in a copy of them on SQLite: both databases give the same bytes."""
    case, other = _closed(any_desk), _closed(any_desk)
    erase(any_desk.g, [case], REQUEST)
    kept = any_desk.history(case)[-1][2]["kept"]
    assert kept == kept_rows.digests(any_desk.g.db, case)
    assert kept.keys() == {table.name for table in kept_rows.COVERED}
    assert erased_faults(any_desk.g.db, case) == []
    erase(any_desk.g, [other], REQUEST)
    for table in (cases, task, sla_clock, outbox):
        this = (cases.c.id if table is cases else table.c.case_id) == case
        with any_desk.g.db.begin() as connection:
            connection.execute(sa.update(table).where(this).values(state="open"))
        assert f"{table.name}: not the rows that its erasure says" in erased_faults(any_desk.g.db, case)
    assert erased_faults(any_desk.g.db, other) == [], "the others are as they were"


def test_an_erasure_that_names_no_table_says_of_none_that_it_is_right(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _closed(desk)
    erase(desk.g, [case], REQUEST)
    said = kept_rows.digests(desk.g.db, case)
    monkeypatch.setattr("engine.case.erasing.kept", lambda _: {"cases": said["cases"]})
    assert erased_faults(desk.g.db, case) == [
        f"{name}: not the rows that its erasure says" for name in said if name != "cases"
    ]


def test_what_a_worker_does_to_rows_of_an_erased_case_is_no_fault(desk: Desk) -> None:
    case = _closed(desk)
    erase(desk.g, [case], REQUEST)
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(cases).values(wake_lease=desk.at))
        connection.execute(
            sa.update(outbox).values(lease=desk.at, attempts=7, next_at=desk.at, received="{}")
        )
        connection.execute(sa.update(notice).values(read_by="agent1"))
    assert erased_faults(desk.g.db, case) == []


def test_a_case_that_was_worked_on_meanwhile_is_not_erased_half(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stays is found before it is written: the fence refuses when it is not what is there any more."""
    case = _closed(desk)
    after = kept_rows.after

    def worked_on(*given: Any) -> dict[str, str]:
        found = after(*given)
        monkeypatch.undo()
        desk.g.incidents.open(case, TechnicalFailure("meanwhile"), {"type": "wake"}, desk.clock.instant)
        return found

    monkeypatch.setattr(kept_rows, "after", worked_on)
    with pytest.raises(Conflict):
        erase(desk.g, [case], REQUEST)
    assert desk.g.verify(case).state == "identical"
    erase(desk.g, [case], REQUEST)
    assert erased_faults(desk.g.db, case) == []


def test_an_erasure_that_did_not_say_what_stays_says_it_after_an_upgrade(desk: Desk) -> None:
    """As those of version 4 were. A key that somebody took is not made an erasure by it."""
    case, taken = _closed(desk), _closed(desk)
    with pytest.MonkeyPatch.context() as before:
        before.setattr(kept_rows, "after", lambda *_: None)
        erase(desk.g, [case], REQUEST)
    destroy_key(desk.g, taken)
    assert erased_faults(desk.g.db, case) == ["its erasure does not say what the rows hold that stay"]
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(setting).where(setting.c.key == "read-models").values(value="3"))
    refresh.refresh(desk.g)
    assert erased_faults(desk.g.db, case) == []
    assert [step[0] for step in desk.history(case)][-2:] == [REQUEST.actor, "system:upgrade"]
    assert (desk.g.verify(case).state, desk.g.verify(taken).state) == ("erased", "diverged")


@pytest.mark.parametrize(
    "request_", [Request("a", " ", "why"), Request("a", "who", ""), Request("a", "who", "x" * 501)]
)
def test_an_erasure_without_a_reason_is_refused(desk: Desk, request_: Request) -> None:
    case = _closed(desk)
    with pytest.raises(Rejected, match="in 1 to 500 characters"):
        erase(desk.g, [case], request_)
    assert desk.g.verify(case).state == "identical"


def test_a_case_whose_history_does_not_run_can_be_erased_all_the_same(desk: Desk) -> None:
    case = _closed(desk)
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER history_no_update")
        connection.execute(sa.update(history).where(history.c.seq == 2).values(effects=b"{}"))
    desk.g.dispatcher.forget(case)
    erase(desk.g, [case], REQUEST)
    assert in_the_open(desk) == set()
    assert desk.g.verify(case).state == "diverged"


def test_a_case_that_says_it_was_erased_and_has_its_key_is_found(desk: Desk) -> None:
    case = _closed(desk)
    key = desk.g.keys.get(case)
    erase(desk.g, [case], REQUEST)
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(subject_key).where(subject_key.c.case_id == case).values(key=key))
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", len(desk.kinds(case)))
    assert verdict.reason == "it says that the case was erased, but its key is there"


def test_nobody_who_signs_in_can_give_the_command_alone(desk: Desk) -> None:
    case = desk.start()
    with pytest.raises(NotAllowed):
        desk.g.dispatch(EraseCase(case_id=case, actor="admin1", at=desk.at, requested_by="x", reason="y"))
    assert desk.g.verify(case).state == "identical"


def test_erasure_leaves_nothing_in_the_database_s_files(desk: Desk, tmp_path: Path) -> None:
    """Not only rows: free pages and the write-ahead log of SQLite count too."""
    case = _closed(desk)
    erase(desk.g, [case], REQUEST)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("gongdan.db*"))
    assert [value for value in (PHONE, NAME, CONTENT) if value.encode() in raw] == []


def test_an_open_case_is_not_erased_by_mistake(any_desk: Desk) -> None:
    done, still_open = _closed(any_desk), any_desk.start()
    with pytest.raises(Rejected, match="is open"):
        erase(any_desk.g, [done, still_open], REQUEST)
    with pytest.raises(NotFound):
        erase(any_desk.g, [done, "no-such"], REQUEST)
    assert any_desk.g.verify(done).state == "identical", "all or nothing"


def test_erasure_is_one_step_that_happens_or_does_not(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash in between must not leave a person half erased."""
    case = _closed(any_desk)
    monkeypatch.setattr(type(any_desk.g.dispatcher), "forget", _crash)
    with pytest.raises(KeyboardInterrupt):
        erase(any_desk.g, [case], REQUEST)
    assert any_desk.g.verify(case).state == "erased"
    assert in_the_open(any_desk) == set()


def _crash(*_: Any) -> None:
    raise KeyboardInterrupt


def test_erasing_a_case_deletes_its_files(desk: Desk) -> None:
    case = _closed(desk)
    folder = Folder(desk.g.settings.var, case)
    content = b"a photo"
    digest = hashlib.sha256(content).hexdigest()
    keep(folder, {"name": "photo.png", "size": len(content), "type": "image/png", "sha256": digest}, content)
    assert folder.content(digest) == content
    erase(desk.g, [case], REQUEST)
    assert not folder.path.exists()


def test_a_tampered_history_of_an_erased_case_is_still_found(desk: Desk) -> None:
    case = _closed(desk)
    erase(desk.g, [case], REQUEST)
    with sqlite3.connect(desk.g.db.url.removeprefix("sqlite:///")) as raw:
        raw.execute("DROP TRIGGER history_no_update")
        raw.execute("UPDATE history SET actor = 'agent2' WHERE seq = 2")
    raw.close()
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 2)


def test_an_erased_case_survives_a_rebuild(desk: Desk) -> None:
    erased, kept = (
        _closed(desk),
        desk.start(contact_phone="13900000000", customer_name="李四", content="别的事"),
    )
    erase(desk.g, [erased], REQUEST)
    assert dict(rebuild(desk.g)) == dict.fromkeys([erased, kept])
    assert in_the_open(desk) == set()
    assert desk.values("SELECT count(*) FROM cases") == [2]


@pytest.mark.parametrize("number", ["", " ", "无"])
def test_customers_without_a_number_are_not_one_customer(any_desk: Desk, number: str) -> None:
    any_desk.start(contact_phone=number)
    assert any_desk.values("SELECT phone_key FROM cases") == [None]


def test_data_that_looks_sealed_is_refused_by_name(desk: Desk) -> None:
    """Read back it would be taken for a sealed value, and the case could never be run again."""
    with pytest.raises(Rejected, match="'notes' holds an object whose only key is '~'"):
        desk.start(notes=[{"deep": {"~": "QUJD"}}])
    kept = desk.start(notes=[{"~": "QUJD", "b": 1}])
    assert desk.g.verify(kept).state == "identical"


def test_every_text_that_a_person_typed_is_sealed_whatever_its_field_is_called(any_desk: Desk) -> None:
    case = any_desk.start()
    said = ("请打她丈夫王大力 13700001111", "朝阳路88号", "她说下周三再来")
    any_desk.complete(case, result="busy", note=said[0])
    any_desk.g.dispatch(PauseClocks(case_id=case, reason=said[1], actor="agent1", at=any_desk.at))
    amended = AmendData(
        case_id=case,
        data={"remark": said[2], "attempts": 1},
        reason=said[1],
        actor="supervisor1",
        at=any_desk.at,
    )
    any_desk.g.dispatch(amended)
    any_desk.complete(case, result="reached", note=said[2])
    stored = "".join(str(row) for row in any_desk.history(case))
    assert [text for text in said if text in stored] == []
    assert any_desk.g.verify(case).state == "identical"
    assert not differences(any_desk.g, case)


def test_the_numbers_a_customer_wanted_and_got_are_sealed() -> None:
    """A number that is held for a customer is that customer's next telephone number."""
    files = read_folder(CHECKOUT)
    asked = [one for one in load(files) if one.process == "number_request_consultation"]
    wanted = {
        str(step["data"][name])
        for scenario in asked
        for step in scenario.steps
        for name in ("requested_number", "chosen_number")
        if name in step.get("data", {})
    }
    assert len(wanted) > 1
    with bench(files) as gongdan:
        run_all(gongdan, asked)
        stored = b"".join(
            row.command + row.effects
            for case_id in case_ids(gongdan.db)
            for row in store.rows(gongdan.db, case_id)
        )
    assert {number for number in wanted if number.encode() in stored} == set()


def test_erasure_takes_typed_texts_out_of_what_reports_count(desk: Desk) -> None:
    case = desk.start()
    with desk.g.db.begin() as connection:
        for name, value in (("note", '"13700001111"'), ("defects", "3")):
            connection.execute(
                sa.insert(case_fact).values(case_id=case, seq=1, name=name, value=value, at=desk.at)
            )
    desk.complete(case, result="reached")
    erase(desk.g, [case], REQUEST)
    assert desk.values("SELECT name FROM case_fact WHERE name IN ('note', 'defects')") == ["defects"]
