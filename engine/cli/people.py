"""``run.py user``: people who may sign in, and what is given to them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.base.errors import Rejected
from engine.operations import accounts, people_file
from engine.operations.accounts import Handed
from engine.operations.people_file import skill_and_level
from engine.people.person import ORDINARY, Person

from . import people_access as people_access  # its commands join the group
from .common import Named, answer, json_option, opened, operator
from .people_group import one_time_option, password_of, stdin_option
from .people_group import user as user

F = TypeVar("F", bound=Callable[..., Any])


def _many(name: str, about: str, *, required: bool = False) -> Callable[[F], F]:
    return click.option(
        f"--{name}", f"{name}s", multiple=True, required=required, help=f"{about}; may be repeated."
    )


_SKILL = "A skill such as yue, or with a level from 1 to 5 yue:4"


@user.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """Everybody, with roles, skills, departments, teams; what a release took out of force is marked with ?."""
    with opened(existing=True) as gongdan:
        people, known = gongdan.people.all(), accounts.duties(gongdan)
        steps, failures = gongdan.door.steps.everybody(), gongdan.door.attempts.of(gongdan.now())
    told, lines = [], []
    for one in people:
        stale = accounts.stale(known, one)
        failed = failures.get(one.name)
        told.append({
            **_plain(one),
            "second_step": one.name in steps,
            "failures": failed.count if failed else 0,
            "stale": stale,
        })  # fmt: skip
        lines.append(_line(one, stale) + (f"  {failed.count} wrong attempts" if failed else ""))
    answer({"people": told}, as_json, "\n".join(lines) or "nobody yet")


@user.command("add")
@click.argument("name")
@click.option("--display", required=True, help="The name as colleagues know it.")
@_many("role", "A role", required=True)
@_many("skill", _SKILL)
@_many("department", "A department such as om")
@_many("team", "A team")
@click.option("--mail", help="Mail address: what is mailed to a role of theirs goes there.")
@click.option("--external-id", help="How an identity provider or the books of staff know them.")
@click.option("--password", help="Asked for when it is not given; seen by others of this machine when it is.")
@stdin_option
@one_time_option
@json_option
def add(
    name: str,
    display: str,
    roles: tuple[str, ...],
    skills: tuple[str, ...],
    departments: tuple[str, ...],
    teams: tuple[str, ...],
    mail: str | None,
    external_id: str | None,
    password: str | None,
    password_stdin: bool,
    one_time: bool,
    as_json: bool,
) -> None:
    """Add the account NAME."""
    with opened() as gongdan:
        with _as_usage():
            has, levels = _skills(skills)
            made = Person(
                name, display, frozenset(roles), has, frozenset(departments), mail=mail,
                teams=frozenset(teams), levels=levels, external_id=external_id,
            )  # fmt: skip
            accounts.check(gongdan, made)
        secret = None if one_time else password_of(password, from_stdin=password_stdin)
        given = accounts.add(gongdan, made, operator(), secret)
    said = f"{name} may sign in"
    if given is not None:
        said += f" with the one-time password {given}"
    answer({"name": name, **({"one_time_password": given} if given else {})}, as_json, said)


@user.command("change")
@click.argument("name")
@click.option("--display", help="The name as colleagues know it.")
@_many("role", "A role, in place of those there are")
@_many("skill", _SKILL + ", in place of those there are")
@_many("department", "A department, in place of those there are")
@_many("team", "A team, in place of those there are")
@click.option("--no-skill", is_flag=True, help="Take all skills away.")
@click.option("--no-department", is_flag=True, help="Take all departments away.")
@click.option("--no-team", is_flag=True, help="Take all teams away.")
@click.option("--mail", help="Mail address; an empty one takes it away.")
@click.option("--external-id", help="How another system knows them; an empty one takes it away.")
@json_option
def change(
    name: str,
    display: str | None,
    mail: str | None,
    external_id: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Change what is given of the account NAME. Tasks it no longer fits go back to their queues."""
    if display is None and mail is None and external_id is None and not any(given.values()):
        raise click.UsageError("give what is to change: --display, --role, --skill, --department, …")
    for word in ("skill", "department", "team"):
        if given[f"{word}s"] and given[f"no_{word}"]:
            raise click.UsageError(f"give --{word} or --no-{word}, not both")
    with opened(existing=True) as gongdan:
        known = gongdan.people.get(name)
        with _as_usage():
            has, levels = _skills(given["skills"])
            several = given["skills"] or given["no_skill"]
            changed = replace(
                known,
                display_name=display or known.display_name,
                roles=frozenset(given["roles"]) or known.roles,
                skills=has if several else known.skills,
                levels=levels if several else known.levels,
                departments=_instead(given, "department", known.departments),
                teams=_instead(given, "team", known.teams),
                mail=known.mail if mail is None else mail or None,
                external_id=known.external_id if external_id is None else external_id or None,
            )
            handed = accounts.change(gongdan, changed, operator())
    _tell({**_plain(changed)}, f"changed: {_line(changed)}", handed, as_json)


