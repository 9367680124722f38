"""Every diagram that ships, walked at random with its own forms, tables, limits and texts, as stock walks it.

Stock orders the flows of a gateway by the drawing, we by the file (a designer who moves an element must not change what
it does), so the other side is given the diagrams without their drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from lxml import etree

from engine.base.safe_parsing import BPMNDI
from engine.base.settings import CHECKOUT
from engine.forms import Field
from engine.release.release import CALENDAR, PARAMETERS, Release
from engine.release.releases import read_folder
from tests.equivalence.walks import BEGIN, Walk, Walker, differences
from tests.playing import program

RELEASE = Release(1, read_folder(CHECKOUT))
FORMS = {
    element.id: element.properties["form"]
    for process in RELEASE.processes.values()
    for element in process.elements.values()
    if "form" in element.properties
}


def value(field: Field, chance: Random) -> Any:
    """Some value of a field's kind; whether its form would accept it does not matter here."""
    if field.options:
        words = [option.value for option in field.options]
        return (
            chance.sample(words, chance.randint(0, len(words)))
            if field.widget == "checkboxes"
            else chance.choice(words)
        )
    match field.widget:
        case "checkbox":
            return chance.random() < 0.5
        case "number" | "money":
            return chance.randint(0, 12)
        case "date":
            return (BEGIN + timedelta(days=chance.randint(-9, 9))).date().isoformat()
        case "datetime":
            return (BEGIN + timedelta(hours=chance.randint(-99, 99))).isoformat()
        case "rows" if field.rows is not None:
            return [
                {f.name: value(f, chance) for f in field.rows.fields} for _ in range(chance.randint(0, 2))
            ]
        case "phone":
            return f"138{chance.randint(0, 99_999_999):08d}"
    return f"text {chance.randint(0, 99)}"


def fill(element: str, chance: Random) -> dict[str, Any]:
    """The form of an element, each field given or not."""
    form = RELEASE.forms.get(FORMS.get(element, ""))
    fields = form.fields if form is not None else ()
    return {f.name: value(f, chance) for f in fields if f.widget != "readonly" and chance.random() < 0.9}


def start_data(chance: Random) -> dict[str, Any]:
    """Something for every name that a form knows, as if the whole case had been told before."""
    known = {
        f.name: value(f, chance)
        for form in RELEASE.forms.values()
        for f in form.fields
        if f.widget != "readonly"
    }
    return {"case_no": "260105-00001-0", "case_opened_at": BEGIN.isoformat(), **known}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The shipped diagrams without their drawings, and the decision tables, in a folder for the other side."""
    folder = tmp_path_factory.mktemp("shipped")
    return [str(path) for path in _written(folder)]


def _written(folder: Path) -> Iterator[Path]:
    for name, body in RELEASE.files.items():
        if not name.endswith((".bpmn", ".dmn")) or name == PARAMETERS:
            continue
        root = etree.fromstring(body)
        for drawing in root.findall(f"{{{BPMNDI}}}BPMNDiagram"):
            root.remove(drawing)
        path = folder / name.replace("/", "_")
        path.write_bytes(etree.tostring(root))
        yield path


@pytest.mark.timeout(1800)
def test_every_shipped_process_walks_as_stock_walks_it(files: list[str], tmp_path: Path, full: bool) -> None:
    rules = [str(CHECKOUT / PARAMETERS), str(CHECKOUT / CALENDAR)]
    walks = []
    for number in range(len(RELEASE.processes) * (6 if full else 1)):
        process = sorted(RELEASE.processes)[number % len(RELEASE.processes)]
        chance = Random(number)
        walk = Walk(number, process, files, rules)
        walks.append(Walker(RELEASE.program, walk, number, fill).run(start_data(chance), steps=40))
    assert differences(walks, tmp_path) == []
    ended = Counter(walk.ended for walk in walks)
    assert ended["stuck"] == 0
    assert ended["failed"] < len(walks) // 4, "random answers may break a script, but seldom"
    assert sum(len(walk.steps) for walk in walks) > 3 * len(walks)


def test_the_workloads_of_the_benchmarks_walk_as_stock_walks_them(tmp_path: Path) -> None:
    folder = CHECKOUT / "bench" / "workloads"
    walks = []
    for number in range(10):
        name = ("callback", "loop")[number % 2]
        path = folder / f"{name}.bpmn"
        walk = Walk(number, name, [str(path)])

        def answers(element: str, chance: Random) -> dict[str, Any]:
            return {"ok": chance.randint(-1, 5), "done": chance.random() < 0.02, "note": [element]}

        walks.append(Walker(program(path.read_bytes()), walk, number, answers).run({"ok": 0}, steps=80))
    assert differences(walks, tmp_path) == []
    assert {walk.ended for walk in walks} <= {"done", "open"}
