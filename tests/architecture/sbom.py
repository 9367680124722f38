"""The list of everything that Gongdan is made of, for programs that look for weaknesses: CycloneDX 1.6, as JSON.

``python -m tests.architecture.sbom FILE`` (``make sbom``) writes it from the lock file, the packages that are installed
and the manifest of the browser bundle. The same sources give the same bytes.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterable, Iterator
from importlib.metadata import requires
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.bom_ref import BomRef
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from engine import VERSION
from engine.base.settings import CHECKOUT

from .licences import ELSEWHERE, PLAIN, browser_packages, licence, locked

LOCK = "requirements.lock"
EXTRAS = ("postgres",)  #: what the lock holds besides what always runs
_LICENCES = LicenseFactory()


def bom() -> Bom:
    """All parts, each with version, licence and what it needs."""
    own = _component("gongdan", VERSION, "Apache-2.0", PackageURL("generic", name="gongdan", version=VERSION))
    own.type = ComponentType.APPLICATION
    python = dict(_python())
    browser = [*_browser()]
    made = Bom(components=[*python.values(), *browser])
    made.metadata.component = own
    made.metadata.timestamp = None  # type: ignore[assignment]  # the same sources, the same file
    made.register_dependency(own, [*(python[name] for name in _needed("gongdan", python)), *browser])
    for name, part in python.items():
        made.register_dependency(part, [python[other] for other in _needed(name, python)])
    told = [str(part.purl) for part in made.components]
    made.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join([VERSION, *sorted(told)]))
    return made


def text() -> str:
    """The file."""
    return JsonV1Dot6(bom()).output_as_string(indent=2) + "\n"


def _python() -> Iterator[tuple[str, Component]]:
    """What pip installs, with the hashes of the files it may come in."""
    for name, version in locked(LOCK).items():
        part = _component(name, version, licence(name), PackageURL("pypi", name=name, version=version))
        part.hashes = [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in _hashes(name)]
        yield name, part


def _hashes(name: str) -> list[str]:
    entry = re.split(rf"^{re.escape(name)}==", (CHECKOUT / LOCK).read_text("utf-8"), flags=re.MULTILINE)[1]
    return sorted(re.findall(r"sha256:([0-9a-f]{64})", re.split(r"\n(?=[A-Za-z])", entry)[0]))


def _browser() -> Iterator[Component]:
    """What is bundled under ``web/static/vendor``."""
    for name, about in browser_packages().items():
        group, _, own = name.rpartition("/")
        version = about["version"]
        purl = PackageURL("npm", namespace=group or None, name=own, version=version)
        part = _component(own, version, PLAIN.get(about["license"], about["license"]), purl)
        part.group = group or None
        part.properties.add(Property(name="gongdan:bundled", value="web/static/vendor"))
        yield part


def _component(name: str, version: str, terms: str, purl: PackageURL) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        licenses=[_LICENCES.make_from_string(terms)],
        purl=purl,
        bom_ref=BomRef(purl.to_string()),
    )


def _needed(name: str, known: Iterable[str]) -> list[str]:
    """The packages of the lock that one needs: as ``pyproject.toml`` or what is installed says."""
    chosen = set(known)
    if name in ELSEWHERE:
        return []
    said = _own() if name == "gongdan" else (requires(name) or [])
    found = {
        re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]).lower() for line in said
    }
    return sorted(found & chosen - {name})


def _own() -> list[str]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [
        *project["dependencies"],
        *(line for extra in EXTRAS for line in project["optional-dependencies"][extra]),
    ]


def write(to: Path) -> None:
    """Write the file ``to``."""
    to.write_text(text(), encoding="utf-8")
    count = len(json.loads(to.read_text(encoding="utf-8"))["components"])
    sys.stdout.write(f"{count} parts written to {to}\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
