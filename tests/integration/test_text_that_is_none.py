"""NUL and half characters: everywhere a clear refusal, the same on every database, and no traceback in the log."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.app import Gongdan
from engine.base.errors import InvalidFile, Rejected
from engine.base.sending import FAILED, RETRY, Answer
from engine.base.settings import Settings
from engine.case.commands import AmendData, PauseClocks, RecordServiceResult, StartCase
from engine.case.store import ANSWER
from engine.people.directory import DEMO_PASSWORD, Person
from engine.release.releases import read_folder
from run import cli
from tests.casework import CUSTOMER, FILES, Desk, FakeGateway
from web import create_app

NUL, HALF = "a\x00b", "a\ud800b"
#: as they travel: a half character as the bytes that UTF-8 would give it if it were allowed
SENT = ("a%00b", "a%ED%A0%80b")


# ---------------------------------------------------------------- pages
@pytest.fixture
def app(gongdan: Gongdan, settings: Settings) -> Flask:
    gongdan.releases.publish(FILES, "tests", "the small company", gongdan.now())
    gongdan.people.ensure_demo()
    made = create_app(gongdan, settings)
    made.config["WTF_CSRF_ENABLED"] = False  # what is sent reaches the views, or is refused before them
    made.config["RATELIMIT_ENABLED"] = False
    return made


@pytest.fixture
def case(gongdan: Gongdan) -> str:
    """A case to aim at."""
    asked = StartCase(process="work", data=CUSTOMER, actor="admin1", at=gongdan.now())
    return gongdan.dispatch(asked).case_id


def _addresses(app: Flask, case: str, bad: str) -> Iterator[tuple[str, str, bool]]:
    """(method, path, whether the path itself is bad) of every route, with good values and with each one bad."""
    good = {"case_id": case, "number": "1", "process": "work", "key": "call", "name": "sla"}
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            filled = re.sub(
                r"<(?:\w+(?:\([^>]*\))?:)?(\w+)>", lambda found: good.get(found[1], "x"), rule.rule
            )
            yield method, filled, False
            for name in rule.arguments:
                spoilt = re.sub(rf"<(?:\w+(?:\([^>]*\))?:)?{name}>", bad, rule.rule)
                yield (
                    method,
                    re.sub(r"<(?:\w+(?:\([^>]*\))?:)?(\w+)>", lambda f: good.get(f[1], "x"), spoilt),
                    True,
                )


_NAMES = (
    "q", "after", "state", "process", "next", "name", "password", "submit_key", "id", "number", "reason", "to",
    "period", "branch", "note", "result", "body", "path", "locale", "theme", "department", "skill", "from", "step",
)  # fmt: skip


def _requests(bad: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """One bad text in each place of a request that a text may stand in."""
    text = NUL if bad == SENT[0] else "a\xed\xa0\x80b"  # headers travel as Latin-1
    fields = "&".join(f"{name}={bad}" for name in _NAMES)
    cursor = base64.urlsafe_b64encode(json.dumps([NUL, NUL]).encode()).decode()
    half = base64.urlsafe_b64encode(b'["a\\ud800", "b"]').decode()
    yield "query", {"query_string": fields}
    yield "name in the query", {"query_string": f"{bad}=1"}
    yield "cursor", {"query_string": f"after={cursor if text == NUL else half}"}
    yield "form", {"data": fields, "content_type": "application/x-www-form-urlencoded"}
    yield "name in the form", {"data": f"{bad}=1", "content_type": "application/x-www-form-urlencoded"}
    yield "multipart", {"data": dict.fromkeys(_NAMES, NUL), "content_type": "multipart/form-data"}
    yield (
        "name of a file",
        {
            "data": {"file": (io.BytesIO(b"%PDF-"), f"{NUL}.pdf")},
            "content_type": "multipart/form-data",
        },
    )
    yield "JSON", {"data": json.dumps(dict.fromkeys(_NAMES, HALF)), "content_type": "application/json"}
    yield "type of the body", {"data": b"x", "content_type": f"text/{text}"}
    headers = ("X-CSRFToken", "HX-Request", "HX-Target", "If-None-Match", "Referer", "Accept-Language", "User-Agent",
               "X-Forwarded-For", "Range", "Origin")  # fmt: skip
    yield (
        "headers",
        {"environ_overrides": {f"HTTP_{name.upper().replace('-', '_')}": text for name in headers}},
    )
    cookies = "; ".join(f"{name}={text}|{text}" for name in ("locale", "theme", "gongdan", "remember_token"))
    yield "cookies", {"environ_overrides": {"HTTP_COOKIE": cookies}}


def _signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    answer = client.post("/sign-in", data={"name": name, "password": DEMO_PASSWORD})
    assert answer.status_code == 303
    return client


def _judge(answer: TestResponse, method: str, path: str, what: str, caplog: pytest.LogCaptureFixture) -> None:
    where = f"{method} {path} with {what}: {answer.status_code}"
    assert answer.status_code < 500, f"{where} {answer.text[:300]}"
    assert not any(record.exc_info for record in caplog.records), f"{where}: a traceback in the log"
    answer.close()


def test_no_route_fails_on_text_that_is_none(
    app: Flask, case: str, full: bool, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every route, every method; signed in and not. Each place at every third route; with ``--full`` at every one."""
    caplog.set_level(logging.WARNING)
    asked = 0
    for bad in SENT:
        client, stranger = _signed_in(app, "admin1"), app.test_client()
        for turn, (method, path, spoilt) in enumerate(_addresses(app, case, bad)):
            if path == "/sign-out":
                continue  # has no parameter, and would end what is tried here
            if spoilt:
                for who in (client, stranger):
                    answer = who.open(path, method=method)
                    _judge(answer, method, path, "itself", caplog)
                    assert bad != SENT[0] or answer.status_code == 400, f"{method} {path}"
                    asked += 1
                continue
            for place, (what, how) in enumerate(_requests(bad)):
                if not full and (turn + place) % 3:
                    continue
                jar = what != "cookies"  # a client with a jar would send that instead
                answer = (client if jar else app.test_client(use_cookies=False)).open(
                    path, method=method, **how
                )
                _judge(answer, method, path, what, caplog)
                if bad == SENT[0] and what in ("query", "name in the query"):
                    assert answer.status_code == 400, f"{method} {path} with {what}"
                if bad == SENT[0] and what in ("form", "name in the form", "multipart", "name of a file"):
                    assert answer.status_code in (400, 405), f"{method} {path} with {what}"
                asked += 1
    assert asked > (1_000 if full else 400)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_who_is_refused_reads_why_in_their_language(app: Flask, case: str) -> None:
    client = _signed_in(app, "agent1")
    for language, words in (("zh-Hans", "不是文字的字符"), ("en", "a character that is no text")):
        client.set_cookie("locale", language)
        answer = client.get("/cases/?q=a%00b")
        assert answer.status_code == 400
        assert words in answer.text
        assert "psycopg" not in answer.text
    assert client.get("/cases/?q=a").status_code == 200


