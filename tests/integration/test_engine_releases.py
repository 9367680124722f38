"""Releases: what is published never changes, cases stay on theirs, and a file that cannot be used publishes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from engine.app import open_gongdan
from engine.base.errors import Conflict, InvalidFile, NotFound, Rejected
from engine.base.settings import Settings
from engine.release.release import sha256
from engine.release.releases import Releases
from tests.bpmn_text import bpmn, user
from tests.casework import FILES, WORK, Desk, form

WORK_PATH, FORM_PATH = "bpmn/tests/work.bpmn", "forms/call.json"
NEW_WORK = bpmn(
    "work",
    "start > call > second > end",
    user("call", form="call"),
    user("second", form="call"),
    startable="true",
)
AT = "2026-03-02T01:00:00+00:00"


def publish(
    desk: Desk, path: str, body: bytes | None, author: str = "designer1", base: int | None = None
) -> int:
    """Publish one changed file."""
    return desk.g.releases.publish({path: body}, author, "a change", AT, base)


def test_a_running_case_keeps_its_release_and_a_new_one_has_the_new(any_desk: Desk) -> None:
    old = any_desk.start()
    assert publish(any_desk, WORK_PATH, NEW_WORK) == 2
    new = any_desk.start()
    any_desk.complete(new, result="reached")
    assert list(any_desk.open(new)) == ["second"]
    any_desk.g.dispatcher.forget(old)
    assert any_desk.complete(old, result="reached").done == "reached"
    assert any_desk.values("SELECT release FROM cases ORDER BY id") == [1, 2]
    assert [any_desk.g.verify(case).state for case in (old, new)] == ["identical", "identical"]


def test_publishing_what_is_live_makes_no_release(any_desk: Desk) -> None:
    assert publish(any_desk, WORK_PATH, WORK) == 1
    assert [info.number for info in any_desk.g.releases.numbers()] == [1]


def test_a_published_file_is_kept_once_by_its_hash(any_desk: Desk) -> None:
    before = any_desk.values("SELECT count(*) FROM blob")[0]
    publish(any_desk, WORK_PATH, NEW_WORK)
    publish(any_desk, WORK_PATH, WORK)  # back to the first: no new bytes
    assert any_desk.values("SELECT count(*) FROM blob") == [before + 1]
    digests = any_desk.values("SELECT sha256 FROM blob")
    assert sha256(NEW_WORK) in digests
    states = {info.number: info.state for info in any_desk.g.releases.numbers()}
    assert states == {1: "superseded", 2: "superseded", 3: "active"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (WORK_PATH, b"<not xml"),
        (WORK_PATH, WORK.replace(b'targetRef="call"', b'targetRef="nobody"')),
        ("bpmn/tests/twice.bpmn", WORK),
        (FORM_PATH, b"{"),
        (FORM_PATH, form("call", {"name": "typename"})),
        ("bpmn/templates/sms_attempt.json", b'{"key": "sms_attempt"}'),
        ("bpmn/roles.json", b"[]"),
        ("bpmn/calendars/cn.json", b"{}"),
        ("bpmn/decisions/sla.dmn", b"<definitions/>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_cannot_be_used_publishes_nothing(desk: Desk, path: str, body: bytes) -> None:
    blobs = desk.values("SELECT count(*) FROM blob")
    with pytest.raises(InvalidFile):
        publish(desk, path, body, author="admin1")
    assert desk.g.releases.current_number() == 1
    assert desk.values("SELECT count(*) FROM blob") == blobs
    assert desk.complete(desk.start(), result="reached").done == "reached"


def test_two_designers_who_changed_the_same_file_are_told(any_desk: Desk) -> None:
    publish(any_desk, WORK_PATH, NEW_WORK, author="designer1", base=1)
    with pytest.raises(Rejected, match=rf"as of release 1, but release 2 changed: {WORK_PATH}"):
        publish(any_desk, WORK_PATH, WORK, author="designer2", base=1)
    assert publish(any_desk, FORM_PATH, form("call", {"name": "result"}), author="designer2", base=1) == 3
    assert any_desk.g.releases.current().files[WORK_PATH] == NEW_WORK, "another file: both changes are live"


def test_two_processes_that_publish_at_once_make_two_releases(any_desk: Desk) -> None:
    """Neither change is lost: the second builds on the first."""
    with closing(open_gongdan(any_desk.g.settings, synchronous="OFF")) as other:

        def one() -> int:
            return publish(any_desk, WORK_PATH, NEW_WORK)

        def two() -> int:
            return other.releases.publish(
                {FORM_PATH: form("call", {"name": "result"})}, "designer2", "other", AT
            )

        with ThreadPoolExecutor(2) as pool:
            numbers = {done.result() for done in [pool.submit(one), pool.submit(two)]}
    assert numbers == {2, 3}
    files = any_desk.g.releases.current().files
    assert files[WORK_PATH] == NEW_WORK
    assert files[FORM_PATH] != FILES[FORM_PATH]


def test_an_unknown_release_is_said_to_be_unknown(any_desk: Desk) -> None:
    with pytest.raises(NotFound, match="no release 9"):
        any_desk.g.releases.get(9)


# ---------------------------------------------------------------- the folder and the designers
@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout that ships the small company's files."""
    root = tmp_path / "checkout"
    for path, body in FILES.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body or b"")
    return root


