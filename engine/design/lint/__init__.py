"""Lint: what is wrong with diagrams, decision tables, forms and texts, and how to mend it.

    findings = lint_file(path, content, LintContext.of(files))
    findings = lint_release(files)

Neither ever raises, whatever the bytes. The rules are described in docs/lint.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from engine.base.safe_parsing import BPMN, InvalidXml, dmn_namespace, parse_xml, schema_problems
from engine.bpmn.reading import read_diagram

from . import decisions, engine, files, gateways, release, scripts, structure, tasks, timing
from .catalogue import RULES
from .catalogue.files import UNKNOWN_FILE, XML_KIND
from .context import LintContext
from .finding import Finding, Rule, Severity

__all__ = ["RULES", "Finding", "LintContext", "Rule", "Severity", "lint_file", "lint_release"]

_CHECKS = (
    *structure.CHECKS,
    *engine.CHECKS,
    *gateways.CHECKS,
    *timing.CHECKS,
    *tasks.CHECKS,
    *scripts.CHECKS,
)
#: findings of one check on one file; more would not be read
MAX_FINDINGS = 200


def lint_file(path: str, content: bytes, context: LintContext | None = None) -> list[Finding]:
    """Findings on one file, in the order of the rules; never raises.

    ``context`` holds what the file may refer to; without one, references are not checked.
    """
    context = context or LintContext()
    name = path.lower()
    if name.endswith(".json"):
        return list(files.lint_json(path, content))
    if not name.endswith((".bpmn", ".dmn", ".xml")):
        return [UNKNOWN_FILE.at(path)]
    read = context.known(path, content)
    try:
        root = read.root if read is not None else parse_xml(content, path)
    except InvalidXml as error:
        return [files.refused_xml(path, error)]
    if name.endswith(".dmn") if dmn_namespace(root) else root.tag == f"{{{BPMN}}}definitions":
        found = [files.refused_xml(path, problem) for problem in schema_problems(root, path)]
    else:
        wanted = "DMN" if name.endswith(".dmn") else "BPMN 2.0"
        return [XML_KIND.at(path, problem=f"no {wanted} definitions")]
    if dmn_namespace(root):
        if path.replace("\\", "/").endswith("decisions/sla.dmn"):
            return found or list(files.lint_parameters(path, content))  # whose loader asks the schema too
        return [*found, *_first(decisions.lint_decision(root, path, context))]
    model = read or read_diagram(root, path)
    for check in _CHECKS:
        found += _first(check(model, context))
    if model.processes and not any(finding.grave for finding in found):
        found += engine.taken(model)
    return found


def lint_release(release_files: Mapping[str, bytes]) -> list[Finding]:
    """Findings on a whole set of files by path (``bpmn/…``, ``forms/…``), cross-file rules last; never raises."""
    context = LintContext.of(release_files)
    found: list[Finding] = []
    for path in sorted(release_files):
        found += lint_file(path, release_files[path], context)
    return [*found, *release.lint_across(release_files, context)]


def _first(findings: Iterable[Finding]) -> list[Finding]:
    return list(islice(findings, MAX_FINDINGS))
