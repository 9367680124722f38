"""What lint lets through must run: publish it beside what it needs, open a case, walk, and prove the history.

Everything the engine refuses in words (an incident, a refusal) is fine; every other exception is a crash.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import GongdanError
from engine.base.settings import Settings
from engine.case.commands import CompleteTask, StartCase
from engine.design.lint.context import model_of
from engine.forms import Field, Form
from engine.proof.verify import IDENTICAL
from engine.release.release import CALENDAR, PARAMETERS, ROLES
from engine.release.scenario_files import FOLDER as SCENARIOS
from engine.release.scenario_files import read
from engine.scenarios import run_all
from engine.storage.tables import cases
from tests.hostile.mutation import FILES

BEGIN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  #: a Monday, nine o'clock in Shanghai
_CASES = sa.select(cases.c.id)
STEPS = 12  #: tasks completed and timers fired of each case
TRUSTED = "system:tests"  #: fills any task with anything, so that a walk gets far


class Stage:
    """A migrated, empty database to copy, one copy for each file that is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        open_gongdan(self._settings(folder / "empty"), synchronous="OFF").close()

    @staticmethod
    def _settings(var: Path) -> Settings:
        return Settings.from_env({}, var=var, lookup_key=b"k" * 32)

    @contextmanager
    def gongdan(self) -> Iterator[Gongdan]:
        """An engine on a fresh copy."""
        var = self.folder / "run"
        shutil.rmtree(var, ignore_errors=True)
        shutil.copytree(self.folder / "empty", var)
        opened = open_gongdan(self._settings(var), migrate=False, synchronous="OFF")
        try:
            yield opened
        finally:
            opened.close()

    def run(self, path: str, content: bytes, seed: int) -> str:
        """Publish and walk; returns how it ended: ``refused`` (publishing), ``failed``, ``walked`` or ``done``.

        Raises whatever is no refusal in words, and AssertionError when the history does not prove itself.
        """
        files = needed(path, content)
        with self.gongdan() as gongdan:
            try:
                gongdan.releases.publish(dict(files), "tests", "spoilt", BEGIN.isoformat())
            except GongdanError as error:
                return f"refused: {error}"
            ended = _play(gongdan, path, content) if path.startswith(SCENARIOS) else "walked"
            for process in _processes(path, content):
                ended = _walk(gongdan, process, Random(seed))
            if "forms/" in path:
                _fill(gongdan.releases.current().forms[Path(path).stem], Random(seed))
            for case in gongdan.db.rows(_CASES):
                verdict = gongdan.verify(case[0])
                assert verdict.state == IDENTICAL, verdict
            return ended


def _play(gongdan: Gongdan, path: str, content: bytes) -> str:
    """Play the scenarios that are not as shipped."""
    shipped = read(FILES[path], path)
    gongdan.people.ensure_demo()
    _, failed = run_all(gongdan, [found for found in read(content, path) if found not in shipped])
    return "failed" if failed else "done"


def _walk(gongdan: Gongdan, process: str, chance: Random) -> str:
    now = BEGIN
    try:
        release = gongdan.releases.current()
        asked = StartCase(process=process, data=_start_data(chance), actor=TRUSTED, at=now.isoformat())
        receipt = gongdan.dispatch(asked)
        for _ in range(STEPS):
            live = gongdan.dispatcher.instance(receipt.case_id)
            due = live.next_due()
            if live.open and (due is None or chance.random() < 0.7):
                task = chance.choice(sorted(live.open))
                earliest = datetime.fromisoformat(live.not_before.get(task, now.isoformat()))
                now = max(now, earliest) + timedelta(minutes=chance.randint(1, 30))
                form = release.forms.get(live.element_of(task).properties.get("form", ""))
                gongdan.dispatch(
                    CompleteTask(
                        case_id=receipt.case_id,
                        task=task,
                        data=_values(form, chance),
                        actor=TRUSTED,
                        at=now.isoformat(),
                    )
                )
            elif due is not None:
                now = max(now, datetime.fromisoformat(due[0]))
                gongdan.timers.wake_due(now)
            if live.done:
                return "done"
    except GongdanError as error:
        return f"failed: {error}"
    return "walked"


