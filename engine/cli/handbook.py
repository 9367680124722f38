"""``handbook``: the pages of all processes, written from the diagrams."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from engine.base.atomic_files import SHARED, write_all
from engine.base.settings import project_folder
from engine.release.handbook import pages
from engine.release.release import Release

from .project import FOLDER, files_of, release_option


def wanted(files: Mapping[str, bytes], into: Path) -> dict[str, str]:
    """The pages as they should be, by file name; pictures lie in ``img`` beside their folder ``into``."""
    pictures = {picture.stem for picture in (into.parent / "img").glob("*.png")}
    return pages(Release(0, files), pictures)


@click.command("handbook")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not as the diagrams say.")
@release_option("the folder")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the pages. Without it: docs/processes of GONGDAN_PROJECT.",
)  # fmt: skip
def handbook(check: bool, which: str | None, into: Path | None) -> None:
    """Write the pages of all processes from the diagrams, forms, tables and texts of the project or a release."""
    folder = into or project_folder() / "docs" / "processes"
    made = wanted(files_of(which or FOLDER).files, folder)
    there = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.md")}
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        write_all({folder / name: made[name].encode() for name in stale if name in made}, SHARED)
        for name in there.keys() - made.keys():
            (folder / name).unlink()
    click.echo("\n".join(stale) or "every page is as the diagrams say")
    sys.exit(1 if check and stale else 0)
