"""The page of a task: who may write on it, what it asks at first, what it refuses, in every language."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from html import unescape

import orjson
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import AmendData, ClaimTask, CompleteTask, StartCase
from engine.people.directory import DEMO_PASSWORD
from engine.queries import drafts, scope
from engine.queries.cases import children
from engine.storage.tables import cases
from tests.clock import Clock
from web import case_data_view, create_app

ANSWERS = {
    "language": "cantonese_guangzhou",
    "business_related": True,
    "mandarin_offered": True,
    "mandarin_accepted": False,
    "reason": "language_need",
    "mandarin_refusal": "prefers_cantonese",
    "user_number": "13800138000",
    "question": "想了解国际漫游怎样收费",
}

COMPLAINT = {
    "channel": "phone",
    "customer_name": "王女士",
    "contact_phone": "13800138000",
    "preferred_language": "mandarin",
    "kind": "complaint",
    "content": "新买的设备用了两天就坏了要求更换",
    "demand": "更换设备",
    "consent_recorded": True,
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages ask the same of every database."""
    return sqlite_url


@pytest.fixture
def gongdan(shipped: Gongdan) -> Gongdan:
    return shipped


def client_of(gongdan: Gongdan, settings: Settings, name: str, locale: str = "zh-Hans") -> FlaskClient:
    """A signed-in browser without scripts."""
    client = create_app(gongdan, settings).test_client()
    client.set_cookie("locale", locale)
    answer = send(client, "/sign-in", name=name, password=DEMO_PASSWORD)
    assert answer[0] == 303
    return client


