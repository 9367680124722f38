"""What the commands of ``run.py user`` share: their group, and how a password is given."""

from __future__ import annotations

import sys

import click


@click.group("user")
def user() -> None:
    """People who may sign in."""


stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
one_time_option = click.option(
    "--one-time",
    is_flag=True,
    help="Make a password that must be changed at the first sign-in, and print it.",
)


def password_of(given: str | None, *, from_stdin: bool) -> str:
    """The password: ``given`` as an option, read from standard input, or asked for at the terminal."""
    if given is not None and from_stdin:
        raise click.UsageError("give --password or --password-stdin, not both")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if given is not None:
        return given
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked
