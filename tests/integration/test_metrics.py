"""What Prometheus reads: counts of every process added up, figures of the house, in words that files of deploy use."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
import structlog
import yaml
from flask.testing import FlaskClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from engine.base import logs
from engine.base.errors import Rejected
from engine.base.settings import CHECKOUT, Settings
from engine.case.commands import ClaimTask
from engine.operations import counts, exposition, pulse
from engine.operations.health import Health
from engine.operations.pulse import ENDED, SERVE, WORKER, Pulse
from engine.people.directory import Person
from tests.casework import Desk
from web import create_app

DEPLOY = CHECKOUT / "deploy"
NAME = re.compile(r"\bgongdan_[a-z_]+")
PASSWORD = "grüne Kessel 42"


def _families(desk: Desk, own: str = "") -> dict[str, Metric]:
    text = exposition.text(Health(desk.g).look(), own).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def _value(desk: Desk, sample: str, own: str = "", **labels: str) -> float:
    """What a sample says; 0 where it is not there yet."""
    return sum(
        one.value
        for family in _families(desk, own).values()
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    )


# ---------------------------------------------------------------- what is counted
def test_commands_are_counted_by_what_came_of_them(desk: Desk) -> None:
    def told(**labels: str) -> float:
        return _value(desk, "gongdan_commands_total", **labels)

    before = {result: told(kind="claim", result=result) for result in ("ok", "again", "conflict", "refused")}
    took = _value(desk, "gongdan_command_seconds_count", kind="claim")
    case = desk.start()
    task = desk.open(case)["call"]
    claim = ClaimTask(case_id=case, task=task, actor="agent1", at=desk.at, key="once")
    desk.g.dispatch(claim)
    desk.g.dispatch(claim)
    for number in (task, 99):  # somebody was faster; there is no such task
        with pytest.raises(Rejected):
            desk.g.dispatch(ClaimTask(case_id=case, task=number, actor="agent2", at=desk.at))
    after = {result: told(kind="claim", result=result) - before[result] for result in before}
    assert after == {"ok": 1, "again": 1, "conflict": 1, "refused": 1}
    assert _value(desk, "gongdan_command_seconds_count", kind="claim") - took == 4


def test_what_time_does_is_counted_as_commands_of_its_own(desk: Desk) -> None:
    before = _value(desk, "gongdan_commands_total", kind="breach", result="ok")
    desk.start()
    desk.clock.advance(days=20)
    assert desk.g.timers.wake_due(desk.clock.instant) > 0
    assert _value(desk, "gongdan_commands_total", kind="breach", result="ok") > before


def test_figures_say_what_waits_and_for_how_long(desk: Desk) -> None:
    case = desk.start()
    desk.complete(case, result="busy")
    desk.clock.advance(minutes=3)
    assert _value(desk, "gongdan_outbox", state="pending") == 1
    assert _value(desk, "gongdan_outbox_lag_seconds") == 180
    sent = _value(desk, "gongdan_messages_total", kind="sms", state="sent")
    desk.send()
    assert _value(desk, "gongdan_messages_total", kind="sms", state="sent") == sent + 1
    assert _value(desk, "gongdan_outbox", state="pending") == 0
    assert _value(desk, "gongdan_timers_due") == 0
    due = desk.g.dispatcher.instance(case).next_due()
    assert due is not None
    desk.clock.advance(days=20)
    assert _value(desk, "gongdan_timers_due") == 1
    assert _value(desk, "gongdan_timer_lag_seconds") > 18 * 86_400
    desk.g.timers.wake_due(desk.clock.instant)
    assert _value(desk, "gongdan_limits_breached") == 2, "of the call and of the case"


def test_live_cases_are_found_in_memory_or_not(desk: Desk) -> None:
    case = desk.start()
    hits, misses = (_value(desk, "gongdan_case_cache_total", result=result) for result in ("hit", "miss"))
    desk.g.dispatcher.instance(case)
    desk.g.dispatcher.forget(case)
    desk.g.dispatcher.instance(case)
    assert _value(desk, "gongdan_case_cache_total", result="hit") == hits + 1
    assert _value(desk, "gongdan_case_cache_total", result="miss") == misses + 1


# ---------------------------------------------------------------- several processes
def _another(desk: Desk, monkeypatch: pytest.MonkeyPatch, conflicts: float, kind: str = WORKER) -> Pulse:
    """The row of a process that counted so many conflicts, and has so many live cases."""
    made = Pulse(desk.g, kind)
    told = {("gongdan_conflicts_total", ()): conflicts, ("gongdan_live_cases", ()): conflicts}
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(counts, "counted", lambda: told)
        made.beat()
    return made


def test_any_process_tells_the_counts_of_all_and_keeps_those_of_who_ended(
    any_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, own = any_desk, Pulse(any_desk.g, SERVE)
    own.beat()
    before = _value(desk, "gongdan_conflicts_total", own.id)
    live = _value(desk, "gongdan_live_cases", own.id)
    first, second = _another(desk, monkeypatch, 5), _another(desk, monkeypatch, 70)
    assert _value(desk, "gongdan_conflicts_total", own.id) == before + 75
    assert _value(desk, "gongdan_live_cases", own.id) == live + 75
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(counts, "counted", lambda: {("gongdan_conflicts_total", ()): 6.0})
        first.stop()
    assert _value(desk, "gongdan_conflicts_total", own.id) == before + 76, "as it said in the end"
    assert _value(desk, "gongdan_live_cases", own.id) == live + 70, "what it had in memory is gone"
    monkeypatch.setattr(pulse, "_runs", lambda _: False)
    Pulse(desk.g, WORKER)._replace()
    assert _value(desk, "gongdan_conflicts_total", own.id) == before + 76, "nor lost with one that was killed"
    with desk.g.db.read() as connection:
        rows = pulse.read(desk.g.db, connection, desk.g.wall())
    assert {beat.id for beat in rows} == {own.id, ENDED}
    assert second.id not in {beat.id for beat in rows}


def test_a_process_that_is_silent_for_long_is_forgotten_but_not_its_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _another(desk, monkeypatch, 5)
    own = Pulse(desk.g, SERVE)
    desk.clock.advance(seconds=pulse.FRESH.total_seconds() + 1)
    own.beat()
    assert [beat.kind for beat in Health(desk.g).look().lost] == [WORKER]
    conflicts = _value(desk, "gongdan_conflicts_total", own.id)
    desk.clock.advance(seconds=pulse.FORGOTTEN.total_seconds())
    own._told = float("-inf")
    own.beat()
    assert Health(desk.g).look().lost == []
    assert _value(desk, "gongdan_conflicts_total", own.id) == conflicts


def test_while_the_database_is_away_the_counts_of_others_stay_as_they_were_last_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A counter that falls would look like a start anew."""
    _another(desk, monkeypatch, 50)
    well = Health(desk.g)
    monkeypatch.setattr("engine.operations.health.FRESH", -1.0)
    before = exposition.text(well.look())
    monkeypatch.setattr("engine.operations.checks.write", lambda *_: desk.g.people.get("nobody"))
    after = exposition.text(well.look())
    lines = [line for line in before.splitlines() if line.startswith(b"gongdan_conflicts_total")]
    assert lines == [line for line in after.splitlines() if line.startswith(b"gongdan_conflicts_total")]
    assert b"gongdan_ready 0.0" in after
    assert b"gongdan_outbox{" not in after, "what is not known is not said"