def test_the_folder_never_overwrites_what_a_designer_changed(
    tmp_path: Path, folder: Path, desk: Desk
) -> None:
    fresh = open_gongdan(type(desk.g.settings).from_env({}, var=tmp_path / "fresh"), synchronous="OFF")
    assert fresh.releases.publish_folder(folder, AT).number == 1
    assert fresh.releases.publish_folder(folder, AT).number is None, "nothing changed, nothing published"
    fresh.releases.publish({WORK_PATH: NEW_WORK}, "designer1", "mine", AT)
    (folder / WORK_PATH).write_bytes(
        WORK.replace(b"call", b"phone").replace(b'value="phone"', b'value="call"')
    )
    (folder / FORM_PATH).write_bytes(form("call", {"name": "result"}))
    done = fresh.releases.publish_folder(folder, AT)
    assert (done.changed, done.kept) == ([FORM_PATH], [WORK_PATH])
    assert fresh.releases.current().files[WORK_PATH] == NEW_WORK
    (folder / "bpmn/templates/sms_attempt.json").unlink()
    done = fresh.releases.publish_folder(folder, AT)
    assert done.changed == ["bpmn/templates/sms_attempt.json"], "what the folder no longer ships goes"
    assert WORK_PATH in fresh.releases.pull(folder)
    assert (folder / WORK_PATH).read_bytes() == NEW_WORK, "pull brings the designer's file into the folder"
    assert fresh.releases.publish_folder(folder, AT).kept == []
    fresh.close()


@pytest.fixture
def company(tmp_path: Path, folder: Path) -> Iterator[Releases]:
    """Releases whose first one is the folder."""
    with closing(open_gongdan(Settings.from_env({}, var=tmp_path / "company"), synchronous="OFF")) as opened:
        opened.releases.publish_folder(folder, AT)
        yield opened.releases


def test_what_a_designer_publishes_while_the_folder_is_judged_is_kept(
    company: Releases, folder: Path
) -> None:
    """The folder is looked at again: the designer's file stays, and what is published is what was judged."""
    (folder / WORK_PATH).write_bytes(WORK.replace(b"attempts = 0", b"attempts = 1 - 1"))
    (folder / FORM_PATH).write_bytes(form("call", {"name": "result"}))
    seen: list[tuple[list[str], bytes]] = []

    def judge(files: Mapping[str, bytes], changed: Collection[str]) -> None:
        if not seen:
            company.publish({WORK_PATH: NEW_WORK}, "designer1", "mine", AT)
        seen.append((sorted(changed), files[WORK_PATH]))

    done = company.publish_folder(folder, AT, judge=judge)
    assert (done.number, done.changed, done.kept) == (3, [FORM_PATH], [WORK_PATH])
    assert company.current().files[WORK_PATH] == NEW_WORK
    assert seen[-1] == ([FORM_PATH], NEW_WORK)


def test_a_folder_that_is_overtaken_again_and_again_gives_up_in_words(
    company: Releases, folder: Path
) -> None:
    (folder / FORM_PATH).write_bytes(form("call", {"name": "result"}))
    number = iter(range(100))

    def judge(files: object, changed: object) -> None:
        body = WORK.replace(b"attempts = 0", b"attempts = 0 * %d" % next(number))
        company.publish({WORK_PATH: body}, "designer1", "mine", AT)

    with pytest.raises(Conflict, match="others keep doing so"):
        company.publish_folder(folder, AT, judge=judge)
    assert company.current().files[FORM_PATH] == FILES[FORM_PATH]
