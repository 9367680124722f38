"""The committed bundles are what their manifest says, carry their licences, and load nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json

import pytest

from engine.base.settings import CHECKOUT

FOLDER = CHECKOUT / "web" / "static" / "vendor"
MANIFEST = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


def test_every_file_is_in_the_manifest_with_its_hash() -> None:
    here = {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*") if p.is_file()} - {"manifest.json"}
    assert here == set(MANIFEST["files"])
    for name, digest in MANIFEST["files"].items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name


def test_the_bundles_are_made_from_the_sources_that_are_here() -> None:
    """``cd frontend && npm ci && node build.mjs`` makes them again."""
    folder = CHECKOUT / "frontend"
    sources = [folder / "build.mjs", folder / "package-lock.json", *(folder / "src").iterdir()]
    here = {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sources}
    assert here == MANIFEST["sources"]


def test_packages_have_a_version_and_a_licence() -> None:
    for name, package in MANIFEST["packages"].items():
        assert package["version"], name
        assert package["license"], name
    assert "licenses/bpmn-js.txt" in MANIFEST["files"]
    assert "licenses/htmx.org.txt" in MANIFEST["files"]


@pytest.mark.parametrize("name", ["viewer.js", "designer.js"])
def test_the_watermark_is_in_the_bundle(name: str) -> None:
    assert "bjs-powered-by" in (FOLDER / name).read_text(encoding="utf-8")


def test_the_properties_panel_has_no_inline_style() -> None:
    assert '<div style="height: 100%" tabindex' not in (FOLDER / "designer.js").read_text(encoding="utf-8")


def test_versions_are_pinned_and_no_host_is_named() -> None:
    package = json.loads((CHECKOUT / "frontend" / "package.json").read_text(encoding="utf-8"))
    assert all(version[0].isdigit() for version in package["devDependencies"].values())
    assert "resolved" not in (CHECKOUT / "frontend" / "package-lock.json").read_text(encoding="utf-8")
