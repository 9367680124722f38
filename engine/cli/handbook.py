"""``handbook``: the pages of all processes, written from the diagrams."""

from __future__ import annotations

import sys

import click

from engine.base.atomic_files import SHARED, write_all
from engine.base.settings import CHECKOUT
from engine.release.handbook import pages
from engine.release.release import Release
from engine.release.releases import read_folder

FOLDER = CHECKOUT / "docs" / "processes"


def wanted() -> dict[str, str]:
    """The pages as they should be, by file name."""
    pictures = {picture.stem for picture in (CHECKOUT / "docs" / "img").glob("*.png")}
    return pages(Release(0, read_folder(CHECKOUT)), pictures)


@click.command("handbook")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is not as the diagrams say.")
def handbook(check: bool) -> None:
    """Write docs/processes from the diagrams, forms, tables and texts of the folder."""
    made = wanted()
    there = {p.name: p.read_text(encoding="utf-8") for p in FOLDER.glob("*.md")}
    stale = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    if not check:
        write_all({FOLDER / name: made[name].encode() for name in stale if name in made}, SHARED)
        for name in there.keys() - made.keys():
            (FOLDER / name).unlink()
    click.echo("\n".join(stale) or "every page is as the diagrams say")
    sys.exit(1 if check and stale else 0)
