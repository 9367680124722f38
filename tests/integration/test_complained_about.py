"""Who is complained about learns nothing: no page of any room names the case, its customer or its title to them."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.sending import CASE
from engine.base.settings import Settings
from engine.case.commands import AmendData, StartCase
from engine.people.directory import DEMO_PASSWORD, DEMO_PEOPLE, Person
from engine.reports import REPORTS
from engine.storage.tables import case_fact, cases, incident, notice, outbox, sla_clock, task
from tests.clock import Clock
from web import create_app

#: one account of every role there is
READERS = (
    "agent1", "senior1", "dispatcher1", "om1", "centre1", "supervisor1", "manager1", "quality1", "designer1",
    "auditor1", "admin1",
)  # fmt: skip
SEED = 20260302
#: pages for everybody of a role on which the case stands for those who may know of it
SHOWING = {
    "/?tab=all": "supervisor1", "/cases/": "supervisor1", "/audit/": "auditor1", "/board/": "manager1",
    "/outbox/": "quality1", "/notices/": "supervisor1", "/admin/incidents": "admin1",
    "/inbox.csv?tab=all": "supervisor1", "/reports/closed_list.csv?period=2026-03": "quality1",
    "/reports/closed_list?period=2026-03": "centre1",
}  # fmt: skip


@dataclass(frozen=True)
class Matter:
    """A case about ``reader``, one of the same customer that leads to it, and what neither page may say."""

    reader: str
    number: str
    beside: str
    marks: tuple[str, ...]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages ask the same of every database; the queries are tried on both below."""
    return sqlite_url


@pytest.fixture
def gongdan(shipped: Gongdan) -> Gongdan:
    return shipped


def spelled(person: Person) -> list[str]:
    """A person's name as somebody may write it: by a slip, or so that it is not found."""
    wide = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in person.name)
    return [
        person.name, person.name.upper(), person.display_name, wide, " ".join(person.name), f"{person.name}\u200b",
        person.name.replace("a", "а").replace("e", "е").replace("o", "о"),  # Cyrillic
        person.display_name[0] + "\u3000" + person.display_name[1:], f"\u202e{person.display_name}",
    ]  # fmt: skip


def named_in(gongdan: Gongdan, person: Person, dice: random.Random, **data: str) -> str:
    """A new case that names ``person`` in one of the ways there are; its number."""
    written = dice.choice(spelled(person))
    how = dice.choice(["opening", "data", "correction"])
    process = dice.choice(["hospital_guide_complaint", "general_complaint", "courier_complaint_intake"])
    known = gongdan.releases.current().processes
    start = StartCase(
        process=process if process in known else "general_complaint",
        data={**data, **({"complained_staff": written} if how == "data" else {})},
        actor="system:test",
        at=gongdan.now(),
        respondent=written if how == "opening" else None,
    )
    number = gongdan.dispatch(start).case_id
    if how == "correction":
        amended = AmendData(
            case_id=number,
            data={"complained_staff": written},
            reason="更正",
            actor="system:test",
            at=gongdan.now(),
        )
        gongdan.dispatch(amended)
    return number


def matter(gongdan: Gongdan, person: Person, dice: random.Random, *, closed: bool) -> Matter:
    """Everything that lists show, about a case that complains about ``person``."""
    code = "".join(dice.choices("甲乙丙丁戊己庚辛壬癸", k=6))
    customer, title = f"顾客{code}", f"投诉内容{code}"
    phone = f"139{dice.randrange(10**8):08}"
    number = named_in(gongdan, person, dice, customer_name=customer, contact_phone=phone, content=title)
    beside = StartCase(
        process="general_complaint",
        data={
            "customer_name": "别人",
            "contact_phone": phone,
            "content": f"另见 {number}",
            "duplicate_of": number,
        },
        actor="system:test",
        at=gongdan.now(),
    )
    other = gongdan.dispatch(beside).case_id
    at, common = gongdan.now(), {"case_id": number, "kind": "sms", "created_at": gongdan.now(), "body": title}
    due = {"clock": "c:x", "parameter": "REG_TEL_REPLY", "started": at, "due": at, "breached_at": at}
    with gongdan.db.begin() as c:
        for role in {role for one in DEMO_PEOPLE for role in one.roles}:
            text = {"text": f"{number} {customer} 超时", "at": at, "level": "breach"}
            c.execute(sa.insert(notice).values(case_id=number, role=role, **text))
        said = {"template": "t", "recipient": customer, "not_before": at, "next_at": at, "attempts": 1}
        c.execute(
            sa.insert(outbox).values(id=f"{number}/x", seq=1, key="x", state="failed", **common, **said)
        )
        said["recipient"] = "general_complaint"
        c.execute(
            sa.insert(outbox).values(
                id=f"{other}/y",
                seq=1,
                key="y",
                state="sent",
                result=number,
                body="{}",
                **{k: v for k, v in common.items() if k not in ("body", "case_id", "kind")},
                **said,
                case_id=other,
                kind=CASE,
            )
        )
        c.execute(
            sa.insert(incident).values(
                id=f"incident-{number}",
                case_id=number,
                kind="TechnicalFailure",
                message=f"{customer} {title}",
                command="{}",
                opened_at=at,
                attempts=1,
            )
        )
        c.execute(sa.insert(sla_clock).values(case_id=number, state="breached", **due))
        for one, name, value in (
            (other, "duplicate_of", f'"{number}"'), (other, "duplicate_relation", '"reopened"'),
            (number, "responsible_branch", '"om"'), (other, "responsible_branch", '"om"'),
        ):  # fmt: skip
            fact = {"case_id": one, "seq": 90, "name": name, "value": value, "at": at}
            c.execute(sa.insert(case_fact).values(fact))
        c.execute(
            sa.update(task)
            .where(task.c.case_id == number, task.c.task % 2 == 0)
            .values(claimed_by=person.name, claimed_at=at)
        )
        ended = {"state": "closed", "closed_at": at, "outcome": "ended"}
        c.execute(
            sa.update(cases).where(cases.c.id.in_([number, other] if closed else [other])).values(ended)
        )
    return Matter(person.name, number, other, (number, customer, title))


