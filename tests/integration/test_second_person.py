"""A release that touches what is guarded waits for a second person, who approves exactly what they looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.base.errors import Conflict, Damaged, NotAllowed, NotFound, Rejected, Unavailable
from engine.base.settings import CHECKOUT
from engine.cli.releases import releases as command
from engine.design.lint import Finding
from engine.design.lint.catalogue.files import SCENARIO_UNREADABLE
from engine.people.directory import DEMO_PASSWORD
from engine.people.security_events import By
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release import proposals
from engine.release.proposals import Proposal
from engine.release.release import ROLES, Release
from engine.scenarios import Judgement, publishing
from engine.scenarios.publishing import Asked, Outcome, Overtaken, Published, Refused, Waits
from engine.storage.proof_tables import security_log as table
from engine.storage.release_tables import proposal_file
from engine.storage.tables import notice, person, release
from tests.casework import FILES, WORK, Desk, opened, template
from tests.clock import Clock
from web import create_app

TEXT, NOTICE, WORK_PATH = (
    "bpmn/templates/sms_attempt.json", "bpmn/templates/notice_late.json", "bpmn/tests/work.bpmn",
)  # fmt: skip
SLOTS = {"name": "customer_name", "n": "attempts"}
NEW_TEXT = json.dumps(
    json.loads(template("sms_attempt", "{name}您好,这是第{n}次回访", **SLOTS)), ensure_ascii=False, indent=1
).encode()
NEW_NOTICE = template("notice_late", "{no} {name} 已超时", "notice", no="case_no", name="customer_name")
MINE = (FILES[ROLES] or b"").replace("投诉管理岗".encode(), "投诉管理台".encode())
ALL = frozenset({"roles", "limits", "money", "texts"})


@pytest.fixture
def guarded(tmp_path: Path, clock: Clock, database_url: str) -> Iterator[Desk]:
    """The small company, on both databases, with every kind of change guarded."""
    with opened(tmp_path, clock, database_url, second_person=ALL) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lint and scenarios say has its own tests (test_designer_pages): here they are content at once."""
    monkeypatch.setattr(publishing, "judged", lambda *_: ([], Judgement(run=3)))


def keep(desk: Desk, path: str, body: bytes, author: str = "designer1", base: int = 1) -> DiagramDraft:
    """A draft that somebody keeps."""
    made = DiagramDraft(path, author, body, base, desk.at)
    drafts.save_diagram(desk.g.db, made)
    return made


def ask(desk: Desk, *mine: DiagramDraft, author: str = "designer1", note: str = "换个说法") -> Outcome:
    asked = Asked(mine, author, note, desk.at, By(author, "192.0.2.1"), reason="下周补", excused=note)
    return publishing.publish(desk.g, asked)


def proposed(desk: Desk, path: str = TEXT, body: bytes = NEW_TEXT, author: str = "designer1") -> Proposal:
    """The proposal that a draft became."""
    made = ask(desk, keep(desk, path, body, author), author=author)
    assert isinstance(made, Waits), made
    return proposals.get(desk.g.db, made.number)


def approve(desk: Desk, one: Proposal, name: str = "supervisor1", digest: str | None = None) -> Outcome:
    who = desk.g.people.get(name)
    return publishing.approve(desk.g, one.number, digest or one.digest, By(name), desk.at, who)


def refuse(desk: Desk, one: Proposal, why: str = "不妥", name: str = "supervisor1") -> None:
    proposals.refuse(desk.g.db, one.number, one.digest, name, why, By(name), desk.at)


def logged(desk: Desk, *kinds: str) -> list[list[Any]]:
    """Kind, person, about and detail of the entries of these kinds, in order."""
    query = sa.select(table).where(table.c.kind.in_(kinds)).order_by(table.c.id)
    return [[r.kind, r.person, r.about, json.loads(r.detail)] for r in desk.g.db.rows(query)]


def in_force(desk: Desk) -> int | None:
    return desk.g.releases.current_number()


