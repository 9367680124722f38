"""The commands ``report`` and ``export``: figures of a period, and whole histories for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import click

from engine.base.atomic_files import write_all
from engine.base.locales import LOCALES
from engine.case.store import case_ids
from engine.export import ocel, rows, tables, xes
from engine.export.events import case_numbers, traces
from engine.people.security_events import Exported
from engine.proof import heads_file, independent_verifier
from engine.reports import REPORTS, Asked, Report, branches, make
from engine.reports.model import Figure, Table
from engine.reports.period import parse
from engine.reports.report_text import ReportText
from engine.reports.writing import as_json as as_json_of
from engine.reports.writing import csv_lines
from engine.storage.database import Database

from .common import Bar, Named, answer, json_option, left_out, opened, operator, writing_to
from .proof import checkpoint_of

T = TypeVar("T")
_MOST = 40  #: rows of a table on a terminal


@click.command("report")
@click.argument("name", type=click.Choice(list(REPORTS)))
@click.option(
    "--period",
    required=True,
    help="2015-05, 2015-W20, 2015-05-20, 2015, or 2015-05-01..2015-06-01 (end not included).",
)
@click.option("--branch", help="Only cases of this branch or department.")
@click.option("--table", "only", help="Only this table of the report.")
@click.option("--csv", "target", type=Named(dir_okay=False, path_type=Path), help="Write CSV to this file.")
@click.option(
    "--each-branch",
    "folder",
    type=Named(file_okay=False, path_type=Path),
    help="Write one CSV per branch into this folder.",
)
@click.option("--locale", type=click.Choice(LOCALES), default=LOCALES[0], show_default=True)
@json_option
def report(
    name: str,
    period: str,
    branch: str | None,
    only: str | None,
    target: Path | None,
    folder: Path | None,
    locale: str,
    as_json: bool,
) -> None:
    """Count what was closed in a period. With --json every figure lists its cases."""
    if folder is not None and (branch or only or target):
        raise click.UsageError(
            "--each-branch writes the whole lists of all branches: leave --branch, --table, --csv out"
        )
    with opened(existing=True) as gongdan:
        asked = Asked(parse(period), gongdan.now(), branch)
        told = Exported(about=f"report {name} {asked.period.text}", to=str(target or folder or "-"))
        gongdan.security_log.note_if_possible(operator(), told, gongdan.now())
        in_words = ReportText(gongdan.releases.current(), locale)
        if folder is not None:
            written = _each_branch(gongdan.db, name, asked, in_words, folder)
            answer({"files": [str(path) for path in written]}, as_json, "\n".join(map(str, written)))
            return
        made = make(gongdan.db, name, asked)
    chosen = [table for table in made.tables if only in (None, table.key)]
    if not chosen:
        raise click.BadParameter(
            f"there are the tables {', '.join(table.key for table in made.tables)}", param_hint="--table"
        )
    if target is not None:
        with writing_to(target) as out:
            out.writelines(line.encode() for line in csv_lines(made, chosen, in_words))
        click.echo(f"wrote {target}", err=True)
    if as_json or target is None:
        answer(as_json_of(made), as_json, _text(made, chosen, in_words))


def _each_branch(db: Database, name: str, asked: Asked, in_words: ReportText, folder: Path) -> list[Path]:
    """Write the list of each branch into ``folder``; returns the files."""
    made = branches.files(branches.by_branch(db, name, asked), in_words)
    written = {folder / file: text.encode() for file, text in made}
    write_all(written)
    return list(written)


def _text(made: Report, chosen: list[Table], in_words: ReportText) -> str:
    lines = [f"{in_words.title(made.name)}  {made.period.text}  ({len(made.cases)})"]
    for table in chosen:
        lines += ["", in_words.table(made, table.key)]
        lines.append("  " + "\t".join(in_words.term(column) for column in table.columns))
        shown = table.rows[:_MOST]
        lines += ["  " + "\t".join(in_words.cell(cell) for cell in row) for row in shown]
        if len(table.rows) > len(shown):
            lines.append(f"  … {len(table.rows) - len(shown)}")
        if table.rows and not any(isinstance(cell, Figure) for cell in table.rows[0]):
            lines.append(f"  ({len(table.rows)})")
    return "\n".join(lines)


@click.command("export")
@click.argument("shape", type=click.Choice(["xes", "ocel", "csv", "json", "heads", "verifier"]))
@click.option(
    "-o", "--output", type=Named(dir_okay=False, path_type=Path), help="File; default standard output."
)
@click.option(
    "--exact",
    is_flag=True,
    help="With json: numbers that staff typed are not masked, so that every hash is theirs.",
)
@click.pass_context
def export(ctx: click.Context, shape: str, output: Path | None, exact: bool) -> None:
    """Write all histories for process mining (xes, ocel, csv) or row by row (json). Personal data stays sealed.

    heads: a checkpoint with everything under it, to be kept elsewhere and held against later (verify --against).
    verifier: the program of 120 lines by which others check json and heads without Gongdan.
    """
    if exact and shape != "json":
        raise click.UsageError("--exact is for json")
    if shape == "verifier":
        with writing_to(output) as out:
            out.write(Path(independent_verifier.__file__).read_bytes())
        return
    with opened(existing=True) as gongdan, writing_to(output) as out:
        if shape == "heads":
            made = checkpoint_of(gongdan)
            number = heads_file.write(gongdan.db, made.checkpoint, out)
            click.echo(f"{number} cases", err=True)
            left_out(ctx, "the head of case {case} is none", made.spoilt)
            return
        told = Exported(about=f"export {shape}", to=str(output or "-"), masked=not exact)
        gongdan.security_log.note_if_possible(operator(), told, gongdan.now())
        total = len(case_ids(gongdan.db) if shape == "json" else case_numbers(gongdan.db))
        unread: list[str] = []
        if shape == "json":
            out.writelines(rows.releases(gongdan.db))
            number = 0
            for lines in _shown(rows.histories(gongdan.db, unread, exact), total):
                out.writelines(lines)
                number += len(lines)
        else:
            write = {"xes": xes.write, "ocel": ocel.write, "csv": tables.write_csv}[shape]
            number = write(_shown(traces(gongdan.db, gongdan.releases, unread), total), out)
        left_out(ctx, "the history of case {case} cannot be read", unread)
    click.echo(f"{total - len(unread)} cases, {number} {'rows' if shape == 'json' else 'events'}", err=True)


def _shown(things: Iterable[T], total: int) -> Iterator[T]:
    bar = Bar("export")
    for done, thing in enumerate(things, 1):
        yield thing
        bar(done, total)
