"""``run.py user``: what people sign in with, where they are signed in, and from demo to real accounts."""

from __future__ import annotations

import sys

import click

from engine.operations import credentials
from engine.operations.accounts import ADMIN
from engine.operations.going_live import go_live
from engine.people.directory import Person

from .common import answer, json_option, opened, operator
from .people_group import one_time_option, password_of, stdin_option, user


@user.command("password")
@click.argument("name")
@stdin_option
@one_time_option
@json_option
def password(name: str, password_stdin: bool, one_time: bool, as_json: bool) -> None:
    """Give the account NAME a new password; its sessions end, and it is unlocked."""
    said = f"{name} has a new password and is signed out everywhere"
    result: dict[str, object] = {"name": name}
    with opened(existing=True) as gongdan:
        gongdan.people.get(name)  # a name that is nobody's is told before a password is asked for
        if one_time:
            made = result["one_time_password"] = credentials.reset_password(gongdan, name, operator())
            said += f"; the one-time password is {made}"
        else:
            given = password_of(None, from_stdin=password_stdin)
            credentials.give_password(gongdan, name, given, operator())
    answer(result, as_json, said)


@user.command("must-change")
@click.argument("name")
@json_option
def must_change(name: str, as_json: bool) -> None:
    """Let NAME choose a new password before anything else."""
    with opened(existing=True) as gongdan:
        credentials.demand_change(gongdan, name, operator())
    answer({"name": name}, as_json, f"{name} has to choose a new password before anything else")


@user.command("unlock")
@click.argument("name")
@json_option
def unlock(name: str, as_json: bool) -> None:
    """Let whoever waits after wrong passwords for NAME try again at once."""
    with opened(existing=True) as gongdan:
        credentials.unlock(gongdan, name, operator())
    answer({"name": name}, as_json, f"{name} may be tried again at once")


@user.command("second-step")
@click.argument("name")
@click.option(
    "--take-away", is_flag=True, help="The phone is lost: take the second step away, end all sessions."
)
@json_option
def second_step(name: str, take_away: bool, as_json: bool) -> None:
    """Say whether NAME has a second step, or take it away."""
    with opened(existing=True) as gongdan:
        gongdan.people.get(name)
        if take_away:
            credentials.take_second_step(gongdan, name, operator())
        state = gongdan.door.steps.state(name)
    since, codes = (state.since, state.codes) if state else (None, 0)
    said = f"{name} has a second step since {since}, {codes} recovery codes are left"
    result = {"name": name, "since": since, "recovery_codes": codes}
    answer(result, as_json, said if state else f"{name} has no second step")


@user.command("sessions")
@click.argument("name")
@click.option("--end", metavar="ID", help="End the session ID.")
@click.option("--end-all", is_flag=True, help="End all of them.")
@json_option
def sessions(name: str, end: str | None, end_all: bool, as_json: bool) -> None:
    """List where NAME is signed in, or end sessions."""
    if end is not None and end_all:
        raise click.UsageError("give --end or --end-all, not both")
    with opened(existing=True) as gongdan:
        gongdan.people.get(name)
        if end_all:
            credentials.end_sessions(gongdan, name, operator())
        elif end is not None:
            credentials.end_session(gongdan, name, end, operator())
        found = gongdan.door.sessions.of(name, gongdan.now())
    told = [
        {
            "id": one.id,
            "address": one.address,
            "browser": one.browser,
            "since": one.started_at,
            "last": one.last_at,
        }
        for one in found
    ]
    lines = [
        f"{one.id}  {one.address}  {one.browser}  since {one.started_at}  last {one.last_at}" for one in found
    ]
    answer({"name": name, "sessions": told}, as_json, "\n".join(lines) or f"{name} is signed in nowhere")


@user.command("go-live")
@click.argument("name")
@click.option("--display", required=True, help="The administrator's name as colleagues know it.")
@click.option("--mail", help="Their mail address.")
@stdin_option
@one_time_option
@json_option
def going_live(
    name: str, display: str, mail: str | None, password_stdin: bool, one_time: bool, as_json: bool
) -> None:
    """Make a demo database a real one: the first administrator is NAME, demo accounts are switched off.

    Cases, releases and settings stay as they are. Sessions of the demo accounts end, their open tasks go back to
    their queues, and their public password lets nobody in any more. All or nothing.
    """
    with opened(existing=True) as gongdan:
        first = Person(name, display, frozenset({ADMIN}), mail=mail)
        given = None if one_time else password_of(None, from_stdin=password_stdin)
        done = go_live(gongdan, first, operator(), given)
    lines = [f"switched off, for good: {', '.join(done.off)}"]
    lines += [f"given back: {held}" for held in done.handed.back]
    lines += [f"still held: {held} ({reason})" for held, reason in done.handed.left.items()]
    made = f" with the one-time password {done.one_time}" if done.one_time else ""
    lines.append(f"{name} is the administrator and may sign in{made}")
    lines.append("Start without --demo and GONGDAN_DEMO from now on, with a SECRET_KEY.")
    result: dict[str, object] = {
        "name": name,
        "switched_off": done.off,
        "given_back": done.handed.back,
        "still_held": done.handed.left,
    }
    if done.one_time:
        result["one_time_password"] = done.one_time
    answer(result, as_json, "\n".join(lines))
    sys.exit(1 if done.handed.left else 0)