# ---------------------------------------------------------------- commands
@pytest.mark.parametrize("text", [NUL, HALF, "\x00", "\udfff"])
def test_a_command_with_text_that_is_none_is_rejected_with_words_and_changes_nothing(
    any_desk: Desk, text: str
) -> None:
    case = any_desk.start()
    before = any_desk.history(case)
    common = {"actor": "supervisor1", "at": any_desk.at, "case_id": case}
    asked: list[Callable[[], Any]] = [
        lambda: any_desk.start(content=text),
        lambda: any_desk.start(**{text: "x"}),
        lambda: any_desk.start(content=[{"deep": (text,)}]),
        lambda: any_desk.start(key=text),
        lambda: any_desk.complete(case, result=text),
        lambda: any_desk.g.dispatch(PauseClocks(reason=text, **common)),
        lambda: any_desk.g.dispatch(AmendData(data={"content": text}, reason="typo", **common)),
        lambda: any_desk.g.dispatch(AmendData(data={"content": "x"}, reason=text, **common)),
        lambda: any_desk.g.dispatch(
            StartCase(process="work", data={}, external_id=text, actor="agent1", at=any_desk.at)
        ),
        lambda: any_desk.g.dispatch(StartCase(process=text, data={}, actor="agent1", at=any_desk.at)),
        lambda: any_desk.g.dispatch(
            RecordServiceResult(event="e", state="sent", detail=text, **{**common, "actor": "system:outbox"})
        ),
    ]
    for attempt in asked:
        with pytest.raises(Rejected, match="text that can be stored"):
            attempt()
    assert any_desk.history(case) == before
    assert any_desk.values("SELECT count(*) FROM cases") == [1]


@pytest.mark.parametrize("answer", [Answer(FAILED, NUL), Answer(RETRY, HALF)])
def test_what_a_provider_answers_is_kept_with_a_mark_for_what_is_no_text(
    any_desk: Desk, answer: Answer
) -> None:
    case = any_desk.start()
    any_desk.complete(case, result="reached")
    any_desk.g.outbox._gateways["sms"] = FakeGateway(answer)
    assert len(any_desk.send()) == 1
    assert any_desk.values("SELECT result FROM outbox WHERE kind = 'sms'") == ["a\ufffdb"]


def test_values_that_reach_the_database_all_the_same_are_refused_not_crashed_on(any_desk: Desk) -> None:
    """Whatever other way in there may be: reading, writing, the command path."""
    db = any_desk.g.db
    row = {"key": "k", "at": HALF, "receipt": "{}"}
    with pytest.raises(Rejected, match="that the database can hold"):
        db.write([ANSWER(**row)])
    with pytest.raises(Rejected, match="that the database can hold"):
        any_desk.g.people.get(HALF)
    with pytest.raises(Rejected, match="that the database can hold"):
        any_desk.g.people.set_locale("agent1", HALF)
    db.write([ANSWER(**{**row, "at": any_desk.at})])


def test_an_account_has_a_name_and_a_password_that_are_text(any_desk: Desk) -> None:
    for name, display, password in (
        (NUL, "x", "long enough"), ("b", NUL, "long enough"), ("b", HALF, "long enough"), ("b", "x", HALF * 9),
        ("b", "x", NUL * 9),
    ):  # fmt: skip
        with pytest.raises(Rejected):
            any_desk.g.people.add(Person(name, display, frozenset({"agent"})), password)


# ---------------------------------------------------------------- command line
@pytest.mark.parametrize("command", ["verify", "user", "publish", "simulate", "erase", "report", "import"])
def test_arguments_that_are_no_text_are_wrong_use(command: str) -> None:
    for text in (NUL, HALF):
        result = CliRunner().invoke(cli, [command, text])
        assert result.exit_code == click.UsageError.exit_code
        assert "expected arguments that are text" in result.output


def test_a_file_whose_name_is_no_text_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "a\udcff.json").write_text("{}")
    with pytest.raises(InvalidFile, match=r"udcff.*rename it"):
        read_folder(tmp_path)
