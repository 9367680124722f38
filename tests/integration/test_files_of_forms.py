"""Files come with a command that was recorded, or not at all: nothing else of them stays on the disk."""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from engine.app import Gongdan
from engine.base.errors import Conflict, NotAllowed, Rejected, TechnicalFailure, Unavailable
from engine.base.settings import Settings
from engine.case.commands import ClaimTask, CompleteTask, StartCase
from engine.forms import attachments
from engine.forms.attachments import Folder
from engine.operations import attachment_check, leftovers
from engine.operations.worker import work_once
from tests.clock import Clock
from tests.giving import keep
from tests.integration.test_pages_of_tasks import COMPLAINT, client_of, database_url, gongdan

__all__ = ["database_url", "gongdan"]  # fixtures
PDF = b"%PDF-1.4 "
BIG = [PDF + bytes([65 + n]) * (5 * 1024 * 1024 - len(PDF)) for n in range(5)]


def stored(settings: Settings) -> list[str]:
    """Every file below the attachments."""
    folder = settings.var / "attachments"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def registering(gongdan: Gongdan) -> tuple[str, int]:
    """A complaint whose registration, with files, is open and held by agent1."""
    at = gongdan.now()
    case = gongdan.dispatch(StartCase(process="general_complaint", data={}, actor="agent1", at=at))
    done = gongdan.dispatch(
        CompleteTask(
            case_id=case.case_id,
            task=case.opened[0],
            data={"variant": "customer", "soothed": True},
            actor="agent1",
            at=at,
        )
    )
    gongdan.dispatch(ClaimTask(case_id=case.case_id, task=done.opened[0], actor="agent1", at=at))
    return case.case_id, done.opened[0]


def give(client: FlaskClient, case: str, task: int, contents: list[bytes], **changed: str) -> tuple[int, str]:
    """Send the registration with files; status and text."""
    page = client.get(f"/tasks/{case}/{task}").text
    token = re.findall(r'name="csrf-token" content="([^"]+)"', page)[0]
    key = (re.findall(r'name="submit_key" value="([^"]+)"', page) or [""])[0]
    answers = {k: "true" if v is True else v for k, v in COMPLAINT.items()}
    body: dict[str, object] = {**answers, "received_at": "2026-03-02T09:00", "csrf_token": token, **changed}
    body["submit_key"] = key
    body["attachments"] = [
        FileStorage(io.BytesIO(content), f"letter{n}.pdf") for n, content in enumerate(contents)
    ]
    boundary, sent = encode_multipart(body)
    kind = f"multipart/form-data; boundary={boundary}"
    answer = client.post(f"/tasks/{case}/{task}/complete", data=sent, content_type=kind)
    return answer.status_code, answer.text