# ---------------------------------------------------------------- it waits
def test_what_is_guarded_waits_with_its_judgement_and_those_who_decide_hear_of_it(guarded: Desk) -> None:
    one = proposed(guarded)
    assert in_force(guarded) == 1
    assert (one.author, one.note, one.base, one.state) == ("designer1", "换个说法", 1, "waiting")
    assert one.kinds == {"texts": [TEXT]}
    assert one.judged == {"scenarios": 3, "findings": []}
    assert one.paths == (TEXT,)
    assert [(f.path, f.author, f.base_release, f.body) for f in proposals.files(guarded.g.db, one)] == [
        (TEXT, "designer1", 1, NEW_TEXT)
    ]
    assert drafts.diagram(guarded.g.db, TEXT, "designer1") is not None
    told = guarded.g.db.rows(sa.select(notice).order_by(notice.c.id))
    assert [(row.role, row.level, row.topic) for row in told] == [
        ("admin", "info", f"proposal:{one.number}/info"), ("supervisor", "info", f"proposal:{one.number}/info"),
    ]  # fmt: skip
    assert logged(guarded, "proposed", "published")[1:] == [
        ["proposed", "designer1", str(one.number),
         {"files": [TEXT], "many": 1, "digest": one.digest, "kinds": ["texts"], "note": "换个说法"}]
    ]  # fmt: skip


def test_what_is_not_guarded_is_published_at_once(guarded: Desk) -> None:
    assert ask(guarded, keep(guarded, NOTICE, NEW_NOTICE)) == Published(2)
    assert drafts.diagram(guarded.g.db, NOTICE, "designer1") is not None, "the room throws it away"


def test_nothing_waits_unless_the_setting_says_so(desk: Desk) -> None:
    assert ask(desk, keep(desk, TEXT, NEW_TEXT)) == Published(2)


def test_nothing_comes_into_force_past_the_room(guarded: Desk) -> None:
    with pytest.raises(NotAllowed, match="second person to agree, for the release changes texts"):
        guarded.g.releases.publish({TEXT: NEW_TEXT}, "designer1", "by hand", guarded.at)
    assert in_force(guarded) == 1


def test_the_operator_publishes_the_folder_alone(guarded: Desk) -> None:
    assert guarded.g.releases.publish({TEXT: NEW_TEXT}, "folder", "shipped", guarded.at) == 2


def test_the_same_again_is_the_one_that_waits_and_another_takes_its_place(guarded: Desk) -> None:
    first = proposed(guarded)
    assert proposed(guarded).number == first.number
    second = proposed(guarded, body=NEW_TEXT + b" ")
    assert [one.number for one in proposals.waiting(guarded.g.db)] == [second.number]
    replaced = proposals.get(guarded.g.db, first.number)
    assert (replaced.state, replaced.decided_by) == ("replaced", "designer1")
    assert logged(guarded, "taken_back") == [
        ["taken_back", "designer1", str(first.number), {"instead": str(second.number)}]
    ]
    with pytest.raises(Conflict, match="to wait, but designer1 settled it"):
        approve(guarded, first)
    assert in_force(guarded) == 1


# ---------------------------------------------------------------- it is approved
def test_another_person_approves_and_both_names_stand_in_the_release(guarded: Desk) -> None:
    one = proposed(guarded)
    assert approve(guarded, one) == Published(2)
    assert guarded.g.releases.current().files[TEXT] == NEW_TEXT
    row = guarded.g.db.rows(sa.select(release).where(release.c.number == 2))[0]
    assert (row.author, row.approved_by, row.approved_at, row.note) == (
        "designer1", "supervisor1", guarded.at, "换个说法",
    )  # fmt: skip
    assert guarded.g.releases.numbers()[0].approver == "supervisor1"
    assert guarded.g.releases.authors(2)[TEXT] == "designer1"
    settled = proposals.get(guarded.g.db, one.number)
    assert (settled.state, settled.decided_by, settled.decided_at, settled.release) == (
        "approved", "supervisor1", guarded.at, 2,
    )  # fmt: skip
    assert drafts.diagrams(guarded.g.db) == []
    assert [entry[:3] for entry in logged(guarded, "proposed", "published", "approved")][1:] == [
        ["proposed", "designer1", str(one.number)],
        ["published", "supervisor1", "2"],
        ["approved", "supervisor1", str(one.number)],
    ]
    assert logged(guarded, "approved")[0][3] == {"author": "designer1", "digest": one.digest, "release": 2}
    told = guarded.g.db.rows(sa.select(notice).where(notice.c.topic == "release:2/info"))
    assert {row.role for row in told} == {"supervisor", "auditor"}
    assert all(word in told[0].text for word in ("林设计", "批准", "换个说法"))
    mine = guarded.g.db.rows(sa.select(notice).where(notice.c.person == "designer1"))
    assert [row.topic for row in mine] == [f"proposal:{one.number}/info"]


