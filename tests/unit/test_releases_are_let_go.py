"""A release that nobody works on any more is let go: a server that publishes often must not grow with each."""

from __future__ import annotations

import gc
import weakref

from engine.base.settings import CHECKOUT
from engine.release.release import Release
from engine.release.releases import read_folder
from web.case_data_view import Reading


def test_pages_that_read_by_a_release_do_not_keep_it() -> None:
    release = Release(1, read_folder(CHECKOUT))
    reading = Reading(release, {})
    assert reading._field("content") is not None
    assert reading._field("no_such_name") is None
    kept = weakref.ref(release)
    del release, reading
    gc.collect()
    assert kept() is None
