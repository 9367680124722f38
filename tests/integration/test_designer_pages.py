"""The designer's room asks scenarios before it publishes: what it refuses, what it says, how a designer goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.design.lint import Finding
from engine.people.directory import DEMO_PASSWORD
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release.release import Release
from engine.scenarios import Judgement, publishing
from web import create_app

Judged = tuple[list[Finding], Judgement | None]

CANTONESE, LIMITS = "bpmn/telecom/cantonese_callback.bpmn", "bpmn/decisions/sla.dmn"
SCENARIOS = "bpmn/scenarios/cantonese_callback.json"
POLICY, COPY = "bpmn/telecom/policy_consultation.bpmn", "bpmn/telecom/policy_copy.bpmn"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages ask the same of every database; the queries have their own tests on both."""
    return sqlite_url


@pytest.fixture
def gongdan(shipped: Gongdan) -> Gongdan:
    return shipped


@pytest.fixture
def designer(gongdan: Gongdan, settings: Settings) -> Iterator[FlaskClient]:
    """A designer at a browser."""
    with create_app(gongdan, settings).test_client() as client:
        page = client.get("/sign-in").text
        form = {"name": "designer1", "password": DEMO_PASSWORD, "csrf_token": token(page)}
        assert client.post("/sign-in", data=form).status_code == 303
        yield client


def token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def draft(gongdan: Gongdan, path: str, old: str, new: str) -> None:
    """Keep a draft of ``path`` with ``old`` replaced."""
    body = gongdan.releases.current().files[path]
    changed = body.replace(old.encode(), new.encode())
    assert changed != body
    drafts.save_diagram(gongdan.db, DiagramDraft(path, "designer1", changed, 1, gongdan.now()))


def post(client: FlaskClient, action: str, *paths: str, **fields: str) -> TestResponse:
    data = {"path": list(paths), "csrf_token": token(client.get("/designer/").text), **fields}
    return client.post(f"/designer/{action}", data=data)


def said(answer: TestResponse) -> str:
    """The page as people read it."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)).replace("&#39;", "'")


def test_a_changed_limit_waits_for_its_scenarios(gongdan: Gongdan, designer: FlaskClient) -> None:
    draft(gongdan, LIMITS, '"CAN_CALLBACK_1_iso"><text>"PT2H"', '"CAN_CALLBACK_1_iso"><text>"PT3H"')
    refused = post(designer, "publish", LIMITS, note="三小时内回访")
    assert refused.status_code == 422
    page = said(refused)
    assert "没有发布" in page
    assert "情景「两小时内首次回访接通」第 2 步" in page
    assert "CAN_CALLBACK_1 应为 3月2日 12:00，实为 3月2日 13:00" in page
    assert f"就在 {SCENARIOS} 里改这一步" in page
    assert 'value="三小时内回访"' in refused.text, "what was typed is still there"
    assert gongdan.releases.current_number() == 1

    draft(gongdan, SCENARIOS, "2026-03-02T12:00:00+08:00", "2026-03-02T13:00:00+08:00")
    tried = said(post(designer, "try", LIMITS, SCENARIOS))
    assert "两小时内首次回访接通" not in tried, "the mended scenario passes"
    assert "两小时内无人拨打" in tried, "another still waits for its notice after two hours"


def test_a_renamed_step_is_published_without_any_scenario(gongdan: Gongdan, designer: FlaskClient) -> None:
    draft(gongdan, CANTONESE, "第一次粤语回访", "首访")
    assert "不涉及任何情景" in said(post(designer, "try", CANTONESE))
    assert post(designer, "publish", CANTONESE, note="改名").status_code == 303
    assert gongdan.releases.current_number() == 2


def test_a_change_that_keeps_its_promises_is_tried_and_published(
    gongdan: Gongdan, designer: FlaskClient
) -> None:
    draft(gongdan, CANTONESE, "attempts &gt;= param", "attempts + 1 &gt; param")
    tried = post(designer, "try", CANTONESE)
    assert (tried.status_code, gongdan.releases.current_number()) == (200, 1)
    assert re.search(r"\d+ 个情景通过，走到了每一步", said(tried))
    assert post(designer, "publish", CANTONESE, note="同样两次").status_code == 303


def test_a_new_process_needs_scenarios_or_a_reason_that_is_kept(
    gongdan: Gongdan, designer: FlaskClient
) -> None:
    copied = gongdan.releases.current().files[POLICY].decode()
    for name in ("id", "processRef"):
        copied = copied.replace(f'{name}="policy_consultation"', f'{name}="policy_copy"')
    drafts.save_diagram(gongdan.db, DiagramDraft(COPY, "designer1", copied.encode(), 1, gongdan.now()))
    refused = post(designer, "publish", COPY, note="试点")
    assert refused.status_code == 422
    assert "没有情景" in said(refused)
    assert 'name="reason"' in refused.text

    assert post(designer, "scenarios", COPY).headers["Location"].endswith("scenarios/policy_copy.json")
    sketched = drafts.diagram(gongdan.db, "bpmn/scenarios/policy_copy.json", "designer1")
    assert sketched is not None
    assert json.loads(sketched.body)[0]["process"] == "policy_copy"

    assert post(designer, "publish", COPY, note="试点", reason="下周补").status_code == 303
    assert gongdan.releases.numbers()[0].note == "试点（没有情景：下周补）"
    assert "policy_copy" in gongdan.releases.current().processes


def test_the_scenarios_of_a_process_open_from_its_diagram(gongdan: Gongdan, designer: FlaskClient) -> None:
    assert "情景" in designer.get(f"/designer/edit?path={CANTONESE}").text
    assert (
        post(designer, "scenarios", CANTONESE)
        .headers["Location"]
        .endswith("scenarios/cantonese_callback.json")
    )
    assert drafts.diagrams(gongdan.db) == []
    assert post(designer, "scenarios", LIMITS).status_code == 404


def test_what_was_judged_is_what_is_published(
    gongdan: Gongdan, designer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another release that came while the drafts were played is played with them: here its limit contradicts them."""
    later = (
        gongdan.releases.current()
        .files[LIMITS]
        .replace(b'"CAN_CALLBACK_1_iso"><text>"PT2H"', b'"CAN_CALLBACK_1_iso"><text>"PT3H"')
    )
    played: list[int] = []

    def overtaken(release: Release, changed: Mapping[str, bytes]) -> Judged:
        found = judged(release, changed)
        if not played:
            gongdan.releases.publish({LIMITS: later}, "designer2", "三小时", gongdan.now())
        played.append(release.number)
        return found

    judged = publishing.judged
    monkeypatch.setattr(publishing, "judged", overtaken)
    draft(gongdan, CANTONESE, "attempts &gt;= param", "attempts + 1 &gt; param")
    refused = post(designer, "publish", CANTONESE, note="同样两次")
    assert (refused.status_code, played) == (422, [1, 2])
    assert "CAN_CALLBACK_1 应为 3月2日 12:00，实为 3月2日 13:00" in said(refused)
    assert gongdan.releases.current_number() == 2


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("<bpmn:multiInstanceLoopCharacteristics/>", "没有写做几次"),
        ("<bpmn:standardLoopCharacteristics/>", "没有写何时停止"),
    ],
)
def test_a_loop_without_what_it_needs_is_a_finding_when_it_is_tried_or_published(
    gongdan: Gongdan, designer: FlaskClient, marker: str, words: str
) -> None:
    body = gongdan.releases.current().files[CANTONESE].decode()
    step = re.search(r'<bpmn:userTask id="callback_1".*?</bpmn:userTask>', body, re.DOTALL)
    assert step is not None
    draft(
        gongdan,
        CANTONESE,
        step.group(),
        step.group().replace("</bpmn:userTask>", marker + "</bpmn:userTask>"),
    )
    for action, status in (("try", 200), ("publish", 422)):
        answer = post(designer, action, CANTONESE, note="多做几次")
        assert answer.status_code == status
        page = said(answer)
        assert words in page
        assert "cantonese_callback.bpmn · callback_1" in page
        assert "must" not in page, "a sentence of the engine"
    assert gongdan.releases.current_number() == 1
