"""What the rules share: syntax trees, kept while the rules of one module read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.architecture.sources import tree


@pytest.fixture(scope="module", autouse=True)
def trees_are_let_go() -> Iterator[None]:
    """The trees of all files are some hundred megabytes."""
    yield
    tree.cache_clear()
