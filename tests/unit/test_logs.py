"""The log keeps standard output clean and phone numbers to itself."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import structlog

from engine.base.logs import configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    out = io.StringIO()
    configure("info", out)
    yield out
    structlog.reset_defaults()


def test_an_event_is_one_line_with_its_level(stream: io.StringIO) -> None:
    structlog.get_logger().warning("gateway away", attempts=3)
    (line,) = stream.getvalue().splitlines()
    assert "[warning] gateway away attempts=3" in " ".join(line.split())


def test_what_is_below_the_level_is_not_logged(stream: io.StringIO) -> None:
    structlog.get_logger().debug("every detail")
    assert stream.getvalue() == ""


def test_phone_numbers_are_masked_in_every_text(stream: io.StringIO) -> None:
    structlog.get_logger().info("called 13800138000", to="+8613912345678", case="260302-00017-4")
    assert "13800138000" not in stream.getvalue()
    assert "13912345678" not in stream.getvalue()
    assert "260302-00017-4" in stream.getvalue()


def test_phone_numbers_are_masked_in_tracebacks(stream: io.StringIO) -> None:
    names: dict[str, str] = {}
    try:
        names["13800138000"]
    except KeyError:
        structlog.get_logger().exception("failed")
    assert "KeyError: '138******00'" in stream.getvalue()


def test_the_id_of_a_request_stays_as_pages_show_it(stream: io.StringIO) -> None:
    structlog.get_logger().info("asked by 13800138000", request="85bc13508083332b")
    assert "85bc13508083332b" in stream.getvalue()
    assert "13800138000" not in stream.getvalue()
