#!/usr/bin/env python3
"""The command line of Gongdan. Exit codes: 0 fine, 1 findings or failed, 2 wrong use or refused.

Every command lives in a module of its own and is imported when it is called, so that ``layout`` does
not wait for the engine and one broken module does not take the others down.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module, util
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent


def enter_environment() -> None:
    """Go on in ``.venv`` when the packages are not here; say how to make it when it is missing."""
    if util.find_spec("SpiffWorkflow") is not None:
        return
    own = CHECKOUT / ".venv" / "bin" / "python"
    if own.exists() and Path(sys.prefix) != CHECKOUT / ".venv":
        os.execv(own, [str(own), *sys.argv])  # noqa: S606 (no shell is the point)
    sys.exit("Gongdan's packages are not installed yet: `make setup` installs them, `make run` also starts.")


enter_environment()

import click  # noqa: E402

from engine import VERSION  # noqa: E402
from engine.base.errors import GongdanError, NewerDatabase, Unavailable  # noqa: E402
from engine.base.texts import storable  # noqa: E402

#: command → (module that has the click command of that name, what the list of commands says)
COMMANDS = {
    "serve": ("web.cli", "Start the pages and the embedded worker (also what run.py does by itself)."),
    "worker": ("engine.cli.operations", "Run timers and outbox on further machines (PostgreSQL)."),
    "lint": ("engine.cli.lint", "Say what is wrong in diagrams, tables and forms, and how to mend it."),
    "layout": ("engine.cli.layout", "Draw a diagram anew: lanes, columns, edges."),
    "publish": ("engine.cli.operations", "Make a new release of bpmn/ and forms/."),
    "releases": ("engine.cli.releases", "Look at releases that wait for a second person; approve, refuse."),
    "pull": ("engine.cli.operations", "Write the live release back into the folder."),
    "import": ("engine.cli.intake", "Make cases from a file of complaints."),
    "simulate": ("engine.cli.simulate", "Let synthetic agents and customers work the open cases."),
    "report": ("engine.cli.reports", "Count what was closed in a period, down to the cases."),
    "export": ("engine.cli.reports", "Write histories for process mining or row by row."),
    "verify": ("engine.cli.verify", "Re-execute cases from their history alone and compare."),
    "checkpoint": ("engine.cli.proof", "Sign what the log says by now, for somebody else to keep."),
    "prove": ("engine.cli.proof", "Write proofs for one who has no database, or check them."),
    "handbook": (
        "engine.cli.handbook",
        "Write the pages of docs/processes from the diagrams of the project or a release.",
    ),
    "rebuild": ("engine.cli.operations", "Derive the read models from history anew."),
    "deadline": ("engine.cli.deadline", "Say when a limit ends, and why."),
    "calendar-data": ("engine.cli.calendar_data", "Write the Chinese calendar anew from the libraries."),
    "health": ("engine.cli.health", "Say whether work can be done, and by whom."),
    "db": ("engine.cli.database", "Upgrade, check, back up and restore the database."),
    "keys": ("engine.cli.keys", "Make, take along and change the keys of the installation."),
    "erase": ("engine.cli.operations", "Erase a person; their history stays provable."),
    "user": (
        "engine.cli.people",
        "Accounts, passwords, sessions of people; many from a CSV; from demo to real.",
    ),
    "security-log": ("engine.cli.security", "List who did what to the house; take old entries away."),
    "bench": ("bench.cli", "Measure; each figure is a ratio of one run."),
}


class Refused(click.ClickException):
    """A refusal of the engine, as the command line shows it."""

    exit_code = 2


class Commands(click.Group):
    """The commands of the table above, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The click command called ``cmd_name`` in its module."""
        if cmd_name not in COMMANDS:
            return None
        for thing in vars(import_module(COMMANDS[cmd_name][0])).values():
            if isinstance(thing, click.Command) and thing.name == cmd_name:
                return thing
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a command, ``serve`` is meant: ``run.py --port 8001``."""
        for given in args:
            if not storable(given):
                raise click.UsageError(f"expected arguments that are text in UTF-8, but {given!r} is not")
        asks_help = args[:1] in (["--help"], ["--version"])
        return super().parse_args(
            ctx, args if asks_help or (args and args[0][0] != "-") else ["serve", *args]
        )

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what the engine or the system refuses is told in one line, without a traceback."""
        try:
            return super().invoke(ctx)
        except (NewerDatabase, Unavailable) as error:
            raise click.ClickException(str(error)) from error
        except GongdanError as error:
            raise Refused(str(error)) from error
        except BrokenPipeError:
            raise  # whoever read has seen enough: click ends in silence
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{where}{error.strerror or error}") from error


@click.group(cls=Commands)
@click.version_option(VERSION, prog_name="Gongdan")
def cli() -> None:
    """Gongdan 工单: complaint handling as BPMN processes."""


def main() -> None:
    """Run a command. What standard output did not take was told; the end of Python need not fail on it again."""
    try:
        cli(prog_name="run.py")
    finally:
        try:
            sys.stdout.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
