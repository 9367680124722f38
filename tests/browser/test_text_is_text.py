"""Hostile text in names, data and diagrams stays text, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from engine.case.commands import CompleteTask, StartCase
from engine.queries import work
from tests.browser.conftest import Desk, Site

Sit = Callable[..., Desk]
HOSTILE = "<img src=x onerror=document.title='owned'>\"'><script>document.title='owned'</script>{{7*7}}"
PATH = "bpmn/telecom/cantonese_callback.bpmn"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def test_hostile_text_is_shown_never_run(site: Site, sit: Sit) -> None:
    g, at = site.gongdan, site.clock.now
    body = g.releases.current().files[PATH].decode()
    body = body.replace("第一次粤语回访", _escaped(HOSTILE)).replace("二线“粤语沟通”专席", _escaped(HOSTILE))
    g.releases.publish({PATH: body.encode()}, "designer1", HOSTILE, at)
    case = g.dispatch(StartCase(process="cantonese_callback", data={}, actor="agent1", at=at)).case_id
    first = next(t for t in work.tasks(g.db, case) if t.state == "open")
    data = {
        "language": "cantonese_guangzhou",
        "business_related": True,
        "mandarin_offered": True,
        "mandarin_accepted": False,
        "reason": "language_need",
        "mandarin_refusal": "prefers_cantonese",
        "user_number": "13823456789",
        "question": HOSTILE + "，请用粤语答复我",
    }
    g.dispatch(CompleteTask(case_id=case, task=first.task, data=data, actor="agent1", at=at))
    site.pass_time(hours=3)
    number = next(t.task for t in work.tasks(g.db, case) if t.state == "open")
    desk = sit("admin1")
    for path in (
        "/?tab=all",
        f"/cases/{case}",
        f"/tasks/{case}/{number}",
        f"/audit/{case}",
        "/cases/?q=13823456789",
        "/notices/",
        "/board/",
        "/designer/",
        "/designer/compare?old=1&new=2",
        f"/designer/edit?path={PATH}",
        "/processes/cantonese_callback",
    ):
        page = desk.open(path)
        page.wait_for_load_state("networkidle")
        assert page.title() != "owned", path
        assert "49" not in page.title()
    desk.open(f"/cases/{case}")
    expect(desk.page.locator(".lead")).to_contain_text("<img src=x onerror=")
    refused = [text for text in desk.complaints if "Content Security Policy" in text]
    assert refused == []