@user.command("disable")
@click.argument("name")
@json_option
def disable(name: str, as_json: bool) -> None:
    """Switch the account NAME off: it is out at once, and its open tasks go back to their queues."""
    with opened(existing=True) as gongdan:
        handed = accounts.switch_off(gongdan, name, operator())
    said = f"{name} is switched off and signed out everywhere"
    _tell({"name": name, "active": False}, said, handed, as_json)


@user.command("enable")
@click.argument("name")
@json_option
def enable(name: str, as_json: bool) -> None:
    """Switch the account NAME on again."""
    with opened(existing=True) as gongdan:
        accounts.switch_on(gongdan, name, operator())
    answer({"name": name, "active": True}, as_json, f"{name} may sign in again")


@user.command("import")
@click.argument("file", type=Named(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@json_option
def import_people(file: Path, dry_run: bool, as_json: bool) -> None:
    """Add and change the accounts of a CSV FILE, all or none; new ones get one-time passwords, told once.

    Columns: name, display, roles, skills, departments, teams, mail, external_id, active.
    """
    with opened(existing=True) as gongdan:
        report = people_file.run(gongdan, file.read_bytes(), operator(), dry=dry_run)
    told, lines = [], []
    for line in report.lines:
        entry: dict[str, Any] = {"line": line.number, "name": line.name, "done": line.done}
        entry |= {"changed": list(line.changed)} if line.changed else {}
        entry |= {"reason": str(line.refusal)} if line.refusal else {}
        entry |= {"one_time_password": line.one_time} if line.one_time else {}
        told.append(entry)
        more = ", ".join(line.changed) or line.one_time or line.refusal or ""
        lines.append(f"{line.number}  {line.name}  {line.done}  {more}".rstrip())
    lines.append("written" if report.written else "nothing was written")
    _tell(
        {"written": report.written, "lines": told}, "\n".join(lines), report.handed, as_json,
        failed=bool(report.refused),
    )  # fmt: skip


# ---------------------------------------------------------------- parts
def _instead(given: dict[str, Any], word: str, known: frozenset[str]) -> frozenset[str]:
    return frozenset(given[f"{word}s"]) if given[f"{word}s"] or given[f"no_{word}"] else known


def _skills(words: tuple[str, ...]) -> tuple[frozenset[str], dict[str, int]]:
    """Skills, and the levels of those that are not at the ordinary one."""
    found = dict(map(skill_and_level, words))
    return frozenset(found), {skill: level for skill, level in found.items() if level != ORDINARY}


@contextmanager
def _as_usage() -> Iterator[None]:
    """What is refused of the words given is wrong use."""
    try:
        yield
    except Rejected as error:
        raise click.UsageError(str(error)) from None


def _plain(person: Person) -> dict[str, object]:
    return {
        "name": person.name,
        **accounts.as_given(person),
        "skills": sorted(person.skills),
        "levels": {skill: person.level(skill) for skill in sorted(person.skills)},
        "active": person.active,
        "demo": person.demo,
        "must_change": person.must_change,
    }


def _line(person: Person, stale: list[str] | None = None) -> str:
    skills = [
        skill if person.level(skill) == ORDINARY else f"{skill}:{person.level(skill)}"
        for skill in sorted(person.skills)
    ]
    parts = [*sorted(person.roles), *skills, *sorted(person.departments), *sorted(person.teams)]
    marked = [f"{part}?" if part.partition(":")[0] in (stale or ()) else part for part in parts]
    off = "" if person.active else "  switched off"
    return f"{person.name}  {person.display_name}  {', '.join(marked)}{off}"


def _tell(
    result: dict[str, object], said: str, handed: Handed, as_json: bool, *, failed: bool = False
) -> None:
    """What was done, what became of the person's tasks; exit 1 where one could not be given back, or all failed."""
    lines = [said, *(f"given back: {held}" for held in handed.back)]
    lines += [f"still held: {held} ({reason})" for held, reason in handed.left.items()]
    answer({**result, "given_back": handed.back, "still_held": handed.left}, as_json, "\n".join(lines))
    sys.exit(1 if handed.left or failed else 0)
