"""What commands share: opening the engine, printing results."""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from tqdm import tqdm

from engine.app import Gongdan, open_gongdan
from engine.base import logs
from engine.base.atomic_files import writing
from engine.base.settings import Settings
from engine.operations.accounts import OPERATOR
from engine.people.security_events import By


@contextmanager
def opened(
    *, migrate: bool = True, existing: bool = False, synchronous: str = "FULL", **overrides: Any
) -> Iterator[Gongdan]:
    """The engine on the database of the environment's settings (``overrides`` win), closed at the end.

    ``existing``: a command that reads makes no database where there is none.
    """
    settings = Settings.from_env(existing=existing, **overrides)
    logs.configure(settings.log_level, form=settings.log_format)
    gongdan = open_gongdan(
        settings, migrate=migrate, existing=existing, synchronous=synchronous, progress=Bar("read models")
    )
    try:
        yield gongdan
    finally:
        gongdan.close()


class Bar:
    """A progress bar on a terminal's standard error, drawn once there is something to show; elsewhere nothing."""

    def __init__(self, label: str, unit: str = " cases", **options: Any) -> None:
        self._label, self._unit, self._options = label, unit, options
        self._drawn: tqdm[Any] | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` (None: nobody knows) are done."""
        if self._drawn is None:
            self._drawn = tqdm(
                total=total,
                desc=self._label,
                unit=self._unit,
                file=sys.stderr,
                leave=False,
                mininterval=0.5,
                disable=None,  # what is no terminal shows no bar
                **self._options,
            )
        self._drawn.update(done - self._drawn.n)
        if done == total:
            self.close()

    def close(self) -> None:
        """Take it away."""
        if self._drawn is not None:
            self._drawn.close()


def answer(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print ``result`` as one line of JSON, or ``text`` for people."""
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else text)


class Named(click.Path):
    """A path; an empty text, as of a variable that was not set, names none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or a refusal."""
        if value == "":
            self.fail("expected a name, but it is empty", param, ctx)
        return super().convert(value, param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def left_out(ctx: click.Context, why: str, spoilt: list[str]) -> None:
    """Name the cases that the file lacks; the exit code is 1, once the file is whole."""
    for case in spoilt:
        click.echo(f"left out: {why.format(case=case)}; `run.py verify {case}` says more", err=True)
    if spoilt:
        ctx.call_on_close(lambda: sys.exit(1))


@contextmanager
def writing_to(output: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with writing(output) as out:
        yield out


def operator() -> By:
    """Who gives the command, for the security log."""
    return By(f"{OPERATOR}/{user()}")


def user() -> str:
    """The user of the operating system."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in a container that runs under a number alone
        return str(os.getuid())
