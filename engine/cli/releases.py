"""``run.py releases``: the operator looks at what waits for a second person, and decides."""

from __future__ import annotations

import sys
from typing import Any

import click

from engine.release import compare, proposals
from engine.release.proposals import Proposal
from engine.release.release import Release
from engine.release.second_person import KINDS

from .common import answer, json_option, opened, operator

_digest = click.option(
    "--digest", required=True, help="The fingerprint that `releases show` printed: what is decided on."
)


@click.group("releases")
def releases() -> None:
    """Releases that wait for a second person."""


@releases.command("waiting")
@json_option
def waiting(as_json: bool) -> None:
    """What waits, oldest first."""
    with opened(existing=True) as gongdan:
        found = proposals.waiting(gongdan.db)
    lines = [f"{one.number}  {one.at}  {one.author}  {_kinds(one)}: {one.note}" for one in found]
    answer({"waiting": [_plain(one) for one in found]}, as_json, "\n".join(lines) or "nothing waits")


@releases.command("show")
@click.argument("number", type=int)
@json_option
def show(number: int, as_json: bool) -> None:
    """What proposal NUMBER would change, line by line."""
    with opened(existing=True) as gongdan:
        found, live = proposals.get(gongdan.db, number), gongdan.releases.current()
        files = proposals.files(gongdan.db, found)
    made = Release(0, {one.path: one.body for one in files})
    changed = {path: compare.text(live, made, path) for path in made.files}
    lines = [
        f"proposal {number} of {found.author}, {found.at}, {found.state}: {found.note}",
        f"changes {_kinds(found)}; on release {found.base} {found.judged['scenarios']} scenarios passed",
        f"fingerprint {found.digest}",
        *(line for text in changed.values() for line in text),
    ]
    answer({**_plain(found), "differences": changed}, as_json, "\n".join(lines))


@releases.command("approve")
@click.argument("number", type=int)
@_digest
@json_option
def approve(number: int, digest: str, as_json: bool) -> None:
    """Publish proposal NUMBER as it was looked at, judged anew. Exit 1 where that keeps it waiting."""
    from engine.scenarios import publishing  # the whole engine: only who publishes waits for it

    with opened(existing=True) as gongdan:
        done = publishing.approve(gongdan, number, digest, operator(), gongdan.now())
    lines: list[str] = []
    match done:
        case publishing.Published(release):
            said = f"release {release}: proposal {number}, approved by the operator"
            answer({"release": release}, as_json, said)
            return
        case publishing.Overtaken(draft):
            lines = [f"{draft.path}: another release changed it since; refuse the proposal"]
        case publishing.Refused(faults, _, _):
            lines = [f"{one.file}: {one.element or ''}: {one.message} → {one.fix}" for one in faults]
    answer({"release": None, "why": lines}, as_json, "\n".join(["nothing is published, it waits:", *lines]))
    sys.exit(1)


@releases.command("refuse")
@click.argument("number", type=int)
@_digest
@click.option("--reason", required=True, help="Why; the author reads it.")
@json_option
def refuse(number: int, digest: str, reason: str, as_json: bool) -> None:
    """Refuse proposal NUMBER; its author hears why and keeps the drafts."""
    with opened(existing=True) as gongdan:
        by = operator()
        proposals.refuse(gongdan.db, number, digest, by.person, reason, by, gongdan.now())
    answer({"refused": number}, as_json, f"proposal {number} is refused")


def _kinds(one: Proposal) -> str:
    return ", ".join(KINDS[kind].name["en"] if kind in KINDS else kind for kind in one.kinds)


def _plain(one: Proposal) -> dict[str, Any]:
    told = ("number", "author", "at", "note", "base", "digest", "kinds", "state", "paths")
    return {name: getattr(one, name) for name in told}