def test_a_draft_that_went_on_meanwhile_stays(guarded: Desk) -> None:
    one = proposed(guarded)
    keep(guarded, TEXT, NEW_TEXT + b" ")
    assert approve(guarded, one) == Published(2)
    assert guarded.g.releases.current().files[TEXT] == NEW_TEXT, "what was looked at, not what is typed now"
    kept = drafts.diagram(guarded.g.db, TEXT, "designer1")
    assert kept is not None
    assert kept.body == NEW_TEXT + b" "


@pytest.mark.parametrize(
    ("name", "says"),
    [("designer1", "designer1 may not"), ("agent1", "agent1 may not"), ("auditor1", "auditor1 may not")],
)
def test_who_has_not_the_right_does_not(guarded: Desk, name: str, says: str) -> None:
    one = proposed(guarded)
    with pytest.raises(NotAllowed, match=says):
        approve(guarded, one, name)
    assert in_force(guarded) == 1


def test_whose_it_is_and_whose_drafts_are_in_it_decide_nothing(guarded: Desk) -> None:
    one = proposed(guarded, author="admin1")
    theirs = ask(guarded, keep(guarded, NOTICE, NEW_NOTICE), keep(guarded, TEXT, NEW_TEXT, "supervisor1"))
    assert isinstance(theirs, Waits)
    both = proposals.get(guarded.g.db, theirs.number)
    for name, proposal in (("admin1", one), ("supervisor1", both)):
        with pytest.raises(NotAllowed, match=f"another person to decide, but {name}"):
            approve(guarded, proposal, name)
        with pytest.raises(NotAllowed, match="another person"):
            refuse(guarded, proposal, name=name)
    assert in_force(guarded) == 1


def test_who_was_switched_off_does_not(guarded: Desk) -> None:
    one = proposed(guarded)
    with guarded.g.db.begin() as connection:
        connection.execute(sa.update(person).where(person.c.name == "supervisor1").values(active=0))
    with pytest.raises(NotAllowed, match="supervisor1 may not"):
        approve(guarded, one)


def test_what_gives_rights_needs_an_administrator_among_the_two(guarded: Desk) -> None:
    one = proposed(guarded, ROLES, MINE)
    with pytest.raises(NotAllowed, match=r"administrator, for bpmn/roles.json .* supervisor1 is none"):
        approve(guarded, one)
    assert proposals.get(guarded.g.db, one.number).waits
    assert approve(guarded, one, "admin1") == Published(2)


def test_an_administrators_rights_need_another_who_need_be_none(guarded: Desk) -> None:
    assert approve(guarded, proposed(guarded, ROLES, MINE, "admin1")) == Published(2)


# ---------------------------------------------------------------- what was looked at, and nothing else
def test_what_is_approved_are_the_very_bytes(guarded: Desk) -> None:
    one = proposed(guarded)
    with pytest.raises(Conflict, match="files that you looked at"):
        approve(guarded, one, digest="0" * 64)
    with guarded.g.db.begin() as connection:
        connection.execute(sa.update(proposal_file).values(body=NEW_TEXT + b"\n"))
    with pytest.raises(Damaged, match="not those that were proposed"):
        approve(guarded, one)
    assert in_force(guarded) == 1
    refuse(guarded, one)


def test_of_two_who_approve_at_once_one_does(guarded: Desk) -> None:
    one = proposed(guarded)

    def decide(name: str) -> Outcome | type[Exception]:
        try:
            return approve(guarded, one, name)
        except Conflict as error:
            return type(error)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(decide, ["supervisor1", "admin1"]))
    assert sorted(map(str, done)) == sorted(map(str, [Published(2), Conflict]))
    assert in_force(guarded) == 2
    assert len(logged(guarded, "approved")) == 1


@pytest.mark.parametrize("meanwhile", ["refused", "taken back", "replaced"])
def test_what_was_settled_while_it_was_judged_is_not_published(
    guarded: Desk, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    one = proposed(guarded)
    settle: dict[str, Callable[[], object]] = {
        "refused": lambda: refuse(guarded, one, name="admin1"),
        "taken back": lambda: proposals.take_back(
            guarded.g.db, one.number, "designer1", By("designer1"), guarded.at
        ),
        "replaced": lambda: proposed(guarded, body=NEW_TEXT + b" "),
    }
    judged = publishing.judged

    def slowly(on: Release, changed: Mapping[str, bytes]) -> tuple[list[Finding], Judgement | None]:
        monkeypatch.setattr(publishing, "judged", judged)
        settle[meanwhile]()
        return judged(on, changed)

    monkeypatch.setattr(publishing, "judged", slowly)
    with pytest.raises(Conflict, match="somebody settled it meanwhile"):
        approve(guarded, one)
    assert in_force(guarded) == 1
    assert proposals.get(guarded.g.db, one.number).state == meanwhile
    assert logged(guarded, "approved") == []


def test_when_nothing_can_be_written_nothing_is_half_done(
    guarded: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = proposed(guarded)

    def away(*_: object, **__: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("engine.people.security_log.append", away)
        for attempt in (lambda: approve(guarded, one), lambda: refuse(guarded, one)):
            with pytest.raises(Unavailable):
                attempt()
        with pytest.raises(Unavailable):
            proposed(guarded, body=NEW_TEXT + b" ")
    assert in_force(guarded) == 1
    assert [other.number for other in proposals.waiting(guarded.g.db)] == [one.number]
    assert approve(guarded, one) == Published(2)


# ---------------------------------------------------------------- judged again
def test_another_release_of_the_same_file_overtakes_it(guarded: Desk) -> None:
    one = proposed(guarded)
    guarded.g.releases.publish({TEXT: NEW_TEXT + b" "}, "folder", "shipped", guarded.at)
    late = approve(guarded, one)
    assert isinstance(late, Overtaken)
    assert late.draft.path == TEXT
    assert (in_force(guarded), proposals.get(guarded.g.db, one.number).waits) == (2, True)


def test_it_is_judged_on_what_is_in_force_by_then(guarded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one = proposed(guarded)
    guarded.g.releases.publish({WORK_PATH: WORK + b"<!-- -->"}, "folder", "shipped", guarded.at)
    looked: list[tuple[int, list[str]]] = []

    def against(on: Release, changed: Mapping[str, bytes]) -> tuple[list[Finding], None]:
        looked.append((on.number, list(changed)))
        return [SCENARIO_UNREADABLE.at(TEXT, problem="it contradicts release 2")], None

    monkeypatch.setattr(publishing, "judged", against)
    done = approve(guarded, one)
    assert isinstance(done, Refused)
    assert [finding.file for finding in done.faults] == [TEXT]
    assert looked == [(2, [TEXT])]
    assert (in_force(guarded), proposals.get(guarded.g.db, one.number).waits) == (2, True)


def test_what_is_in_force_already_is_told(guarded: Desk) -> None:
    one = proposed(guarded)
    guarded.g.releases.publish({TEXT: NEW_TEXT}, "folder", "shipped", guarded.at)
    with pytest.raises(Rejected, match="release 2 has these files already"):
        approve(guarded, one)


# ---------------------------------------------------------------- refused, taken back
def test_who_is_refused_hears_why_and_keeps_the_drafts(guarded: Desk) -> None:
    one = proposed(guarded)
    for empty in ("", "  ", "长" * 501):
        with pytest.raises(Rejected, match="reason of 1 to 500 characters"):
            refuse(guarded, one, empty)
    refuse(guarded, one, "客户看不懂")
    settled = proposals.get(guarded.g.db, one.number)
    assert (settled.state, settled.decided_by, settled.why) == ("refused", "supervisor1", "客户看不懂")
    told = guarded.g.db.rows(sa.select(notice).where(notice.c.person == "designer1"))
    assert [(row.level, row.topic) for row in told] == [("warn", f"proposal:{one.number}/warn")]
    assert "客户看不懂" in told[0].text
    assert drafts.diagram(guarded.g.db, TEXT, "designer1") is not None
    assert logged(guarded, "proposal_refused") == [
        ["proposal_refused", "supervisor1", str(one.number),
         {"author": "designer1", "digest": one.digest, "why": "客户看不懂"}]
    ]  # fmt: skip
    with pytest.raises(Conflict, match="supervisor1 settled it"):
        approve(guarded, one, "admin1")


def test_only_its_author_takes_it_back(guarded: Desk) -> None:
    one = proposed(guarded)
    with pytest.raises(NotFound):
        proposals.take_back(guarded.g.db, one.number, "admin1", By("admin1"), guarded.at)
    proposals.take_back(guarded.g.db, one.number, "designer1", By("designer1"), guarded.at)
    assert proposals.get(guarded.g.db, one.number).state == "taken back"
    assert logged(guarded, "taken_back")[0][1:] == ["designer1", str(one.number), {"instead": ""}]
    assert drafts.diagram(guarded.g.db, TEXT, "designer1") is not None


# ---------------------------------------------------------------- at the terminal
def test_the_operator_decides_at_the_terminal(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock, second_person=ALL) as desk:
        first = proposed(desk)
        second = proposed(desk, ROLES, MINE)

        def run(*words: str) -> tuple[int, Any]:
            env = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": None, "GONGDAN_PROJECT": str(CHECKOUT)}
            done = CliRunner().invoke(command, [*words, "--json"], env=env)
            return done.exit_code, json.loads(done.stdout) if done.stdout else done.exception

        assert [one["number"] for one in run("waiting")[1]["waiting"]] == [first.number, second.number]
        shown = run("show", str(first.number))[1]
        assert (shown["digest"], shown["kinds"]) == (first.digest, {"texts": [TEXT]})
        assert any(line.startswith("+") and "这是第" in line for line in shown["differences"][TEXT])
        code, told = run("approve", str(first.number), "--digest", "0" * 64)
        assert (code, type(told)) == (1, Conflict)
        assert run("refuse", str(first.number), "--digest", first.digest, "--reason", "不妥")[0] == 0
        assert run("approve", str(second.number), "--digest", second.digest) == (0, {"release": 2})
        assert str(desk.g.releases.numbers()[0].approver).startswith("system:operator/")
        later = proposed(desk, body=NEW_TEXT + b" ")
        desk.g.releases.publish({TEXT: NEW_TEXT}, "folder", "shipped", desk.at)
        code, told = run("approve", str(later.number), "--digest", later.digest)
        assert (code, told["release"]) == (1, None)
        assert "another release changed it" in told["why"][0]


# ---------------------------------------------------------------- in the browser
@pytest.fixture
def rooms(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """The small company as people see it, with a password."""
    with opened(tmp_path, clock, second_person=ALL) as made:
        hashed = made.g.people._hasher.hash(DEMO_PASSWORD)
        with made.g.db.begin() as connection:
            connection.execute(sa.update(person).values(password_hash=hashed))
        yield made


class Browser:
    """Somebody who is signed in, and reads pages in one language."""

    def __init__(self, desk: Desk, name: str, locale: str = "zh-Hans") -> None:
        settings = replace(desk.g.settings, secret_key="x" * 32, demo=True)
        self.client: FlaskClient = create_app(desk.g, settings).test_client()
        self.client.set_cookie("locale", locale)
        page = self.client.get("/sign-in").text
        form = {"name": name, "password": DEMO_PASSWORD, "csrf_token": self.token(page)}
        assert self.client.post("/sign-in", data=form).status_code == 303

    @staticmethod
    def token(page: str) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', page)
        assert found is not None
        return found.group(1)

    def send(self, address: str, /, **form: str) -> TestResponse:
        form["csrf_token"] = self.token(self.client.get("/notices/").text)
        return self.client.post(address, data=form)

    def reads(self, address: str) -> str:
        return said(self.client.get(address).text)


def said(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize(
    ("locale", "room", "waits", "mine"),
    [
        ("zh-Hans", "待批发布", "须由另一人批准", "给客户的文字"),
        ("zh-Hant-HK", "待批發布", "須由另一人批准", "給客戶的文字"),
        ("en", "Approvals", "another person has to approve it", "texts to customers"),
    ],
)
def test_a_designer_proposes_and_a_supervisor_approves_on_pages(
    rooms: Desk, locale: str, room: str, waits: str, mine: str
) -> None:
    keep(rooms, TEXT, NEW_TEXT)
    designer, supervisor = Browser(rooms, "designer1", locale), Browser(rooms, "supervisor1", locale)
    assert designer.send("/designer/publish", path=TEXT, note="说清楚").status_code == 303
    page = designer.reads("/designer/")
    assert waits in page
    assert mine in page
    assert room not in page, "who may not decide has no such room"
    one = proposals.waiting(rooms.g.db)[0]
    address = f"/approvals/{one.number}"
    assert designer.client.get(address).status_code == 403
    assert room in supervisor.reads("/")
    assert "说清楚" in supervisor.reads("/notices/")
    assert "说清楚" in supervisor.reads("/approvals/")
    page = supervisor.reads(address)
    for word in (mine, "林设计", one.digest, "+", "这是第"):
        assert word in page
    assert supervisor.client.get(f"{address}/file?path={TEXT}").data == NEW_TEXT
    assert supervisor.client.get(f"{address}/file?path=x").status_code == 404
    assert supervisor.send(f"{address}/approve", digest=one.digest).status_code == 303
    assert in_force(rooms) == 2
    approver = rooms.g.people.get("supervisor1").display_name
    for address in ("/designer/", "/notices/"):
        assert approver in designer.reads(address), address
    assert "None" not in designer.reads("/notices/")
    address = f"/approvals/{one.number}"
    assert supervisor.send(f"{address}/approve", digest=one.digest).status_code == 409


def test_a_refusal_needs_a_reason_which_the_author_reads(rooms: Desk) -> None:
    one = proposed(rooms)
    supervisor, designer = Browser(rooms, "supervisor1"), Browser(rooms, "designer1")
    address = f"/approvals/{one.number}/refuse"
    assert supervisor.send(address, digest=one.digest, why=" ").status_code == 409
    assert supervisor.send(address, digest=one.digest, why="客户看不懂").status_code == 303
    assert "客户看不懂" in designer.reads("/notices/")
    assert "我的草稿" in designer.reads("/designer/")
    assert designer.send(f"/designer/proposals/{one.number}/take-back").status_code == 409


def test_pages_say_what_keeps_a_proposal_waiting(rooms: Desk) -> None:
    mine = proposed(rooms, ROLES, MINE, "admin1")
    administrator, supervisor = Browser(rooms, "admin1"), Browser(rooms, "supervisor1")
    assert "须由另一人决定" in administrator.reads(f"/approvals/{mine.number}")
    refused = administrator.send(f"/approvals/{mine.number}/approve", digest=mine.digest)
    assert refused.status_code == 403
    assert "须由另一人决定，而第" in said(refused.text)
    one = proposed(rooms)
    rooms.g.releases.publish({TEXT: NEW_TEXT + b" "}, "folder", "shipped", rooms.at)
    late = supervisor.send(f"/approvals/{one.number}/approve", digest=one.digest)
    assert late.status_code == 409
    assert f"另一版本改动了 {TEXT}" in said(late.text)
    assert f'action="/approvals/{one.number}/approve"' not in late.text
    with rooms.g.db.begin() as connection:
        connection.execute(sa.update(proposal_file).values(body=b"x"))
    assert "文件无法显示" in supervisor.reads(f"/approvals/{mine.number}")


def test_a_house_without_the_setting_has_no_such_room(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as desk:
        hashed = desk.g.people._hasher.hash(DEMO_PASSWORD)
        with desk.g.db.begin() as connection:
            connection.execute(sa.update(person).values(password_hash=hashed))
        assert "待批发布" not in Browser(desk, "supervisor1").reads("/")