# ---------------------------------------------------------------- pages
@pytest.fixture
def client(desk: Desk) -> FlaskClient:
    desk.g.people.add(Person("boss", "Boss", frozenset({"agent"})), PASSWORD)
    app = create_app(desk.g, Settings.from_env({}, var=desk.g.settings.var, demo=True))
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def _sign_in(client: FlaskClient, password: str = PASSWORD) -> int:
    return client.post("/sign-in", data={"name": "boss", "password": password}).status_code


def test_requests_and_sign_ins_are_counted(desk: Desk, client: FlaskClient) -> None:
    before = {result: _value(desk, "gongdan_sign_ins_total", result=result) for result in ("ok", "wrong")}
    found = {"route": "/cases/<case_id>", "method": "GET", "status": "404"}
    none = {"route": "none", "method": "GET", "status": "404"}
    asked = [_value(desk, "gongdan_requests_total", **which) for which in (found, none)]
    assert (_sign_in(client, "guess"), _sign_in(client)) == (401, 303)
    client.get("/cases/no-such-case")
    client.get("/no/such/page")
    assert _value(desk, "gongdan_sign_ins_total", result="ok") == before["ok"] + 1
    assert _value(desk, "gongdan_sign_ins_total", result="wrong") == before["wrong"] + 1
    assert [_value(desk, "gongdan_requests_total", **which) for which in (found, none)] == [
        asked[0] + 1, asked[1] + 1,
    ]  # fmt: skip


