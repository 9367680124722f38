"""The list of parts is whole, fits the schema of CycloneDX, and is the same each time it is made."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jsonschema_rs
import pytest

from engine import VERSION
from tests.architecture import sbom
from tests.architecture.licences import browser_packages, locked


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sbom.text())
    return found


def _schema(name: str) -> Any:
    return json.loads(
        (resources.files("cyclonedx.schema") / "_res" / f"{name}.SNAPSHOT.schema.json").read_bytes()
    )


def test_it_fits_the_schema(made: dict[str, Any]) -> None:
    base = _schema("bom-1.6")["$id"].rpartition("/")[0]
    beside = [(f"{base}/{name}.SNAPSHOT.schema.json", _schema(name)) for name in ("spdx", "jsf-0.82")]
    registry = jsonschema_rs.Registry(beside)
    schema = jsonschema_rs.validator_for(_schema("bom-1.6"), registry=registry)
    assert [str(error) for error in schema.iter_errors(made)] == []
    spoilt = {**made, "components": [{"name": "no type"}]}
    assert not schema.is_valid(spoilt), "the schema is looked at"


def test_it_names_what_runs_and_what_is_bundled_with_licence(made: dict[str, Any]) -> None:
    parts = {part["purl"]: part for part in made["components"]}
    python = {f"pkg:pypi/{name}@{version}" for name, version in locked(sbom.LOCK).items()}
    browser = {
        f"pkg:npm/{name.replace('@', '%40')}@{about['version']}" for name, about in browser_packages().items()
    }
    assert set(parts) == python | browser
    assert [purl for purl, part in parts.items() if not part["licenses"]] == []
    assert [purl for purl in python if not parts[purl]["hashes"]] == []
    lxml = next(part for part in made["components"] if part["name"] == "lxml")
    assert lxml["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    about = made["metadata"]["component"]
    assert (about["name"], about["version"], about["type"]) == ("gongdan", VERSION, "application")


def test_it_says_what_needs_what(made: dict[str, Any]) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in made["dependencies"]}
    versions = locked(sbom.LOCK)

    def ref(name: str) -> str:
        return f"pkg:pypi/{name}@{versions[name]}"

    assert ref("flask") in needs[made["metadata"]["component"]["bom-ref"]]
    assert {ref("werkzeug"), ref("jinja2")} <= set(needs[ref("flask")])
    reached, waiting = set(), [made["metadata"]["component"]["bom-ref"]]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += needs.get(one, [])
    unreached = {part["name"] for part in made["components"] if part["bom-ref"] not in reached}
    assert unreached <= {"colorama"}, "only what other systems need may hang loose"


def test_the_same_sources_give_the_same_file() -> None:
    assert sbom.text() == sbom.text()