def test_files_of_an_accepted_form_are_kept_and_nothing_waits(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registering(gongdan)
    status, _ = give(client_of(gongdan, settings, "agent1"), case, task, [PDF + b"1", PDF + b"2"])
    assert status == 303
    digests = {hashlib.sha256(PDF + end).hexdigest() for end in (b"1", b"2")}
    assert attachment_check.named_by(gongdan, case) == digests
    assert stored(settings) == sorted(f"{case}/{d}{e}" for d in digests for e in ("", ".json"))
    assert list(attachment_check.faults(gongdan, case)) == []


def test_ten_times_five_large_files_of_a_form_with_a_mistake_leave_nothing(
    gongdan: Gongdan, settings: Settings
) -> None:
    case, task = registering(gongdan)
    client = client_of(gongdan, settings, "agent1")
    for _ in range(10):
        status, text = give(client, case, task, BIG, contact_phone="138")
        assert status == 422
        assert "附件须重新选择：letter0.pdf、letter1.pdf" in text
        assert "-kept" not in text, "a file that is not kept must not be offered as if it were"
    assert stored(settings) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (
            Conflict("Expected case {case_id} to hold still, but it keeps changing; try again", case_id="1"),
            409,
        ),
        (Rejected("Expected a supervisor, but {person} is none", person="agent1"), 409),
        (NotAllowed("Expected a supervisor, but {person} is none", person="agent1"), 403),
        (TechnicalFailure("a script failed"), 500),
    ],
)
def test_files_of_a_refused_command_leave_nothing(
    gongdan: Gongdan, settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    case, task = registering(gongdan)
    client = client_of(gongdan, settings, "agent1")
    seen: list[list[str]] = []

    def refuse(_: object) -> None:
        seen.append(stored(settings))
        raise error

    monkeypatch.setattr(gongdan, "dispatch", refuse)
    found, text = give(client, case, task, [PDF])
    assert len(seen[0]) == 2, "on the disk before a case may name it"
    assert (found in (status, 409), stored(settings)) == (True, [])
    assert "letter0.pdf" in text


def test_who_may_not_send_the_form_leaves_no_files(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registering(gongdan)
    status, _ = give(client_of(gongdan, settings, "agent2"), case, task, [PDF])
    assert status in (403, 409)
    assert stored(settings) == []


def test_the_same_file_of_another_form_survives_the_refusal_of_this_one(
    gongdan: Gongdan, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a form with the file is refused, another of the same case with the same file is accepted."""
    case, task = registering(gongdan)
    client = client_of(gongdan, settings, "agent1")
    real: Callable[..., object] = gongdan.dispatch

    def overtaken(command: object) -> object:
        if isinstance(command, CompleteTask):
            monkeypatch.setattr(gongdan, "dispatch", real)
            assert give(client_of(gongdan, settings, "agent1"), case, task, [PDF])[0] == 303
            raise Conflict("Expected task {task} to be open, but it is not", task=task)
        return real(command)

    monkeypatch.setattr(gongdan, "dispatch", overtaken)
    assert give(client, case, task, [PDF])[0] == 409
    assert list(attachment_check.faults(gongdan, case)) == []
    assert len(stored(settings)) == 2


def test_many_forms_with_one_file_at_once_keep_it_where_it_was_accepted(
    gongdan: Gongdan, settings: Settings
) -> None:
    cases = [registering(gongdan) for _ in range(3)]
    answers: list[int] = []

    def send(client: FlaskClient, case: str, task: int, phone: str) -> None:
        answers.append(give(client, case, task, [PDF], contact_phone=phone)[0])

    threads = [
        threading.Thread(target=send, args=(client_of(gongdan, settings, "agent1"), *one, phone))
        for one in cases
        for phone in ("138", "13800138000", "138")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(303) == 3
    for case, _ in cases:
        assert list(attachment_check.faults(gongdan, case)) == []
    assert len(stored(settings)) == 6


@pytest.mark.parametrize("recorded", [True, False])
def test_what_a_crash_left_waiting_is_settled_by_the_history(
    gongdan: Gongdan, settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    case, task = registering(gongdan)
    client = client_of(gongdan, settings, "agent1")
    real: Callable[..., object] = gongdan.dispatch

    def dies(command: object) -> None:
        if recorded:
            real(command)
        raise Unavailable("the database is gone")

    monkeypatch.setattr(gongdan, "dispatch", dies)
    assert give(client, case, task, [PDF])[0] == 503
    monkeypatch.undo()
    assert [name.startswith(".waiting/") for name in stored(settings)] == [True, True]
    digest = hashlib.sha256(PDF).hexdigest()
    moment = datetime.fromisoformat(clock.now)
    while work_once(gongdan, moment):
        pass
    if recorded:
        assert Folder(settings.var, case).content(digest) == PDF
        assert list(attachment_check.faults(gongdan, case)) == []
    else:
        assert len(stored(settings)) == 2, "the command may still be under way"
    while work_once(gongdan, moment + leftovers.GRACE + timedelta(seconds=1)):
        pass
    assert stored(settings) == ([f"{case}/{digest}", f"{case}/{digest}.json"] if recorded else [])


def test_a_file_whose_form_was_refused_is_asked_for_again_on_a_form_without_scripts(
    gongdan: Gongdan, settings: Settings
) -> None:
    case, task = registering(gongdan)
    client = client_of(gongdan, settings, "agent1")
    assert give(client, case, task, [PDF], contact_phone="138")[0] == 422
    assert give(client, case, task, [])[0] == 303
    assert attachment_check.named_by(gongdan, case) == set()


def test_files_that_no_command_names_are_found_and_removed(gongdan: Gongdan, settings: Settings) -> None:
    case, task = registering(gongdan)
    assert give(client_of(gongdan, settings, "agent1"), case, task, [PDF])[0] == 303
    folder, stray = Folder(settings.var, case), PDF + b"stray"
    digest = hashlib.sha256(stray).hexdigest()
    keep(folder, {"name": "x.pdf", "size": len(stray), "type": "application/pdf", "sha256": digest}, stray)
    assert attachment_check.unnamed(gongdan, case) == [digest]
    assert attachment_check.remove_unnamed(gongdan, case) == 1
    assert attachment_check.unnamed(gongdan, case) == []
    assert stored(settings) == sorted(
        f"{case}/{hashlib.sha256(PDF).hexdigest()}{ending}" for ending in ("", ".json")
    )


def test_a_file_named_in_the_moment_of_its_removal_comes_back(
    gongdan: Gongdan, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, task = registering(gongdan)
    folder, digest = Folder(settings.var, case), hashlib.sha256(PDF).hexdigest()
    keep(folder, {"name": "x.pdf", "size": len(PDF), "type": "application/pdf", "sha256": digest}, PDF)
    real = attachments.Folder.set_aside

    def meanwhile(self: Folder, sha256: str) -> Path:
        monkeypatch.setattr(attachments.Folder, "set_aside", real)
        assert give(client_of(gongdan, settings, "agent1"), case, task, [PDF])[0] == 303
        return real(self, sha256)

    monkeypatch.setattr(attachments.Folder, "set_aside", meanwhile)
    assert attachment_check.remove_unnamed(gongdan, case) == 0
    assert folder.content(digest) == PDF
    assert folder.recall(digest) is not None