def browser(app: Flask, name: str) -> tuple[FlaskClient, str]:
    """A signed-in client and its CSRF token."""
    client = app.test_client()

    def token(path: str) -> str:
        found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
        assert found is not None
        return found.group(1)

    form = {"name": name, "password": DEMO_PASSWORD, "csrf_token": token("/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 303
    return client, token("/processes/")


#: routes that change more than one case, or are no page
LEFT_OUT = ("static", "auth.sign_out", "admin.end_sessions", "designer.try_out")
#: what a route may be asked beside its path
ASKED = {
    "cases.search": ["?q={number}", "?q={day}", "?state=open", "?state=closed"],
    "inbox.show": ["?tab=queues", "?tab=all", "?tab=overdue", "?tab=all&q={number}"],
    "inbox.export": ["?tab=queues", "?tab=all"],
    "audit.listing": ["?state=open", "?state=closed"],
    "outbox.listing": ["?state=failed", "?state=sent"],
    "admin.incidents": ["?all=1"],
    "reports.show": ["?period=2026-03"],
    "reports.download": ["?period=2026-03"],
    "reports.download_branches": ["?period=2026-03"],
}


def addresses(gongdan: Gongdan, app: Flask, about: list[Matter]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route, with all it may be asked about these cases and those beside them."""
    numbers = [one.number for one in about]
    tasks = gongdan.db.rows(sa.select(task.c.task).where(task.c.case_id.in_(numbers)))
    filled = {
        "case_id": [*numbers, *(one.beside for one in about)],
        "int:number": sorted({"1", *(str(row.task) for row in tasks)})[:2],
        "name": list(REPORTS),
        "id": [f"incident-{number}" for number in numbers],
        "sha256": ["0" * 64],
        "process": ["general_complaint"],
    }
    for rule in app.url_map.iter_rules():
        if rule.endpoint in LEFT_OUT:
            continue
        paths = [rule.rule]
        for name in re.findall(r"<([^>]+)>", rule.rule):
            paths = [path.replace(f"<{name}>", value) for path in paths for value in filled[name]]
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        for path in paths:
            yield method, path
            for more in ASKED.get(rule.endpoint, ()):
                yield method, path + more.format(number=numbers[0], day=numbers[0][:8])


def test_no_page_of_any_room_tells_anything(gongdan: Gongdan, settings: Settings, clock: Clock) -> None:
    dice = random.Random(SEED)
    people = {person.name: person for person in DEMO_PEOPLE}
    matters = {
        name: [matter(gongdan, people[name], dice, closed=closed) for closed in (False, True)]
        for name in READERS
    }
    clock.advance(minutes=1)
    app = create_app(gongdan, settings)
    told = []
    for reader, about in matters.items():
        marks = [mark for one in about for mark in one.marks]
        client, token = browser(app, reader)
        waiting = deque(addresses(gongdan, app, about))
        while waiting:
            method, path = waiting.popleft()
            form = {"id": f"{about[0].number}/x", "reason": "x", "to": "agent2", "csrf_token": token}
            with client.open(path, method=method, data=form if method == "POST" else None) as answer:
                assert answer.status_code < 500, (reader, method, path)
                body = f"{answer.headers.get('Location', '')} {answer.get_data().decode('utf-8', 'replace')}"
            # a page may say what it was asked for, so only what the address does not hold counts
            told += [(reader, path, mark) for mark in marks if mark in body and mark not in path]
            behind = (
                re.findall(r'href="(/reports/[a-z_]+/cases[^"]+)"', body) if "period=2026-03" in path else []
            )
            waiting += [("GET", unescape(link)) for link in behind[:3]]
    assert told == []
    everything = {mark for some in matters.values() for one in some for mark in one.marks}
    for path, reader in SHOWING.items():
        text = browser(app, reader)[0].get(path).text
        assert any(mark in text for mark in everything), f"{path} shows nobody anything: it proves nothing"