# ---------------------------------------------------------------- what a file needs around it
def needed(path: str, content: bytes) -> dict[str, bytes]:
    """The shipped files that a file calls, asks and shows, or that use it."""
    found = {path: content} | {p: FILES[p] for p in (CALENDAR, PARAMETERS, ROLES) if p != path}
    waiting = [*_named(path, content), *users_of(path)[:1]]
    while waiting:
        one = waiting.pop()
        if one in FILES and one not in found:
            found[one] = FILES[one]
            waiting += _named_by(one)
    return found


@cache
def users_of(path: str) -> list[str]:
    """The shipped diagrams that name a file."""
    return [p for p in sorted(FILES) if p.endswith(".bpmn") and path in _named_by(p)]


@cache
def _named_by(path: str) -> frozenset[str]:
    return _named(path, FILES[path])


def _named(path: str, content: bytes) -> frozenset[str]:
    model = model_of(path, content) if path.endswith(".bpmn") else None
    # a text's key may stand anywhere in a script or table
    found = {
        f"bpmn/templates/{word.decode()}.json" for word in re.findall(rb"(?:&quot;|[\"'])(\w+)", content)
    }
    if path.startswith(SCENARIOS):
        found |= {_diagram_of().get(word.decode(), "") for word in re.findall(rb'"(\w+)"', content)}
    for node in model.nodes() if model is not None else ():
        found.add(f"forms/{node.properties.get('form')}.json")
        found.add(f"bpmn/decisions/{node.extension('calledDecisionId')}.dmn")
        found |= {f"bpmn/templates/{key}.json" for key in node.listed("say")}
        if called := node.element.get("calledElement"):
            found.add(_diagram_of().get(called, ""))
    return frozenset(found)


@cache
def _diagram_of() -> dict[str, str]:
    return {Path(path).stem: path for path in FILES if path.endswith(".bpmn")}


def _processes(path: str, content: bytes) -> list[str]:
    """Processes to walk: those of the diagram itself, or of one that uses the file; scenarios walk by themselves."""
    if path.startswith(SCENARIOS):
        return []
    if path.endswith(".bpmn"):
        model = model_of(path, content)
        return [] if model is None else [process.id for process in model.processes]
    return [Path(user).stem for user in users_of(path)[:1]] or ["general_complaint"][: path == ROLES]


# ---------------------------------------------------------------- answers
def _values(form: Form | None, chance: Random) -> dict[str, Any]:
    """Some value for most fields, of the right kind or not."""
    if form is None:
        return {}
    return {
        f.name: _value(f, chance) for f in form.fields if f.widget != "readonly" and chance.random() < 0.9
    }


def _value(field: Field, chance: Random) -> Any:
    if field.options:
        words = [option.value for option in field.options]
        return [chance.choice(words)] if field.widget == "checkboxes" else chance.choice(words)
    instant = BEGIN + timedelta(hours=chance.randint(-99, 99))
    match field.widget:
        case "checkbox":
            return chance.random() < 0.5
        case "number" | "money":
            return chance.randint(0, 12)
        case "date":
            return instant.date().isoformat()
        case "datetime":
            return instant.isoformat()
        case "rows" if field.rows is not None:
            return [{f.name: _value(f, chance) for f in field.rows.fields}]
        case "phone":
            return f"138{chance.randint(0, 99_999_999):08d}"
    return f"text {chance.randint(0, 99)}"


def _start_data(chance: Random) -> dict[str, Any]:
    """Something for every name a form knows, as if the whole case had been told before."""
    return {f.name: _value(f, chance) for f in _fields()} | {"contact_phone": "13812345678"}


@cache
def _fields() -> tuple[Field, ...]:
    forms = [Form.load(body, path) for path, body in FILES.items() if path.startswith("forms/")]
    return tuple(f for form in forms for f in form.fields if f.widget != "readonly")


def _fill(form: Form, chance: Random) -> None:
    """Everything a page asks of a form."""
    now = BEGIN.isoformat()
    initial = form.initial({}, now)
    for values in ({}, initial, _values(form, chance), dict.fromkeys(form.names, "x" * 3_000)):
        form.visible({**dict.fromkeys(form.names), **values}, now)
        form.check(values, context={}, now=now)
    form.parse(lambda name: ["x", "1", "on"])
