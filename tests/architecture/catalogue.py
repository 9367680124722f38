"""The list of processes that people read: written from the diagrams.

``python -m tests.architecture.catalogue`` rewrites docs/processes.md; ``test_documents`` looks that none is missing.
"""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from engine.settings import CHECKOUT

PAGE = CHECKOUT / "docs/processes.md"
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DOMAINS = {
    "telecom": "Telecom operators",
    "property": "Residential estates",
    "ecommerce": "Online shops",
    "insurance": "Insurers",
    "courier": "Couriers",
    "cable": "Cable networks",
    "campus": "Campus services",
    "hospital": "Hospitals",
    "general": "Everything else",
    "reports": "Recurring reports",
    "shared": "Steps that processes share (called, not opened)",
}
_HEAD = """# Processes

Each process is one diagram in `bpmn/<domain>/`. What it is for is said in its own words; the source is explained in [sources.md](sources.md). A case of a process marked ● can be opened by people; the others are called by them.

This page is written by `python -m tests.architecture.catalogue`.
"""  # noqa: E501 (paragraphs of Markdown are lines)


def diagrams(domain: str) -> list[Path]:
    """The diagrams of a domain, by name."""
    return sorted((CHECKOUT / "bpmn" / domain).glob("*.bpmn"))


def row(path: Path) -> str:
    """One row of the table: the process, its name, what it says it is for, where it comes from."""
    process = etree.parse(path).getroot().find(f"{BPMN}process[@id='{path.stem}']")
    if process is None:
        raise ValueError(f"{path.name} has no process called {path.stem}")
    said = (process.findtext(f"{BPMN}documentation") or "").strip()
    sources = sorted(set(re.findall(r"\b00\d:\d+(?:-\d+)?", said)))
    purpose = re.split(r"\n|seed ", said)[0].strip().replace("|", "/")
    startable = 'name="startable" value="true"' in path.read_text(encoding="utf-8")
    return (
        f"| {'●' if startable else ''} | `{path.stem}` | {process.get('name')} | {purpose} "
        f"| {', '.join(sources)} |"
    )


def page() -> str:
    """docs/processes.md."""
    parts = [_HEAD]
    for domain, title in DOMAINS.items():
        if files := diagrams(domain):
            heading = ["", f"## {title}", "| | process | name | for | seed |", "|---|---|---|---|---|"]
            parts.append("\n".join([*heading, *map(row, files)]))
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
