"""The security log is handed on whole, tells of bursts once, and is cut only where everybody can see it."""

from __future__ import annotations

import json
import re
import socket
from configparser import RawConfigParser
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from engine.app import Gongdan
from engine.base.errors import GongdanError
from engine.base.sending import RETRY, SENT, Answer, Entry
from engine.base.settings import CHECKOUT, Settings
from engine.cli.security import security_log as command
from engine.operations import bursts, retention, settings_watch, sinks
from engine.people import security_log
from engine.people.security_events import Burst, By, Downloaded, LogCut, Refused, SettingChanged, SignInFailed
from engine.people.security_log import Entry as Event
from engine.proof import checkpoints, log, records
from engine.queries import notices
from engine.storage import chains
from engine.storage.chains import SECURITY
from engine.storage.proof_tables import chain_head
from engine.storage.proof_tables import security_log as table
from engine.storage.tables import setting
from tests.casework import Desk

STRANGER = By("", "192.0.2.7")
OPERATOR = By("system:operator/root")


def tried(desk: Desk, *names: str, by: By = STRANGER) -> None:
    for name in names:
        desk.g.security_log.note(by, SignInFailed(about=name), desk.at)


def hand_on(desk: Desk, **settings: Any) -> None:
    desk.g.settings = replace(desk.g.settings, **settings)
    sinks.hand_on(desk.g, desk.clock.instant)


def of_kind(g: Gongdan, kind: str) -> list[Event]:
    return [one for one in security_log.after(g.db, 0, 1000) if one.kind == kind]


