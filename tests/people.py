"""People of the tests and the browsers they sit at: accounts, signing in, processes that share a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.people.directory import Person
from engine.people.security_events import By
from engine.storage.proof_tables import security_log
from tests.clock import Clock
from web import create_app

PASSWORD, OTHER = "green kettle 42", "seven blue doors"
BOSS = By("boss", "10.9.9.9")
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  #: it is not the hash that is tested
HASHED = CHEAP.hash(PASSWORD)
WANG = Person("wang", "王芳", frozenset({"agent"}), frozenset({"yue"}), teams=frozenset({"早班"}))


def cheaply(gongdan: Gongdan) -> None:
    """Let passwords be hashed as cheaply as can be."""
    vars(gongdan.people)["_hasher"] = CHEAP


def staff(gongdan: Gongdan) -> None:
    """An administrator ``boss``, the agents ``wang`` and ``li``; all have the same password."""
    people = [
        Person("boss", "老板", frozenset({"admin"})),
        WANG,
        Person("li", "李雷", frozenset({"agent"})),
    ]
    gongdan.people.add_many(people, HASHED)


@contextmanager
def process(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    """Another process on the same database."""
    opened = open_gongdan(settings, wall=lambda: clock.instant)
    cheaply(opened)
    try:
        yield opened
    finally:
        opened.close()


class Browser:
    """A browser at ``address`` that keeps its cookies."""

    def __init__(self, gongdan: Gongdan, settings: Settings, address: str = "10.0.0.1") -> None:
        self.client: FlaskClient = create_app(gongdan, settings).test_client()
        self.client.set_cookie("locale", "en")
        self._from = {"REMOTE_ADDR": address}

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, environ_overrides=self._from, **more)

    def post(self, path: str, **form: Any) -> TestResponse:
        found = re.search(
            r'name="csrf-token" content="([^"]+)"', self.get("/sign-in", follow_redirects=True).text
        )
        assert found is not None
        sent = {**form, "csrf_token": found.group(1)}
        return self.client.post(path, data=sent, environ_overrides=self._from)

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.post("/sign-in", name=name, password=password, **more)

    @property
    def is_in(self) -> bool:
        return self.get("/account").status_code == 200


def told(gongdan: Gongdan) -> list[tuple[str, str, str, str]]:
    """What the security log says: kind, who did it, to what, detail."""
    columns = (security_log.c.kind, security_log.c.person, security_log.c.about, security_log.c.detail)
    return [tuple(row) for row in gongdan.db.rows(sa.select(*columns).order_by(security_log.c.id))]


def later(clock: Clock, **span: float) -> str:
    """The instant so much later, to which the clock is set."""
    clock.advance(**span)
    return clock.now


def apart(first: str, second: str) -> timedelta:
    """The time from one instant to another."""
    return datetime.fromisoformat(second) - datetime.fromisoformat(first)
