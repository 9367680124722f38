"""The dossier lists as told what the customer was told: words of the right steps, messages as history has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.sending import FAILED, Answer
from engine.queries import cases, sent, timeline, work
from engine.queries.timeline import ERASED
from engine.release.release import Release
from engine.reports.dossier import Dossier, dossier
from engine.storage.tables import outbox
from tests.casework import Desk, FakeGateway
from tests.erasing import REQUEST
from tests.integration.test_history_in_words import app, reader
from tests.scenarios.playing import FILES, SCENARIOS, play, stage

__all__ = ["app"]  # a fixture
INTERNAL = (
    "solution_plan", "dept_result", "courier_verify", "insurance_verify", "courier_assist_result",
    "courier_service_check", "cable_handling", "hospital_handling", "escalation", "escalation_manager",
    "property_dept_answer", "quality_answer", "ask_supervisor", "number_supervisor_reply",
)  # fmt: skip


@pytest.fixture(scope="module")
def gongdan() -> Iterator[Gongdan]:
    with stage() as gongdan:
        yield gongdan


def of(g: Gongdan, case: str) -> Dossier:
    """The dossier of a case."""
    found = cases.case(g.db, case)
    assert found is not None
    release = g.releases.get(found.release)
    return dossier(g.db, found, timeline.steps(g.db, release, case), release, g.releases.current().forms)


def test_what_the_house_plans_or_finds_out_is_not_what_the_customer_was_told() -> None:
    forms = Release(1, FILES).forms
    assert {key for key in INTERNAL if forms[key].tells} == set()
    assert sum(form.tells for form in forms.values()) >= 30


def test_a_plan_is_not_told_its_announcement_is(gongdan: Gongdan) -> None:
    name = next(s.name for s in SCENARIOS if s.process == "general_complaint" and "plan_solution" in str(s))
    run = play(gongdan, "general_complaint", name)
    steps = timeline.steps(gongdan.db, gongdan.releases.current(), run.case_id)
    planned = [s for s in steps if s.kind == "complete" and "options" in s.command.get("data", {})]
    announced = [
        s for s in steps
        if s.kind == "complete" and {"solution", "customer_accepts"} <= s.command.get("data", {}).keys()
    ]  # fmt: skip
    assert planned
    assert announced
    said = [(one.at, one.actor) for one in of(gongdan, run.case_id).replies if one.name == "solution"]
    assert said == [(step.at, step.actor) for step in announced]


@pytest.mark.parametrize("process", ["cantonese_callback", "general_complaint"])
def test_a_line_that_was_busy_told_nobody_anything(gongdan: Gongdan, process: str) -> None:
    calls = reached = 0
    for scenario in [s for s in SCENARIOS if s.process == process]:
        run = play(gongdan, process, scenario.name)
        told = {(one.at, one.value) for one in of(gongdan, run.case_id).replies if one.name == "summary"}
        expected = set()
        for step in timeline.steps(gongdan.db, gongdan.releases.current(), run.case_id):
            data = step.command.get("data", {})
            if step.kind == "complete" and {"result", "started_at"} <= data.keys():
                calls += 1
                if data["result"] == "reached":
                    reached += 1
                    expected |= {(step.at, data["summary"])} if "summary" in data else set()
        assert told == expected, scenario.name
    assert reached > 0
    assert process != "cantonese_callback" or reached < calls


@pytest.mark.parametrize("form", ["callback_attempt", "contact_log"])
def test_a_note_on_a_call_is_told_only_when_it_reached_somebody(form: str) -> None:
    asked = Release(1, FILES).forms[form]
    assert asked.told({"result": "reached", "summary": "已说明"}) == ["summary"]
    for result in ("busy", "no_answer", "powered_off", "wrong_number", "refused", "child_answered"):
        assert asked.told({"result": result, "summary": "没人接"}) == []


def test_the_way_on_is_told_where_it_was_explained(gongdan: Gongdan) -> None:
    forms = Release(1, FILES).forms
    words = {"recourse_text": "可向主管部门申诉"}
    assert forms["recourse_told"].told({**words, "recourse_explained": True}) == ["recourse_text"]
    assert forms["recourse_told"].told({**words, "recourse_explained": False}) == []
    assert not forms["escalation"].tells, "decided, not yet told"


# ---------------------------------------------------------------- messages
def sms(desk: Desk, *answers: Answer) -> str:
    """A case with an SMS that a gateway answered; its number."""
    desk.g.outbox._gateways["sms"] = FakeGateway(*answers)
    case = desk.start()
    desk.complete(case, result="busy")
    desk.send()
    return case


def found(desk: Desk, case: str) -> list[sent.Sent]:
    steps = timeline.steps(desk.g.db, desk.g.releases.current(), case)
    return sent.messages(steps, work.messages(desk.g.db, case))


FORGED = "我司承诺三倍赔付"


def test_a_message_is_what_history_says(any_desk: Desk) -> None:
    [one] = found(any_desk, sms(any_desk))
    assert (one.kind, one.state, one.text, one.recipient, one.differs) == (
        "sms", "sent", "陈大文您好,第1次回访", "13812345678", False,
    )  # fmt: skip
    assert one.sent_at == any_desk.at


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"body": FORGED}, "陈大文您好,第1次回访"),
        ({"recipient": "13900000000"}, "陈大文您好,第1次回访"),
        ({"kind": "mail"}, "陈大文您好,第1次回访"),
        (None, "陈大文您好,第1次回访"),
    ],
)
def test_words_that_were_forged_in_the_outbox_are_not_shown(
    desk: Desk, values: dict[str, str] | None, text: str
) -> None:
    case = sms(desk)
    change = sa.delete(outbox) if values is None else sa.update(outbox).values(values)
    with desk.g.db.begin() as connection:
        connection.execute(change)
    [one] = found(desk, case)
    assert (one.text, one.state, one.differs) == (text, "sent", True)


def test_a_message_that_nobody_asked_for_is_told_as_such(desk: Desk) -> None:
    case = sms(desk)
    with desk.g.db.begin() as connection:
        row = connection.execute(sa.select(outbox)).mappings().one()
        connection.execute(sa.insert(outbox).values({**row, "id": f"{case}/y", "key": "y", "body": FORGED}))
    assert [(one.text, one.differs) for one in found(desk, case)] == [
        ("陈大文您好,第1次回访", False), (FORGED, True),
    ]  # fmt: skip


def test_a_message_that_is_said_to_be_sent_and_was_not(desk: Desk) -> None:
    case = sms(desk, Answer(FAILED, "no such number"))
    assert [(one.state, one.differs) for one in found(desk, case)] == [("failed", False)]
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(outbox).values(state="sent", sent_at=desk.at))
    assert [(one.state, one.differs) for one in found(desk, case)] == [("failed", True)]


def test_an_erased_message_is_no_forgery(desk: Desk) -> None:
    from engine.operations import erasure

    case = sms(desk)
    desk.complete(case, result="reached")
    desk.send()
    erasure.erase(desk.g, [case], REQUEST)
    assert {(one.text, one.differs) for one in found(desk, case)} == {(ERASED, False)}


@pytest.mark.usefixtures("app")
def test_pages_show_the_true_words_and_say_that_others_were_put_there(desk: Desk, app: object) -> None:
    case = sms(desk)
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(outbox).values(body=FORGED))
    client = reader(app, locale="en")  # type: ignore[arg-type]
    for path in (f"/cases/{case}", f"/cases/{case}/state", f"/cases/{case}/dossier"):
        text = re.sub(r"<[^>]+>", "", client.get(path).text)
        assert "陈大文您好,第1次回访" in text, path
        assert FORGED not in text, path
        assert "The outbox holds something else" in text, path
    assert FORGED not in client.get(f"/cases/{case}/dossier.json").text


@pytest.mark.usefixtures("app")
def test_what_was_not_sent_is_not_among_what_was_told(desk: Desk, app: object) -> None:
    case = sms(desk, Answer(FAILED, "no such number"))
    text = reader(app, locale="en").get(f"/cases/{case}/dossier").text  # type: ignore[arg-type]
    told, _, rest = text.partition("What the customer was told")[2].partition(
        "not known to have reached the customer"
    )
    assert "第1次回访" not in told
    assert "第1次回访" in rest
