"""What Gongdan stands on and under which terms: reads the locks and writes THIRD_PARTY.md.

``python -m tests.architecture.licences`` rewrites the file; ``test_packages`` compares it.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

from engine.base.settings import CHECKOUT

THIRD_PARTY = CHECKOUT / "THIRD_PARTY.md"
#: Packages of the locks that are installed on other systems only, so that nobody can ask them here.
ELSEWHERE = {"colorama": "BSD-3-Clause"}
#: What packages say that are older than licence expressions.
PLAIN = {
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "Python Software Foundation License": "PSF-2.0",
    "Apache 2.0": "Apache-2.0",
    "SEE LICENSE IN LICENSE": "bpmn.io licence",
    "BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0",
}
_HEAD = """# Third-party software

Gongdan itself is under the [Apache License 2.0](LICENSE); why that fits is in [ADR 0006](docs/adr/0006-licence.md). It stands on the packages below. Python packages are installed by pip, unchanged, from the lock files; nothing of them is in this repository. The browser packages are bundled, unchanged in function, under `web/static/vendor`, with their licence texts in `web/static/vendor/licenses`.

**bpmn-js** is under the bpmn.io licence: MIT with one condition, that the bpmn.io watermark stays visible in every diagram and is not altered. It does and is not.

**SpiffWorkflow** and **psycopg** are under the LGPL 3.0: installed as separate packages that anybody can replace.

The calendars in `bpmn/calendars` were generated from the data of chinesecalendar and holidays (both MIT); the XML schemas that diagrams are checked against come with SpiffWorkflow and are the Object Management Group's. The list of breached passwords in `engine/people` is a part of the one that Django ships (BSD-3-Clause; its text stands in the file).

This page is written by `python -m tests.architecture.licences`.
"""  # noqa: E501 (paragraphs of Markdown are lines)


def locked(lock: str) -> dict[str, str]:
    """Package → version in a lock file."""
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


def licence(package: str) -> str:
    """The licence that an installed package declares."""
    try:
        declared = metadata(package)
    except PackageNotFoundError:
        return ELSEWHERE[package]
    for expression in declared.get_all("License-Expression") or []:
        return str(expression)
    stated = str((declared.get_all("License") or [""])[0])
    if stated in PLAIN:
        return PLAIN[stated]
    classifiers = [c.rpartition(" :: ")[2] for c in declared.get_all("Classifier") or [] if "License ::" in c]
    names = sorted({PLAIN.get(c, c) for c in classifiers if c not in ("OSI Approved", "DFSG approved")})
    return " OR ".join(names) or stated or _enclosed(package)


def _enclosed(package: str) -> str:
    """What the licence text begins with that comes with a package whose metadata name none."""
    texts = [file for file in files(package) or [] if "licenses" in file.parts]
    first = next(line.strip() for line in texts[0].read_text(encoding="utf-8").splitlines() if line.strip())
    return PLAIN.get(first, f"see its text: {first}")


def browser_packages() -> dict[str, dict[str, str]]:
    """Package → version, licence and the file with its text, as the bundle's manifest says."""
    manifest = json.loads((CHECKOUT / "web/static/vendor/manifest.json").read_text(encoding="utf-8"))
    packages: dict[str, dict[str, str]] = manifest["packages"]
    return packages


def page() -> str:
    """THIRD_PARTY.md."""
    run, test = locked("requirements.lock"), locked("requirements-test.lock")
    lines = [_HEAD, "## Python, to run", "| package | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {version} | {licence(name)} |" for name, version in run.items()]
    lines += ["", "## Python, to test only", "| package | version | licence |", "|---|---|---|"]
    lines += [
        f"| {name} | {version} | {licence(name)} |" for name, version in test.items() if name not in run
    ]
    lines += ["", "## In the browser", "| package | version | licence |", "|---|---|---|"]
    for name, about in browser_packages().items():
        text = PLAIN.get(about["license"], about["license"])
        if "file" in about:
            text = f"[{text}](web/static/vendor/{about['file']})"
        lines.append(f"| {name} | {about['version']} | {text} |")
    return "\n".join(lines) + "\n"


def write(to: Path = THIRD_PARTY) -> None:
    """Write the page anew."""
    to.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