def send(client: FlaskClient, path: str, /, **form: str) -> tuple[int, str]:
    """Post a form with its token; status and text."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/preferences").text)
    if found is None:
        found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    answer = client.post(path, data={**form, "csrf_token": found.group(1)})
    return answer.status_code, answer.text


def registered(gongdan: Gongdan) -> tuple[str, int]:
    """A case whose first Cantonese callback is open: its number and the task."""
    at = gongdan.now()
    case = gongdan.dispatch(StartCase(process="cantonese_callback", data={}, actor="agent1", at=at))
    done = gongdan.dispatch(
        CompleteTask(case_id=case.case_id, task=case.opened[0], data=ANSWERS, actor="agent1", at=at)
    )
    return case.case_id, done.opened[0]


@pytest.mark.parametrize(
    ("locale", "process", "key"),
    [
        ("zh-Hans", "campus_service_request", "CAMPUS_PHONE_24H"),
        ("zh-Hant-HK", "fixed_line_repair_overdue", "LOOP_MAX_UNSATISFIED"),
        ("en", "campus_service_request", "CAMPUS_PHONE_24H"),
    ],
)
def test_a_diagram_names_a_limit_and_not_its_key(
    gongdan: Gongdan, settings: Settings, locale: str, process: str, key: str
) -> None:
    client = client_of(gongdan, settings, "agent1", locale)
    name = gongdan.releases.current().parameters[key].name[locale]
    for path in (f"/processes/{process}", "/processes/"):
        told = client.get(path).text
        assert key not in told, path
    assert name in client.get(f"/processes/{process}").text


def test_only_who_holds_a_task_writes_on_it(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    gongdan.dispatch(ClaimTask(case_id=case, task=task, actor="yue1", at=gongdan.now()))
    path = f"/tasks/{case}/{task}"
    holder, other = client_of(gongdan, settings, "yue1"), client_of(gongdan, settings, "agent1")
    assert send(holder, f"{path}/draft", result="busy")[0] == 204
    assert send(other, f"{path}/draft", result="busy")[0] == 409
    assert send(other, f"{path}/preview", result="busy")[0] == 409


def test_who_may_not_do_a_free_task_writes_nothing_on_it(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    path, agent = f"/tasks/{case}/{task}", client_of(gongdan, settings, "agent1")
    assert send(agent, f"{path}/draft", result="busy")[0] == 403
    assert send(agent, f"{path}/preview", result="busy")[0] == 403


@pytest.mark.parametrize(
    ("locale", "own", "faster"),
    [
        ("zh-Hans", "在另一个窗口自己完成了这项任务", "有人先了一步"),
        ("zh-Hant-HK", "在另一個視窗自己完成了這項任務", "有人先了一步"),
        ("en", "You completed this task yourself", "Somebody was faster"),
    ],
)
def test_who_completed_a_task_in_another_window_is_told_that_it_was_they(
    gongdan: Gongdan, settings: Settings, locale: str, own: str, faster: str
) -> None:
    at = gongdan.now()
    case = gongdan.dispatch(StartCase(process="cantonese_callback", data={}, actor="agent1", at=at))
    number = case.opened[0]
    gongdan.dispatch(CompleteTask(case_id=case.case_id, task=number, data=ANSWERS, actor="agent1", at=at))
    path = f"/tasks/{case.case_id}/{number}/complete"
    status, said = send(client_of(gongdan, settings, "agent1", locale), path, result="busy")
    assert (status, own in said, faster in said) == (409, True, False)
    status, said = send(client_of(gongdan, settings, "agent2", locale), path, result="busy")
    assert (status, own in said, faster in said) == (409, False, True)


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-Hans", "此任务须由「一线坐席 粤语」办理，陈小敏(坐席) 没有这项职责。"),
        ("zh-Hant-HK", "此任務須由「前線客服 粵語」辦理，陈小敏"),
        ("en", "Expected somebody with the duty Agent Cantonese, but 陈小敏(坐席) does not have it"),
    ],
)
def test_a_refusal_speaks_the_language_of_the_page(
    gongdan: Gongdan, settings: Settings, locale: str, words: str
) -> None:
    case, task = registered(gongdan)
    answer = send(client_of(gongdan, settings, "agent1", locale), f"/tasks/{case}/{task}/claim")
    assert answer[0] == 403
    assert words in answer[1]


@pytest.mark.parametrize(
    ("locale", "missing", "unfilled"),
    [
        ("zh-Hans", "版本 2 里没有文本「say_callback_greeting」", "文本「say_callback_close」不能按本单填写"),
        (
            "zh-Hant-HK",
            "版本 2 裏沒有文本「say_callback_greeting」",
            "文本「say_callback_close」不能按本單填寫",
        ),
        ("en", "in release 2, but it has none of that name", "to be filled from the case, but it cannot be"),
    ],
)
def test_words_that_cannot_be_said_say_why_in_the_language_of_the_page(
    gongdan: Gongdan, settings: Settings, locale: str, missing: str, unfilled: str
) -> None:
    close = "bpmn/templates/say_callback_close.json"
    broken = orjson.loads(gongdan.releases.current().files[close]) | {"slots": {"n": "weather()"}}
    broken["text"] = dict.fromkeys(broken["text"], "{n}")
    gone = {"bpmn/templates/say_callback_greeting.json": None, close: orjson.dumps(broken)}
    gongdan.releases.publish(gone, "designer1", "texts", gongdan.now())
    case, task = registered(gongdan)
    page = client_of(gongdan, settings, "yue1", locale).get(f"/tasks/{case}/{task}").text
    assert missing in unescape(page)
    assert unfilled in unescape(page)


def test_a_call_in_quiet_hours_is_not_logged(gongdan: Gongdan, settings: Settings, clock: Clock) -> None:
    clock.advance(hours=11, minutes=30)  # half past eight in the evening
    case, task = registered(gongdan)
    clock.advance(minutes=40)
    path, holder = f"/tasks/{case}/{task}/complete", client_of(gongdan, settings, "yue1")
    call = {"direction": "outbound", "result": "no_answer"}
    status, text = send(holder, path, started_at="2026-03-02T21:05", **call)
    assert (status, "免打扰时段内不得致电客户，请在 09:00 以后拨打" in text) == (422, True)
    late = {"started_at": "2026-03-02T20:55", **call}
    status, text = send(holder, path, **late)
    assert (status, "补记原因" in text) == (422, True)
    assert send(holder, path, started_late_reason="系统打不开", **late)[0] == 303


def test_what_nobody_answered_is_marked_on_the_pages(gongdan: Gongdan, settings: Settings) -> None:
    case, _ = registered(gongdan)
    text = client_of(gongdan, settings, "supervisor1").get(f"/cases/{case}").text
    assert "语言</" in text
    marked = set(re.findall(r">([^<>]+)（流程设定）<", text))
    assert marked
    assert not marked & {"需要的语言", "用户号码"}


def test_the_relief_that_was_computed_stands_in_the_request(gongdan: Gongdan) -> None:
    form = gongdan.releases.current().forms["recovery_request"]
    computed = form.initial({"recovery_kind": "rent_relief", "recovery_amount": 6500}, gongdan.now())
    assert computed == {"recovery_kind": "rent_relief", "recovery_amount": 6500}
    assert form.initial({}, gongdan.now()) == {"recovery_amount": 0}


def test_processes_and_lanes_are_named_in_the_language_of_the_page(
    gongdan: Gongdan, settings: Settings
) -> None:
    case, task = registered(gongdan)
    english = client_of(gongdan, settings, "supervisor1", "en")
    assert "Cantonese callback" in english.get(f"/cases/{case}").text
    assert "Cantonese desk" in english.get(f"/tasks/{case}/{task}").text
    assert "粵語專席" in client_of(gongdan, settings, "yue1", "zh-Hant-HK").get(f"/tasks/{case}/{task}").text
    for process in gongdan.releases.current().processes.values():
        assert set(process.names) == {"zh-Hans", "zh-Hant-HK", "en"}, process.id
    drawn = replace(gongdan.releases.current().process("cantonese_callback"), properties={})
    assert drawn.names == {"zh-Hans": "粤语回复"}


def test_every_lane_that_is_drawn_has_its_names(gongdan: Gongdan) -> None:
    roles = gongdan.releases.current().roles
    lanes = {lane for process in gongdan.releases.current().processes.values() for lane in process.lanes}
    assert {lane for lane in lanes if set(roles.lane_names[lane]) != {"zh-Hans", "zh-Hant-HK", "en"}} == set()


def test_the_front_desk_finds_callers_cases_but_not_those_a_branch_keeps(
    gongdan: Gongdan, settings: Settings
) -> None:
    at = gongdan.now()
    shared, _ = registered(gongdan)
    kept = gongdan.dispatch(
        StartCase(process="insurance_branch_complaint", data={}, actor="centre1", at=at)
    ).case_id
    agent, centre = client_of(gongdan, settings, "agent2"), client_of(gongdan, settings, "centre1")
    assert [agent.get(f"/cases/{case}").status_code for case in (shared, kept)] == [200, 404]
    assert [centre.get(f"/cases/{case}").status_code for case in (shared, kept)] == [200, 200]
    listed = agent.get("/cases/").text
    assert (shared in listed, kept in listed) == (True, False)


def test_who_is_named_in_a_form_does_not_find_the_case_any_more(gongdan: Gongdan) -> None:
    asked = StartCase(process="hospital_guide_complaint", data={}, actor="agent1", at=gongdan.now())
    case = gongdan.dispatch(asked).case_id
    everybody = {name: gongdan.people.get(name) for name in ("agent2", "supervisor1")}
    release = gongdan.releases.current()
    assert all(scope.may_know(gongdan.db, person, case, release) for person in everybody.values())
    amended = AmendData(
        case_id=case,
        data={"complained_staff": "agent2"},
        reason="投诉对象",
        actor="supervisor1",
        at=gongdan.now(),
    )
    gongdan.dispatch(amended)
    known = {name: scope.may_know(gongdan.db, person, case, release) for name, person in everybody.items()}
    assert known == {"agent2": False, "supervisor1": True}


@pytest.mark.parametrize(
    "path",
    ["/designer/compare?old=1&new={}", "/processes/cantonese_callback?release={}", "/audit/{case}?step={}"],
)
@pytest.mark.parametrize("number", [2**31, 2**63, 10**30, -(2**63) - 1])
def test_numbers_longer_than_any_there_is_break_no_page(
    gongdan: Gongdan, settings: Settings, path: str, number: int
) -> None:
    case, _ = registered(gongdan)
    who = "designer1" if "designer" in path else "supervisor1"
    answer = client_of(gongdan, settings, who).get(path.format(number, case=case))
    assert answer.status_code in (200, 404)


def test_a_draft_made_from_no_release_there_is_is_made_from_the_current_one(
    gongdan: Gongdan, settings: Settings
) -> None:
    path = "forms/recourse_told.json"
    designer = client_of(gongdan, settings, "designer1")
    assert send(designer, "/designer/file", path=path, body="{}", base=str(2**63))[0] == 303
    [draft] = drafts.diagrams(gongdan.db, "designer1")
    assert draft.base_release == gongdan.releases.current().number


def test_a_case_and_its_duplicate_lead_to_each_other(gongdan: Gongdan, settings: Settings) -> None:
    at = gongdan.now()

    def opened() -> str:
        return gongdan.dispatch(
            StartCase(process="general_complaint", data={}, actor="agent1", at=at)
        ).case_id

    def complete(case: str, **data: object) -> None:
        (task,) = gongdan.dispatcher.current(case).open
        gongdan.dispatch(CompleteTask(case_id=case, task=task, data=data, actor="agent1", at=at))

    earlier, case = opened(), opened()
    complete(case, variant="customer", soothed=True)
    complete(case, **COMPLAINT, received_at=at, duplicate_of=earlier)
    complete(case, duplicate_confirmed=True, duplicate_relation="recomplaint")
    agent = client_of(gongdan, settings, "agent1")
    for one, other in ((case, earlier), (earlier, case)):
        assert f'与此为同一件事 <a class="num" href="/cases/{other}">' in agent.get(f"/cases/{one}").text


def test_who_opens_a_case_for_others_is_told_in_whose_queue_it_waits(
    gongdan: Gongdan, settings: Settings
) -> None:
    agent = client_of(gongdan, settings, "agent1")
    assert send(agent, "/cases/new", process="ecommerce_return_exchange")[0] == 303
    (number,) = gongdan.db.rows(sa.select(cases.c.id))[0]
    assert f"工单 {number} 已建立，正在等候：专业人员 仓库" in agent.get(f"/cases/{number}").text


def test_nobody_is_offered_a_case_that_they_could_not_follow(gongdan: Gongdan, settings: Settings) -> None:
    offer = 'name="process" value="quality_spot_check"'
    assert offer not in client_of(gongdan, settings, "agent1").get("/cases/new").text
    assert offer in client_of(gongdan, settings, "supervisor1").get("/cases/new").text
    assert send(client_of(gongdan, settings, "agent1"), "/cases/new", process="quality_spot_check")[0] == 403
    assert gongdan.db.rows(sa.select(cases.c.id)) == []


def test_a_task_is_offered_to_those_alone_who_may_do_it(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    page = client_of(gongdan, settings, "supervisor1").get(f"/tasks/{case}/{task}").text
    (choice,) = re.findall(r'<select name="to".*?</select>', page, re.DOTALL)
    assert re.findall(r'value="(\w+)"', choice) == ["yue1"]


def test_a_case_is_found_by_its_number_without_dashes(gongdan: Gongdan, settings: Settings) -> None:
    case, _ = registered(gongdan)
    supervisor = client_of(gongdan, settings, "supervisor1")
    typed = case.replace("-", "")
    assert supervisor.get(f"/cases/?q={typed}").headers["Location"] == f"/cases/{case}"
    assert case in supervisor.get(f"/?tab=all&q={typed}").text


def test_the_limit_of_a_case_handed_over_goes_on_in_the_linked_case(
    gongdan: Gongdan, settings: Settings
) -> None:
    at = gongdan.now()
    start = {"complaint_recorded": True, "contact_phone": "13800138000", "customer_name": "李四"}
    case = gongdan.dispatch(
        StartCase(process="insurance_branch_complaint", data=start, actor="centre1", at=at)
    )
    about = {"source": "call", "involves_violation": True, "major": False, "matter_complex": False}
    known = {"reason_l3": "03-02-05", "belongs_to_headquarters": True, "branch": "杭州分公司"}
    gongdan.dispatch(
        CompleteTask(case_id=case.case_id, task=case.opened[0], data=about | known, actor="centre1", at=at)
    )
    gongdan.outbox.work(datetime.fromisoformat(at))
    (child,) = children(gongdan.db, case.case_id)
    for locale, words in (("zh-Hans", "在关联工单中继续"), ("en", "goes on in the linked case")):
        page = client_of(gongdan, settings, "centre1", locale).get(f"/cases/{case.case_id}/state").text
        assert words in page
        assert f'<a class="num" href="/cases/{child.id}">' in page


@pytest.mark.parametrize("who", ["agent1", "supervisor1"])
def test_a_task_is_not_offered_where_it_would_be_refused_and_the_page_says_what_is_missing(
    gongdan: Gongdan, settings: Settings, who: str
) -> None:
    case, task = registered(gongdan)
    path = f"/tasks/{case}/{task}"
    taking = f'formaction="{path}/claim"'
    for asked in (path, f"{path}/side"):
        assert taking in client_of(gongdan, settings, "yue1").get(asked).text
        assert taking not in client_of(gongdan, settings, who).get(asked).text
    page = client_of(gongdan, settings, who).get(path).text
    assert "此任务须由「一线坐席 粤语」办理" in page


def test_every_amount_that_a_form_shows_is_read_in_yuan(gongdan: Gongdan, settings: Settings) -> None:
    reading = case_data_view.Reading(gongdan.releases.current(), {})
    app = create_app(gongdan, settings)
    with app.test_request_context():
        assert reading.text("relief_granted", 2000) == "20.00", "set by the process, shown by a form"
        assert reading.text("recovery_amount", 2000) == "20.00"
