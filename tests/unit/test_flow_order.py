"""Gateways ask their conditions in the order of the file, wherever the drawing puts the targets."""

from __future__ import annotations

from engine.base.settings import CHECKOUT
from engine.release.release import Release
from engine.release.releases import read_folder


def test_conditions_are_asked_in_the_order_of_the_flows() -> None:
    release = Release(1, read_folder(CHECKOUT))
    asked = [
        target
        for condition, target in release.program.specs["network_fault_consultation"]
        .task_specs["reply_gate"]
        .cond_task_specs
        if condition is not None
    ]
    assert asked == ["prepare_result_sms", "archive_resolved"]
