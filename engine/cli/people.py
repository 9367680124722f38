"""``run.py user``: people who may sign in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.operations import accounts
from engine.operations.accounts import Handed
from engine.people.directory import Person

from .common import answer, json_option, opened

F = TypeVar("F", bound=Callable[..., Any])


@click.group("user")
def user() -> None:
    """People who may sign in."""


def _many(name: str, about: str, *, required: bool = False) -> Callable[[F], F]:
    return click.option(
        f"--{name}", f"{name}s", multiple=True, required=required, help=f"{about}; may be repeated."
    )


_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@user.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """Everybody, with roles, skills and departments."""
    with opened(existing=True) as gongdan:
        people = gongdan.people.all()
    answer(
        {"people": [_plain(one) for one in people]}, as_json, "\n".join(map(_line, people)) or "nobody yet"
    )


@user.command("add")
@click.argument("name")
@click.option("--display", required=True, help="The name as colleagues know it.")
@_many("role", "A role", required=True)
@_many("skill", "A skill such as yue")
@_many("department", "A department such as om")
@click.option("--mail", help="Mail address: what is mailed to a role of theirs goes there.")
@click.option("--password", help="Asked for when it is not given; seen by others of this machine when it is.")
@_stdin
@json_option
def add(
    name: str,
    display: str,
    roles: tuple[str, ...],
    skills: tuple[str, ...],
    departments: tuple[str, ...],
    mail: str | None,
    password: str | None,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """Add the account NAME."""
    made = Person(name, display, frozenset(roles), frozenset(skills), frozenset(departments), mail=mail)
    with opened() as gongdan:
        with _as_usage():
            accounts.check(gongdan, made)
        gongdan.people.add(made, _password(password, from_stdin=password_stdin))
    answer({"name": name}, as_json, f"{name} may sign in")


@user.command("change")
@click.argument("name")
@click.option("--display", help="The name as colleagues know it.")
@_many("role", "A role, in place of those there are")
@_many("skill", "A skill, in place of those there are")
@_many("department", "A department, in place of those there are")
@click.option("--no-skill", is_flag=True, help="Take all skills away.")
@click.option("--no-department", is_flag=True, help="Take all departments away.")
@click.option("--mail", help="Mail address; an empty one takes it away.")
@json_option
def change(
    name: str,
    display: str | None,
    roles: tuple[str, ...],
    skills: tuple[str, ...],
    departments: tuple[str, ...],
    no_skill: bool,
    no_department: bool,
    mail: str | None,
    as_json: bool,
) -> None:
    """Change what is given of the account NAME. Tasks it no longer fits go back to their queues."""
    if not (display or roles or skills or departments or no_skill or no_department or mail is not None):
        raise click.UsageError("give what is to change: --display, --role, --skill, --department, …")
    if (skills and no_skill) or (departments and no_department):
        raise click.UsageError("give --skill or --no-skill, --department or --no-department, not both")
    with opened(existing=True) as gongdan:
        known = gongdan.people.get(name)
        changed = replace(
            known,
            display_name=display or known.display_name,
            roles=frozenset(roles) or known.roles,
            skills=frozenset(skills) if skills or no_skill else known.skills,
            departments=frozenset(departments) if departments or no_department else known.departments,
            mail=known.mail if mail is None else mail or None,
        )
        with _as_usage():
            handed = accounts.change(gongdan, changed)
    _tell({"name": name, **_plain(changed)}, f"changed: {_line(changed)}", handed, as_json)


@user.command("disable")
@click.argument("name")
@json_option
def disable(name: str, as_json: bool) -> None:
    """Switch the account NAME off: it is out at once, and its open tasks go back to their queues."""
    with opened(existing=True) as gongdan:
        handed = accounts.switch_off(gongdan, name)
        said = f"{name} is switched off and signed out everywhere"
        if not _administrators(gongdan):
            said += "; nobody is an administrator now (`run.py user add … --role admin` or `user enable`)"
    _tell({"name": name, "active": False}, said, handed, as_json)


@user.command("enable")
@click.argument("name")
@json_option
def enable(name: str, as_json: bool) -> None:
    """Switch the account NAME on again."""
    with opened(existing=True) as gongdan:
        gongdan.people.switch(name, active=True)
    answer({"name": name, "active": True}, as_json, f"{name} may sign in again")


@user.command("password")
@click.argument("name")
@_stdin
@json_option
def password(name: str, password_stdin: bool, as_json: bool) -> None:
    """Give the account NAME a new password; its sessions end."""
    with opened(existing=True) as gongdan:
        gongdan.people.get(name)  # a name that is nobody's is told before a password is asked for
        gongdan.people.set_password(name, _password(None, from_stdin=password_stdin))
    answer({"name": name}, as_json, f"{name} has a new password and is signed out everywhere")


# ---------------------------------------------------------------- parts
def _password(given: str | None, *, from_stdin: bool) -> str:
    if given is not None and from_stdin:
        raise click.UsageError("give --password or --password-stdin, not both")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


@contextmanager
def _as_usage() -> Iterator[None]:
    """What is refused of the words given is wrong use."""
    try:
        yield
    except Rejected as error:
        raise click.UsageError(str(error)) from None


def _administrators(gongdan: Gongdan) -> list[Person]:
    return [one for one in gongdan.people.all() if one.active and "admin" in one.roles]


def _plain(person: Person) -> dict[str, object]:
    return {
        "name": person.name,
        "display": person.display_name,
        "roles": sorted(person.roles),
        "skills": sorted(person.skills),
        "departments": sorted(person.departments),
        "active": person.active,
        "demo": person.demo,
        "mail": person.mail,
    }


def _line(person: Person) -> str:
    parts = [*sorted(person.roles), *sorted(person.skills), *sorted(person.departments)]
    off = "" if person.active else "  switched off"
    return f"{person.name}  {person.display_name}  {', '.join(parts)}{off}"


def _tell(result: dict[str, object], said: str, handed: Handed, as_json: bool) -> None:
    """What was done, what became of the person's tasks; exit 1 where one could not be given back."""
    lines = [said, *(f"given back: {held}" for held in handed.back)]
    lines += [f"still held: {held} ({reason})" for held, reason in handed.left.items()]
    answer({**result, "given_back": handed.back, "still_held": handed.left}, as_json, "\n".join(lines))
    sys.exit(1 if handed.left else 0)
