"""``lint PATH…`` says what is wrong in diagrams, tables, forms and texts, and how to mend it; ``layout`` draws."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from engine.base import logs
from engine.base.locales import LOCALES
from engine.base.safe_parsing import MAX_BYTES
from engine.base.xml_encoding import as_utf8
from engine.design.lint import Finding, LintContext, lint_file
from engine.design.lint.release import lint_across

from .layout import layout

__all__ = ["layout", "lint"]

ENDINGS = (".bpmn", ".dmn", ".json")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--scenarios", is_flag=True, help="Run the scenarios of the diagrams too and show coverage.")
@click.option(
    "--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Language of the messages."
)
def lint(paths: tuple[Path, ...], as_json: bool, scenarios: bool, locale: str) -> None:
    """Check PATHs (files or folders). Exit 1 on any error or warning."""
    logs.configure("warning")  # scenarios send messages, to a log
    asked = _asked(paths)
    findings = _lint(asked)
    reached = _scenarios(asked) if scenarios else {}
    failed = bool(reached and reached["scenarios"]["failed"])
    grave = [f for f in findings if f.grave]
    if as_json:
        result: dict[str, object] = {
            "files": [
                {"file": file, "findings": [f.as_json(locale) for f in findings if f.file == file]}
                for file in asked
            ],
            "errors": sum(f.severity == "error" for f in findings),
            "warnings": sum(f.severity == "warning" for f in findings),
        }
        click.echo(orjson.dumps(result | reached, option=orjson.OPT_INDENT_2))
    else:
        for finding in findings:
            _show(finding, locale)
        words = {kind: sum(f.severity == kind for f in findings) for kind in ("error", "warning", "info")}
        click.echo(f"{len(asked)} files: " + ", ".join(f"{count} {kind}" for kind, count in words.items()))
        if reached:
            click.echo(orjson.dumps(reached, option=orjson.OPT_INDENT_2))
    sys.exit(1 if grave or failed else 0)


def _show(finding: Finding, locale: str) -> None:
    where = finding.file + (f":{finding.line}" if finding.line else "")
    element = f" {finding.element}" if finding.element else ""
    click.echo(f"{where}:{element}: {finding.severity} {finding.rule}: {finding.message_in(locale)}")
    click.echo(f"    → {finding.fix_in(locale)}")


def _asked(paths: tuple[Path, ...]) -> dict[str, bytes]:
    """The files to check by the path shown, in order; folders are searched for what a release is made of."""
    found: dict[str, bytes] = {}
    for path in paths:
        if not (path.is_dir() or path.is_file()):
            raise click.UsageError(f"{path} is neither a file nor a folder: a device or pipe is not read")
        inside = sorted(p for p in path.rglob("*") if p.suffix in ENDINGS and p.is_file())
        for file in inside if path.is_dir() else [path]:
            found[str(file)] = _read(file)
    return found


def _read(file: Path) -> bytes:
    """The file, but of one that is too large only enough to see that it is."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from None
    # as a release would have it; what is cut off stays as large as it is
    return content if file.suffix == ".json" or len(content) > MAX_BYTES else as_utf8(content)


def _lint(asked: Mapping[str, bytes]) -> list[Finding]:
    """Findings on the asked files, seen against the project they stand in."""
    findings: list[Finding] = []
    by_project: dict[Path | None, list[str]] = {}
    for path in asked:
        by_project.setdefault(_project(Path(path)), []).append(path)
    for project, paths in by_project.items():
        inside = {path: _inside(Path(path), project) for path in paths}
        files = _release_files(project) | {inside[path]: asked[path] for path in paths}
        context = LintContext.of(files)
        shown = {name: path for path, name in inside.items()}
        found = [f for path in paths for f in lint_file(inside[path], asked[path], context)]
        found += [f for f in lint_across(files, context) if f.file in shown]
        findings += [f.in_file(shown[f.file]) for f in found]
    order = {path: number for number, path in enumerate(asked)}
    return sorted(findings, key=lambda f: order[f.file])


def _project(path: Path) -> Path | None:
    """The folder that holds the ``bpmn`` or ``forms`` folder the file stands in."""
    for parent in path.resolve().parents:
        if parent.name in ("bpmn", "forms") and (parent.parent / "bpmn").is_dir():
            return parent.parent
    return None


def _inside(path: Path, project: Path | None) -> str:
    return str(path) if project is None else path.resolve().relative_to(project).as_posix()


def _release_files(project: Path | None) -> dict[str, bytes]:
    """What stands beside the files in their project; nothing for files outside one."""
    if project is None:
        return {}
    return {
        path.relative_to(project).as_posix(): _read(path)
        for folder in ("bpmn", "forms")
        for path in sorted((project / folder).rglob("*"))
        if path.suffix in ENDINGS and path.is_file()
    }


def _scenarios(asked: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """What the project's scenarios reach of the asked diagrams, and which of them fail."""
    projects = {_project(Path(path)) for path in asked if path.endswith(".bpmn")}
    if len(projects) != 1:
        raise click.UsageError("--scenarios needs diagrams of one project")
    from engine.scenarios import report  # the whole engine: only who asks for it waits for it

    (project,) = projects
    inside = {_inside(Path(path), project): body for path, body in asked.items()}
    return report(_release_files(project) | inside, inside)
