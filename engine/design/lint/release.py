"""Rules across files: processes defined twice, calls in a circle, things nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.bpmn.model import DiagramModel
from engine.forms.model import Mark

from .approvals import changed_after_approval
from .catalogue.release import (
    CALL_CYCLE,
    DUPLICATE_PROCESS,
    DUPLICATE_SUBPROCESS,
    REPORT_MARK,
    UNUSED_DECISION,
    UNUSED_FORM,
    UNUSED_TEMPLATE,
)
from .context import LintContext
from .dataflow import unset_names
from .expressions import read_expression
from .finding import Finding
from .graph import cycles

#: tables the engine itself asks
OWN_DECISIONS = frozenset({"sla", "triage"})


def lint_across(files: Mapping[str, bytes], context: LintContext) -> Iterator[Finding]:
    """Findings that need more than one file."""
    first = {process: paths[0] for process, paths in context.processes.items()}
    for process, paths in context.processes.items():
        for path in paths[1:]:
            yield DUPLICATE_PROCESS.at(path, process, id=process, other=paths[0])
    yield from _inner_twice(files, context)
    for loop in cycles(sorted(context.calls), lambda process: sorted(context.goes_on_in(process))):
        shown = " → ".join([*loop[:8], loop[0]])
        yield CALL_CYCLE.at(first[loop[0]], loop[0], loop=shown)
    if context.whole:
        models = list(_models(files, context))
        yield from unset_names(models, context)
        yield from changed_after_approval(models, context)
    yield from _marked(files, context)
    yield from _unused(files, context)


def _models(files: Mapping[str, bytes], context: LintContext) -> Iterator[DiagramModel]:
    for path in sorted(files):
        if path.endswith(".bpmn") and (model := context.model_of(path, files[path])) is not None:
            yield model


def _inner_twice(files: Mapping[str, bytes], context: LintContext) -> Iterator[Finding]:
    """Ids of sub-processes, which the engine keeps beside those of processes: told in every file that has them."""
    found: dict[str, dict[str, int | None]] = {
        id: dict.fromkeys(paths) for id, paths in context.processes.items()
    }
    inner = set()
    for model in _models(files, context):
        for scope in model.scopes:
            if scope.parent is not None and scope.id:
                inner.add(scope.id)
                found.setdefault(scope.id, {})[model.file] = scope.line
    for id in sorted(inner):
        for path, line in found[id].items():
            others = [other for other in found[id] if other != path]
            if others:
                yield DUPLICATE_SUBPROCESS.at(path, id, line, id=id, other=others[0])


def _marked(files: Mapping[str, bytes], context: LintContext) -> Iterator[Finding]:
    """The same name is counted in the same way wherever it is asked."""
    first: dict[str, tuple[str, Mark]] = {}
    for key, form in sorted(context.forms.items()):
        for one in form.fields:
            if one.report is not None:
                first.setdefault(one.name, (key, one.report))
    for key, form in sorted(context.forms.items()):
        for one in form.fields if f"forms/{key}.json" in files else ():
            other, mark = first.get(one.name, ("", one.report))
            if one.widget != "readonly" and one.report != mark:
                yield REPORT_MARK.at(f"forms/{key}.json", one.name, name=one.name, other=f"{other}.json")


def _unused(files: Mapping[str, bytes], context: LintContext) -> Iterator[Finding]:
    forms: set[str] = set()
    words: set[str] = set()
    tables: set[str] = set(OWN_DECISIONS)
    for path in sorted(files):
        model = context.model_of(path, files[path]) if path.endswith(".bpmn") else None
        for node in model.nodes() if model is not None and model.readable else ():
            forms.add(node.properties.get("form", ""))
            tables.add(node.extension("calledDecisionId") or "")
            words |= set(node.listed("say"))
            template = read_expression(node.properties.get("template", ""))
            if isinstance(template.constant, str):
                words.add(template.constant)
        if path.endswith((".bpmn", ".dmn")):
            # keys computed by a script or a table stand there as texts
            words |= {key for key in context.templates if f'"{key}"'.encode() in files[path]}
            words |= {key for key in context.templates if f"&quot;{key}&quot;".encode() in files[path]}
    for kind, used, rule in (
        ("forms/{}.json", forms, UNUSED_FORM),
        ("bpmn/templates/{}.json", words, UNUSED_TEMPLATE),
        ("bpmn/decisions/{}.dmn", tables, UNUSED_DECISION),
    ):
        known = {"forms": set(context.forms), "bpmn/templates": set(context.templates)}
        for key in sorted(known.get(kind.rpartition("/")[0], context.decisions)):
            path = kind.format(key)
            if key not in used and path in files:
                yield rule.at(path)
