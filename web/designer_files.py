"""The files of a release as the designer's room lists them: what they are called, of which kind, what they offer."""

from __future__ import annotations

from flask_babel import gettext

from engine.base.services import LEVELS, SERVICES
from engine.bpmn.kinds import PROPERTIES
from engine.bpmn.properties import OF_PROCESS, Property
from engine.release.release import Release
from engine.scenarios import FOLDER as SCENARIOS
from engine.scenarios import path_of

from .i18n import listed, pick


def names(release: Release) -> dict[str, str]:
    """What a file is called: its processes, its form's title, its text's key."""
    found: dict[str, str] = {}
    for process in release.processes.values():
        found[process.path] = listed([found.get(process.path, ""), pick(process.names)])
        found[path_of(process.id)] = pick(process.names)
    found |= {f"forms/{key}.json": pick(form.title) for key, form in release.forms.items()}
    return found | {
        f"bpmn/templates/{key}.json": pick(template.text)[:40] for key, template in release.templates.items()
    }


def groups(release: Release) -> list[tuple[str, list[str]]]:
    """Files by kind, diagrams first."""
    kinds = {
        "diagrams": gettext("Diagrams"),
        "tables": gettext("Decision tables"),
        "forms": gettext("Forms"),
        "texts": gettext("Texts"),
        "scenarios": gettext("Scenarios"),
        "others": gettext("Other files"),
    }
    found: dict[str, list[str]] = {kind: [] for kind in kinds}
    for path in sorted(release.files):
        found[kind_of(path)].append(path)
    return [(kinds[kind], paths) for kind, paths in found.items()]


def kind_of(path: str) -> str:
    """The group that a file is listed in."""
    if path.endswith((".bpmn", ".dmn")):
        return "diagrams" if path.endswith(".bpmn") else "tables"
    folders = {"forms/": "forms", "bpmn/templates/": "texts", SCENARIOS: "scenarios"}
    return next((kind for folder, kind in folders.items() if path.startswith(folder)), "others")


def kind_words(path: str) -> str:
    """What kind of file it is, in the language of the page."""
    return {
        "diagrams": gettext("diagram"),
        "tables": gettext("decision table"),
        "forms": gettext("form"),
        "texts": gettext("text"),
        "scenarios": gettext("scenarios"),
        "others": gettext("other file"),
    }[kind_of(path)]


def catalogue(release: Release) -> dict[str, object]:
    """What the properties panel offers to choose from, and which properties each kind of element has."""
    tables = (path for path in release.files if path.startswith("bpmn/decisions/") and path.endswith(".dmn"))
    return {
        "forms": [{"id": key, "name": pick(form.title)} for key, form in release.forms.items()],
        "processes": [{"id": p.id, "name": pick(p.names)} for p in release.processes.values()],
        "decisions": [{"id": path.rpartition("/")[2].removesuffix(".dmn"), "name": ""} for path in tables],
        "parameters": [{"id": id, "name": pick(one.name)} for id, one in release.parameters.items()],
        "services": [{"id": kind, "name": pick(one.name)} for kind, one in SERVICES.items()],
        "levels": [{"id": level, "name": ""} for level in LEVELS],
        "elements": {
            kind: [_asked(one) for one in properties if one.label]
            for kind, properties in {"process": OF_PROCESS, **PROPERTIES}.items()
        },
    }


def _asked(one: Property) -> dict[str, object]:
    """A property as the panel asks for it, in the language of the page."""
    return {
        "name": one.name,
        "label": pick(one.label),
        "hint": pick(one.hint),
        "choices": one.choices,
        "expression": one.expression,
        "flag": one.flag,
    }
