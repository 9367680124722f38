"""Which files a command answers from: the release that cases run on, another one, or the project's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from engine.base.errors import NoDatabase, NotFound
from engine.base.settings import project_folder

FOLDER, LIVE = "folder", "live"


@dataclass(frozen=True, slots=True)
class Files:
    """Files by path (``bpmn/calendars/cn.json``), and ``where`` they stand, in words."""

    where: str
    files: Mapping[str, bytes]


class _Which(click.ParamType[str]):
    """``folder``, ``live``, or the number of a release."""

    name = "release"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, when it is one of these."""
        numbered = value.isascii() and value.isdigit() and len(value) < 10
        if value not in (FOLDER, LIVE) and not numbered:
            self.fail(f"{value!r} is neither the number of a release nor {LIVE} nor {FOLDER}", param, ctx)
        return value


def release_option(means: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option ``--release`` (parameter ``which``); ``means`` says what holds without it."""
    return click.option(
        "--release", "which", type=_Which(), metavar="NUMBER|live|folder",
        help=f"Read that release, the live one, or the folder GONGDAN_PROJECT. Without it: {means}.",
    )  # fmt: skip


def files_of(which: str | None) -> Files:
    """The files of a release (its number, or ``live``) or of the project's ``folder``.

    None means as cases do: the live release, or the folder as long as nothing is published. Raises
    :class:`~engine.base.errors.NotFound` for a release there is not, and ConfigurationError without a database.
    """
    if which == FOLDER:
        return _in_folder()
    try:
        return _published(which)
    except (NoDatabase, NotFound):
        if which is not None:
            raise
        return _in_folder()


def _in_folder() -> Files:
    from engine.release.releases import read_folder  # the engine is not waited for before it is needed

    project = project_folder()
    found = read_folder(project)
    if not found:
        raise NotFound(f"{project} has no files in bpmn/ and forms/; see GONGDAN_PROJECT")
    return Files(f"folder {project}", found)


def _published(which: str | None) -> Files:
    from .common import opened

    with opened(migrate=False, existing=True) as gongdan:
        number = int(which) if which not in (None, LIVE) else None
        release = gongdan.releases.current() if number is None else gongdan.releases.get(number)
        return Files(f"release {release.number}", release.files)
