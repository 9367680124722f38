"""What the seeds share: the prepared database, and a folder in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .stage import Stage, prepare, workplace


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A folder in which each seed has one of its own."""
    with workplace() as folder:
        yield folder


@pytest.fixture(scope="session")
def stage(published: Path, place: Path) -> Stage:
    """What every seed begins with."""
    folder = place / "stage"
    folder.mkdir()
    return prepare(published, folder)
