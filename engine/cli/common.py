"""What commands share: opening the engine, printing results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from engine import logs
from engine.app import Gongdan, open_gongdan
from engine.settings import Settings


@contextmanager
def opened(
    *, migrate: bool = True, existing: bool = False, synchronous: str = "FULL", **overrides: Any
) -> Iterator[Gongdan]:
    """The engine on the database of the environment's settings (``overrides`` win), closed at the end.

    ``existing``: a command that reads makes no database where there is none.
    """
    settings = Settings.from_env(existing=existing, **overrides)
    logs.configure(settings.log_level)
    gongdan = open_gongdan(settings, migrate=migrate, existing=existing, synchronous=synchronous)
    try:
        yield gongdan
    finally:
        gongdan.close()


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
