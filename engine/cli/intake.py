"""The command ``import``: cases from a file of complaints."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.intake import mapping as mappings
from engine.intake.importing import ImportReport, import_file

from .common import Bar, answer, json_option, opened


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--mapping", "mapping_name", required=True, help="A mapping that ships, or the path of one.")
@click.option("--historic", is_flag=True, help="Open each case when its complaint was received, not now.")
@json_option
def import_(file: Path, mapping_name: str, historic: bool, as_json: bool) -> None:
    """Make a case of every complaint in FILE (CSV) that is not one yet. Exit 1 when rows were rejected."""
    mapping = mappings.load(mapping_name)
    bar, size = Bar(file.name, "B", unit_scale=True), file.stat().st_size
    with opened() as gongdan:
        gongdan.publish_folder()
        report = import_file(gongdan, file, mapping, historic=historic, on_bytes=lambda read: bar(read, size))
    bar.close()
    answer(report.as_json(), as_json, _text(report))
    sys.exit(1 if report.rejected else 0)


def _text(report: ImportReport) -> str:
    lines = [f"{report.read} read, {report.created} new, {report.existing} known already"]
    lines += [f"  {count:6} {process}" for process, count in sorted(report.by_process.items())]
    if report.rejected:
        lines.append(f"{len(report.rejected)} rejected:")
        lines += [f"  line {row.line}: {row.reason}" for row in report.rejected]
    return "\n".join(lines)
