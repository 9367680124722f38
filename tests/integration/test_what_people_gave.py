"""What people gave is not lost and can be read again: forms that came too late, files, records, words of the form."""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.settings import Settings
from engine.case.commands import CompleteTask, PauseClocks, StartCase
from engine.forms.attachments import Folder, named
from engine.operations import attachment_check
from engine.people.directory import DEMO_PASSWORD, Person
from engine.queries import drafts
from engine.storage.tables import cases
from tests.erasing import destroy_key
from tests.giving import keep
from tests.integration.test_pages_of_tasks import client_of, database_url, gongdan, registered, send

__all__ = ["database_url", "gongdan"]  # fixtures
CONTENT = b"\x89PNG\r\n\x1a\n" + b"a bill"
FILE = {
    "name": "账单 一月.png",
    "size": len(CONTENT),
    "type": "image/png",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
}


@pytest.fixture
def second(gongdan: Gongdan) -> None:
    """A second agent who speaks Cantonese."""
    colleague = Person("yue2", "何志强", frozenset({"agent"}), frozenset({"yue"}))
    gongdan.people.add_many([colleague], PasswordHasher().hash(DEMO_PASSWORD))


@pytest.mark.usefixtures("second")
def test_a_form_that_came_too_late_is_kept_as_its_senders_draft(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    path = f"/tasks/{case}/{task}"
    slow, other = client_of(gongdan, settings, "yue1"), client_of(gongdan, settings, "yue2")
    assert send(other, f"{path}/draft", result="busy", summary="第二次打")[0] == 204
    _complete(gongdan, case, task, "yue2", result="no_answer")
    status, page = send(slow, f"{path}/complete", result="busy", summary="我已经打过这通电话")
    assert status == 409
    assert "已填写的内容保留为此任务的草稿" in page
    assert "我已经打过这通电话" in slow.get(path).text
    assert "第二次打" in other.get(path).text  # a draft is its writer's, whoever completes the task
    status, asked = send(slow, f"{path}/draft/forget")
    assert (status, "不能恢复" in asked) == (200, True)
    assert "我已经打过这通电话" in slow.get(path).text, "nobody said yes"
    assert send(slow, f"{path}/draft/forget", sure="yes")[0] == 303
    assert "我已经打过这通电话" not in slow.get(path).text


def test_a_form_that_came_too_late_and_is_too_long_says_that_it_was_not_kept(
    gongdan: Gongdan, settings: Settings
) -> None:
    case, task = registered(gongdan)
    _complete(gongdan, case, task, "yue1", result="no_answer")
    late = client_of(gongdan, settings, "yue1")
    status, page = send(late, f"/tasks/{case}/{task}/complete", result="busy", summary="长" * 100_000)
    assert (status, "保留为此任务的草稿" in page) == (409, False)
    assert "200000" in page


def test_a_late_form_of_somebody_whose_task_it_never_was_is_not_kept(
    gongdan: Gongdan, settings: Settings
) -> None:
    case, task = registered(gongdan)
    _complete(gongdan, case, task, "yue1", result="no_answer", summary="-")
    stranger = client_of(gongdan, settings, "agent1")
    assert send(stranger, f"/tasks/{case}/{task}/complete", result="busy", summary="抄来的号码")[0] == 409
    assert drafts.form(gongdan.db, case, task, "agent1") is None


def test_a_late_form_without_answers_leaves_the_draft_as_it_is(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    path, late = f"/tasks/{case}/{task}", client_of(gongdan, settings, "yue1")
    assert send(late, f"{path}/draft", summary="已经打过")[0] == 204
    _complete(gongdan, case, task, "yue1", result="no_answer", summary="-")
    assert send(late, f"{path}/complete")[0] == 409
    assert "已经打过" in late.get(path).text


def test_nothing_is_kept_of_an_erased_case(gongdan: Gongdan) -> None:
    case, task = registered(gongdan)
    destroy_key(gongdan, case)
    with pytest.raises(Rejected, match="was erased"):
        drafts.save_form(gongdan.db, case, task, "yue1", [("summary", "王女士")], gongdan.now())


def test_old_drafts_of_closed_cases_go(gongdan: Gongdan) -> None:
    (closed, task), (running, other) = registered(gongdan), registered(gongdan)
    for case, number in ((closed, task), (running, other)):
        drafts.save_form(gongdan.db, case, number, "yue1", [("summary", "旧")], "2026-01-01T00:00:00+00:00")
    with gongdan.db.begin() as connection:
        connection.execute(sa.update(cases).where(cases.c.id == closed).values(state="closed"))
    drafts.save_form(gongdan.db, running, other, "agent1", [("summary", "新")], gongdan.now())
    assert drafts.form(gongdan.db, closed, task, "yue1") is None
    kept = drafts.form(gongdan.db, running, other, "yue1")
    assert kept is not None
    assert kept.pairs == [("summary", "旧")]


def test_an_answer_is_labelled_by_the_form_that_asked_for_it(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registered(gongdan)
    _complete(
        gongdan,
        case,
        task,
        "yue1",
        result="reached",
        talked_with="本人",
        answer_given="已说明漫游资费",
        summary="已答复",
    )
    page = client_of(gongdan, settings, "supervisor1").get(f"/cases/{case}").text
    assert "<dt>答复内容</dt><dd>已说明漫游资费</dd>" in page  # 解答内容 in the forms of other processes


def test_a_file_opens_for_who_may_see_the_case(gongdan: Gongdan, settings: Settings) -> None:
    case = _opened_with(gongdan, {"evidence_files": [FILE]})
    keep(Folder(settings.var, case), FILE, CONTENT)
    client = client_of(gongdan, settings, "supervisor1")
    page = client.get(f"/cases/{case}").text
    link = f"/cases/{case}/files/{FILE['sha256']}"
    assert f'<a href="{link}">账单 一月.png</a>' in page
    answer = client.get(link)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, CONTENT, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    elsewhere = _opened_with(gongdan, {})
    for missing in (link.replace(case, elsewhere), link[:-1], f"/cases/{case}/files/{'0' * 64}"):
        assert client.get(missing).status_code == 404


def test_files_are_found_wherever_they_stand_in_the_data() -> None:
    other = FILE | {"sha256": "0" * 64}
    data = {"a": [FILE, FILE], "rows": [{"part": {"proof": other}}], "name": "x"}
    assert list(named(data)) == [FILE, other]


def test_what_a_script_put_together_is_shown_in_words(gongdan: Gongdan, settings: Settings) -> None:
    case = _opened_with(
        gongdan, {"made": {"fee": 12, "at": "2026-03-02T02:00:00+00:00"}, "entries": [{"n": 1}]}
    )
    page = client_of(gongdan, settings, "supervisor1").get(f"/cases/{case}").text
    assert "at：2026-03-02 10:00；fee：12" in page
    assert "n：1" in page
    english = client_of(gongdan, settings, "supervisor1", "en").get(f"/cases/{case}").text
    assert "at: 2026-03-02 10:00; fee: 12" in english


def _opened_with(gongdan: Gongdan, data: dict[str, object]) -> str:
    opened = gongdan.dispatch(
        StartCase(process="general_complaint", data=data, actor="system:test", at=gongdan.now())
    )
    return opened.case_id


def _complete(gongdan: Gongdan, case: str, task: int, actor: str, **answers: object) -> None:
    gongdan.dispatch(
        CompleteTask(
            case_id=case,
            task=task,
            data={"direction": "outbound", "started_at": gongdan.now(), **answers},
            actor=actor,
            at=gongdan.now(),
        )
    )


def test_a_file_that_was_changed_or_lost_is_told_and_not_served(gongdan: Gongdan, settings: Settings) -> None:
    case = _opened_with(gongdan, {"evidence_files": [FILE]})
    folder = Folder(settings.var, case)
    keep(folder, FILE, CONTENT)
    client, link = client_of(gongdan, settings, "supervisor1"), f"/cases/{case}/files/{FILE['sha256']}"
    assert list(attachment_check.faults(gongdan, case)) == []
    (folder.path / str(FILE["sha256"])).write_bytes(b"\x89PNG\r\n\x1a\n another bill")
    answer = client.get(link)
    assert (answer.status_code, "附件与当初提交的不一致" in answer.text) == (500, True)
    assert list(attachment_check.faults(gongdan, case)) == [
        "the file '账单 一月.png' holds something else than was given"
    ]
    folder.remove()
    answer = client.get(link)
    assert (answer.status_code, "没有这个附件" in answer.text) == (404, True)
    assert list(attachment_check.faults(gongdan, case)) == ["the file '账单 一月.png' is missing"]


@pytest.mark.parametrize("written", ["agent2", " Agent2", "ａｇｅｎｔ２", "李志强", "李志强（坐席）"])
def test_who_is_complained_about_is_found_however_their_name_is_written(
    gongdan: Gongdan, written: str
) -> None:
    assert [person.name for person in gongdan.people.meant_by(written)] == ["agent2"]
    assert gongdan.people.meant_by("nobody99") == []


def test_a_reason_has_an_end(gongdan: Gongdan) -> None:
    case, _ = registered(gongdan)
    with pytest.raises(Rejected, match="at most 500 characters, but it has 501"):
        gongdan.dispatch(PauseClocks(case_id=case, reason="长" * 501, actor="supervisor1", at=gongdan.now()))