def test_every_answer_and_error_page_names_its_request(client: FlaskClient) -> None:
    answers = [client.get("/no-such-page"), client.get("/livez"), client.get("/sign-in")]
    numbers = [answer.headers["X-Request-ID"] for answer in answers]
    assert len(set(numbers)) == 3
    assert numbers[0] in answers[0].text
    asked = client.get("/no-such-page", headers={"Accept": "application/json"})
    assert asked.json is not None
    assert asked.json["request"] == asked.headers["X-Request-ID"]


def test_the_number_of_a_proxy_is_taken_only_where_a_proxy_is_trusted(
    desk: Desk, client: FlaskClient
) -> None:
    given = {"X-Request-ID": "0123456789abcdef0123"}
    assert client.get("/livez", headers=given).headers["X-Request-ID"] != given["X-Request-ID"]
    settings = Settings.from_env({}, var=desk.g.settings.var, demo=True, proxies=1)
    behind = create_app(desk.g, settings).test_client()
    assert behind.get("/livez", headers=given).headers["X-Request-ID"] == given["X-Request-ID"]
    for odd in ("short", "x" * 65, "a b c d e f g h", '<script>"1234'):
        assert behind.get("/livez", headers={"X-Request-ID": odd}).headers["X-Request-ID"] != odd


# ---------------------------------------------------------------- the log
def test_each_line_of_a_request_names_it_the_account_and_the_case(desk: Desk, client: FlaskClient) -> None:
    out = io.StringIO()
    logs.configure("info", out, logs.JSON)
    try:
        _sign_in(client)
        case = desk.start()
        path = f"/tasks/{case}/{desk.open(case)['call']}/claim"
        answer = client.post(path)
        assert answer.status_code == 303, answer.text
        desk.g.timers.wake_due(desk.clock.instant)
    finally:
        logs.configure("warning")
        structlog.reset_defaults()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    (claim,) = [line for line in lines if line.get("command") == "claim"]
    (request,) = [line for line in lines if line.get("route", "").endswith("/claim")]
    number = answer.headers["X-Request-ID"]
    told = {"request": number, "actor": "boss", "case": case, "seq": 2, "result": "ok", "event": "command"}
    assert told.items() <= claim.items()
    told = {"request": number, "actor": "boss", "status": 303, "event": "request", "level": "info"}
    assert told.items() <= request.items()
    assert not {"command", "case"} & set(request), "what a command said of itself ends with it"
    (started,) = [line for line in lines if line.get("command") == "start"]
    assert "request" not in started
    assert started["case"] == case, "also of a case that had no number when it began"
    text = out.getvalue()
    for personal in ("陈大文", "13812345678", "月费", "Boss"):
        assert personal not in text


# ---------------------------------------------------------------- files that name metrics
def _named() -> dict[str, set[str]]:
    """File → the names of families in it."""
    found = {}
    for path in ("prometheus/rules.yaml", "grafana/gongdan.json"):
        names = NAME.findall((DEPLOY / path).read_text(encoding="utf-8"))
        found[path] = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in names}
    return found


def test_every_metric_that_dashboard_and_alerts_name_exists_and_every_one_is_named(desk: Desk) -> None:
    exist = set(_families(desk))
    for path, names in _named().items():
        assert names <= exist, path
    assert set.union(*_named().values()) == exist


def test_every_metric_is_documented(desk: Desk) -> None:
    section = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8").partition("### Metrics")[2]
    first = re.findall(r"^\| ([^|]+) \|", section.partition("\n### ")[0], re.MULTILINE)
    names = {re.sub(r"_total$", "", name) for cell in first for name in NAME.findall(cell)}
    assert names == set(_families(desk))


def test_alerts_say_what_is_wrong_and_what_to_do() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/rules.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}, rule
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["expr"].count("(") == rule["expr"].count(")")


def test_the_dashboard_is_one_that_grafana_opens() -> None:
    board: dict[str, Any] = json.loads((DEPLOY / "grafana/gongdan.json").read_text(encoding="utf-8"))
    assert board["title"] == "Gongdan"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        for target in panel["targets"]:
            assert target["expr"].count("(") == target["expr"].count(")")
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
