"""``layout FILE…``: draw BPMN diagrams afresh, or say what is wrong with their drawing."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.base.atomic_files import SHARED, write_all
from engine.base.errors import InvalidFile
from engine.base.safe_parsing import parse_xml
from engine.design.layout import layout_bpmn
from engine.design.layout.check import check_drawing


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--check", is_flag=True, help="Write nothing; list faults of the drawing, exit 1 if any.")
def layout(files: tuple[Path, ...], check: bool) -> None:
    """Replace the drawing of each BPMN FILE by a fresh one (the process itself is not changed)."""
    faults = 0
    for path in files:
        try:
            content = path.read_bytes()
            if not check:
                content = layout_bpmn(content, str(path))
                write_all({path: content}, SHARED)
            found = check_drawing(parse_xml(content, str(path)))
        except InvalidFile as error:
            click.echo(str(error), err=True)
            faults += 1
            continue
        for fault in found:
            click.echo(f"{path}: {fault.element}: {fault.message}")
        faults += len(found)
        if not check:
            click.echo(f"{path}: drawn", err=True)
    sys.exit(1 if faults else 0)