# ---------------------------------------------------------------- where it goes
def test_each_entry_is_one_line_and_a_line_that_was_cut_short_is_ended(
    any_desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "security.jsonl"
    tried(any_desk, "agent1")
    hand_on(any_desk, security_file=str(file))
    whole = file.read_text("utf-8")
    tried(any_desk, 'x","kind":"signed_in\n', "张三")
    file.write_text(whole + '{"at":"2026', "utf-8")
    hand_on(any_desk)
    hand_on(any_desk)
    lines = file.read_text("utf-8").splitlines()
    assert lines[2] == '{"at":"2026'
    told = [json.loads(line) for line in (*lines[:2], *lines[3:])]
    assert [one["id"] for one in told] == [1, 2, 3, 4]
    assert list(told[1]) == ["at", "kind", "address", "person", "about", "id", "detail"]
    assert told[2]["about"] == 'x","kind":"signed_in\n'
    assert (told[3]["about"], told[3]["detail"]) == ("张三", {"reason": "password"})


def test_what_cannot_be_written_waits_and_stops_nobody(any_desk: Desk, tmp_path: Path) -> None:
    place = tmp_path / "later"
    wanted = {"security_file": str(place / "security.jsonl"), "security_syslog": str(tmp_path / "nothing")}
    tried(any_desk, "agent1")
    hand_on(any_desk, **wanted)
    assert sinks.unusable(any_desk.g.settings) is not None
    place.mkdir()
    hand_on(any_desk)
    assert not (place / "security.jsonl").exists(), "it is not tried with each round"
    any_desk.clock.advance(seconds=31)
    hand_on(any_desk)
    assert len((place / "security.jsonl").read_text().splitlines()) == 2
    assert sinks.furthest_behind(any_desk.g) == 0, "syslog still has nothing"


def test_of_two_who_hand_on_at_once_one_does(any_desk: Desk) -> None:
    tried(any_desk, "agent1")
    assert sinks._claimed(any_desk.g.db, "file", 0, any_desk.clock.instant)
    assert not sinks._claimed(any_desk.g.db, "file", 0, any_desk.clock.instant)
    later = any_desk.clock.instant + timedelta(minutes=3)
    assert sinks._claimed(any_desk.g.db, "file", 0, later), "whoever had it died"


def test_syslog_gets_the_same_lines(desk: Desk, tmp_path: Path) -> None:
    tried(desk, "100%s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "log"))
        server.settimeout(5)
        hand_on(desk, security_syslog=str(tmp_path / "log"))
        got = [server.recv(4096).rstrip(b"\0").decode() for _ in range(2)]
    assert got[1].startswith('<86>gongdan: {"at":')
    assert json.loads(got[1].partition("gongdan: ")[2])["about"] == "100%s"


@pytest.mark.parametrize(
    ("kind", "address", "banned"),
    [
        ("sign_in_failed", "192.0.2.7", True),
        ("locked_out", "2001:db8::7", True),
        ("signed_in", "192.0.2.7", False),
        ("refused", "192.0.2.7", False),
    ],
)
@pytest.mark.parametrize("about", ["agent1", ',"kind":"sign_in_failed","address":"198.51.100.1",'])
@pytest.mark.parametrize("at", ["2026-03-02T01:00:00+00:00", "2026-03-02T01:00:00.123000+00:00"])
def test_the_filter_for_fail2ban_reads_the_address_and_nothing_that_was_typed(
    kind: str, address: str, banned: bool, about: str, at: str
) -> None:
    shipped = RawConfigParser()
    shipped.read(CHECKOUT / "deploy/fail2ban/filter.conf")
    when = shipped["Definition"]["datepattern"].replace("%%Y-%%m-%%dT%%H:%%M:%%S", r"[\d-]+T[\d:]+")
    line = sinks.line(Event(7, at, kind, about, address, about, {"path": about}))
    rest, cut = re.subn(when.replace("%%z", r"[+-]\d\d:\d\d"), "", line, count=1)
    found = re.search(shipped["Definition"]["failregex"].replace("<HOST>", r"(?P<host>[\w.:]+)"), rest)
    assert cut == 1
    assert (found.group("host") if found else None) == (address if banned else None)


# ---------------------------------------------------------------- bursts
def test_many_failures_alert_once_for_account_and_address(any_desk: Desk) -> None:
    any_desk.g.settings = replace(any_desk.g.settings, alert_failures=3, alert_minutes=10)
    tried(any_desk, "agent1", "agent1", "agent1")
    hand_on(any_desk)
    assert of_kind(any_desk.g, Burst.kind) == []
    tried(any_desk, "agent1", "agent1")
    hand_on(any_desk)
    tried(any_desk, "agent1")
    hand_on(any_desk)
    found = [(one.about, one.detail) for one in of_kind(any_desk.g, Burst.kind)]
    assert found == [
        ("agent1", {"rule": "failures_of_account", "count": 5, "minutes": 10}),
        ("192.0.2.7", {"rule": "failures_of_address", "count": 5, "minutes": 10}),
    ]
    told = notices.latest(any_desk.g.db, any_desk.g.people.get("admin1"))
    assert [one.text for one in told] == [
        "来自 192.0.2.7 的登录在 10 分钟内失败 5 次",
        "账号 agent1 在 10 分钟内登录失败 5 次",
    ]
    assert [one.alert for one in told] == [one.id for one in of_kind(any_desk.g, Burst.kind)][::-1]
    any_desk.clock.advance(minutes=11)
    tried(any_desk, *["agent1"] * 4)
    hand_on(any_desk)
    assert len(of_kind(any_desk.g, Burst.kind)) == 4, "a new window, a new alert"


def test_refusals_and_downloads_are_counted_by_person_and_slow_ones_are_none(any_desk: Desk) -> None:
    any_desk.g.settings = replace(any_desk.g.settings, alert_refusals=2, alert_downloads=2)
    for _ in range(3):
        any_desk.g.security_log.note(By("agent1", "192.0.2.1"), Downloaded(path="/x", file="x"), any_desk.at)
        any_desk.g.security_log.note(
            By("agent2", "192.0.2.1"), Refused(method="GET", path="/x", status=403), any_desk.at
        )
        any_desk.g.security_log.note(STRANGER, Refused(method="GET", path="/x", status=403), any_desk.at)
        any_desk.clock.advance(minutes=1)
        any_desk.g.security_log.note(By("slow"), Downloaded(path="/x", file="x"), any_desk.at)
        any_desk.clock.advance(minutes=6)
    hand_on(any_desk, alert_minutes=20)
    assert {(one.about, one.detail["rule"]) for one in of_kind(any_desk.g, Burst.kind)} == {
        ("agent1", "downloads"), ("agent2", "refusals"), ("slow", "downloads"),
    }  # fmt: skip
    any_desk.g.settings = replace(any_desk.g.settings, alert_minutes=5)
    any_desk.g.security_log.note(By("slow"), Downloaded(path="/x", file="x"), any_desk.at)
    hand_on(any_desk)
    assert len(of_kind(any_desk.g, Burst.kind)) == 3


def test_no_alert_where_none_is_wanted(desk: Desk) -> None:
    tried(desk, *["agent1"] * 30)
    hand_on(desk, alert_failures=0)
    assert of_kind(desk.g, Burst.kind) == []


class Post:
    """A gateway that is away at first."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.away = True

    def send(self, entry: Entry) -> Answer:
        if self.away:
            return Answer(RETRY, "away")
        self.sent.append((entry.recipient, entry.body))
        return Answer(SENT)


def test_administrators_get_the_alert_by_mail_even_when_the_server_was_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    monkeypatch.setattr(sinks, "gateways", lambda _: {"mail": post})
    desk.g.people.change(replace(desk.g.people.get("admin1"), mail="admin@example.org"))
    tried(desk, "agent1", "agent1")
    for _ in range(2):
        hand_on(desk, alert_failures=1, locale="en")
        desk.clock.advance(minutes=1)
    assert post.sent == []
    post.away = False
    hand_on(desk)
    hand_on(desk)
    assert post.sent == [
        ("admin@example.org", "2 failed sign-ins as agent1 within 10 minutes"),
        ("admin@example.org", "2 failed sign-ins from 192.0.2.7 within 10 minutes"),
    ]


def test_every_rule_has_words_in_every_language() -> None:
    for rule in bursts.RULES.values():
        assert len(set(rule.words.values())) == 3
        assert all(
            slot in words for words in rule.words.values() for slot in ("{about}", "{count}", "{minutes}")
        )


# ---------------------------------------------------------------- how long
@pytest.fixture
def old(any_desk: Desk) -> Desk:
    """A house with four old entries, the third of which was the end at a checkpoint, and two new ones."""
    any_desk.start()
    tried(any_desk, "one", "two")
    checkpoints.make(any_desk.g.db, any_desk.g.settings.heads_key, any_desk.at)
    tried(any_desk, "three")
    any_desk.clock.advance(days=40)
    tried(any_desk, "four")
    hand_on(any_desk)
    return any_desk


def faults(desk: Desk) -> list[str]:
    own = [checkpoints.own_verifier(desk.g.settings.heads_key)]
    cases, others = records.held_against(desk.g.db, log.as_far_as_whole(desk.g.db))
    return [*cases, *others, *records.faults(desk.g.db, own)]


def test_the_log_is_cut_at_a_checkpoint_and_says_so(old: Desk) -> None:
    assert retention.cut(old.g, 30, OPERATOR) == retention.Cut(3, 3)
    (told,) = of_kind(old.g, LogCut.kind)
    assert (told.person, told.about, told.detail["last"], told.detail["many"]) == (
        OPERATOR.person, "security_log", 3, 3,
    )  # fmt: skip
    assert [one.about for one in security_log.after(old.g.db, 0, 9)] == ["three", "four", "security_log"]
    assert faults(old) == []
    tried(old, "five")
    assert faults(old) == []
    assert retention.cut(old.g, 30, OPERATOR) == retention.Cut(), "the rest has no checkpoint that old"


def test_what_a_sink_lacks_stays(old: Desk, tmp_path: Path) -> None:
    old.g.settings = replace(old.g.settings, security_file=str(tmp_path / "file"))
    assert retention.cut(old.g, 30, OPERATOR) == retention.Cut()
    hand_on(old)
    assert retention.cut(old.g, 30, OPERATOR).many == 3


def test_who_cuts_in_secret_is_found(old: Desk) -> None:
    second = chains.hash_at(old.g.db, SECURITY, 2)
    with old.g.db.begin() as connection:
        connection.execute(sa.delete(table).where(table.c.id <= 2))
    assert faults(old), "the beginning is missing"
    with pytest.raises(GongdanError, match="not whole"):
        retention.cut(old.g, 30, OPERATOR)
    with old.g.db.begin() as connection:
        mine = sa.update(chain_head).where(chain_head.c.chain == "security_log")
        connection.execute(mine.values(start_id=2, start_hash=second))
    assert faults(old) == [
        "the security log: its beginning was cut off, and no entry of the security log says so"
    ]


def test_the_command_needs_to_know_how_long_and_says_what_went(old: Desk) -> None:
    settings = old.g.settings
    env = {"DATABASE_URL": settings.database_url, "GONGDAN_VAR": str(settings.var)}
    refused = CliRunner(env=env).invoke(command, ["cut"])
    assert (refused.exit_code, "GONGDAN_SECURITY_DAYS" in refused.stderr) == (2, True)
    listed = CliRunner(env=env).invoke(command, ["list", "--who", "two", "--json"])
    assert [one["id"] for one in json.loads(listed.stdout)["entries"]] == [3]
    with old.g.db.begin() as connection:  # as long ago for the wall clock as for the simulated one
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 5
    done = CliRunner(env={**env, "GONGDAN_SECURITY_DAYS": "30000"}).invoke(command, ["cut", "--json"])
    assert json.loads(done.stdout) == {"gone": 0, "last": 0}


# ---------------------------------------------------------------- settings
def test_a_setting_that_changed_is_in_the_log_and_a_secret_is_not_told(any_desk: Desk) -> None:
    g = any_desk.g
    assert settings_watch.note_changes(g, OPERATOR) == []
    assert settings_watch.note_changes(g, OPERATOR) == []
    g.settings = replace(
        g.settings, secret_key="another-secret-of-32-characters!", alert_failures=7, port=9999
    )
    assert settings_watch.note_changes(g, OPERATOR) == ["SECRET_KEY", "GONGDAN_ALERT_FAILURES"]
    told = [(one.about, one.detail) for one in of_kind(g, SettingChanged.kind)]
    assert told == [
        ("SECRET_KEY", {"was": None, "now": None}),
        ("GONGDAN_ALERT_FAILURES", {"was": "20", "now": "7"}),
    ]
    rows = g.db.rows(sa.select(setting.c.value))
    assert "another-secret" not in str(rows)
    assert g.settings.secret_key not in str(rows)


def test_entries_come_in_the_order_they_were_written(any_desk: Desk) -> None:
    tried(any_desk, "b", "a")
    told = security_log.after(any_desk.g.db, 1, 1)
    assert [(one.id, one.about, datetime.fromisoformat(one.at)) for one in told] == [
        (2, "b", any_desk.clock.instant)
    ]


def test_a_place_that_is_none_is_refused() -> None:
    for bad in ("here", "host:0", ":514", "host:port"):
        with pytest.raises(GongdanError, match="GONGDAN_SECURITY_SYSLOG"):
            Settings.from_env({"GONGDAN_SECURITY_SYSLOG": bad, "GONGDAN_VAR": "/nowhere"})
