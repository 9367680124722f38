"""Stop the process dead at every named boundary; the next start goes on as if it had been the power."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import failpoints
from engine.app import open_gongdan
from tests.fault import installation as place

OF_THE_WORKER = ("timers.claimed", "outbox.claimed", "outbox.sent")


@pytest.mark.parametrize("name", failpoints.NAMES)
def test_a_stop_there_loses_nothing_and_the_next_start_goes_on(
    name: str, tmp_path: Path, database_url: str, record_property: Any
) -> None:
    place.install(tmp_path, database_url)
    ledger = tmp_path / "ledger"
    if name in OF_THE_WORKER:
        client = place.run(
            *("tests.fault.client", str(tmp_path), str(ledger), "before"),
            failpoint="dispatch.answered:80",
            url=database_url,
        )
        assert client.wait(60) == place.STOPPED
        stopped = place.run("tests.fault.background", str(tmp_path), failpoint=name, url=database_url)
    else:
        stopped = place.run(
            *("tests.fault.client", str(tmp_path), str(ledger), "only"),
            failpoint=f"{name}:15",
            url=database_url,
        )
    assert stopped.wait(60) == place.STOPPED, "the place was never reached"
    gongdan = open_gongdan(place.settings(tmp_path, database_url))
    acknowledged = place.ledger(ledger)
    place.assert_nothing_lost(gongdan, acknowledged)
    cases = place.assert_goes_on(gongdan)
    assert cases >= 1
    place.assert_nothing_lost(gongdan, acknowledged)
    place.assert_proves_itself(gongdan)
    record_property(
        "fault",
        f"stopped at {name} on {gongdan.db.engine.name}: {len(acknowledged)} acknowledged, 0 lost, "
        f"0 done twice, {cases} cases end and prove themselves",
    )
    gongdan.close()


def test_a_message_whose_sender_stopped_after_the_gateway_answered_is_not_sent_again(
    tmp_path: Path,
) -> None:
    place.install(tmp_path)
    ledger = tmp_path / "ledger"
    client = place.run(
        "tests.fault.client", str(tmp_path), str(ledger), "x", failpoint="dispatch.answered:80"
    )
    assert client.wait(60) == place.STOPPED
    assert (
        place.run("tests.fault.background", str(tmp_path), failpoint="outbox.sent").wait(60) == place.STOPPED
    )
    gongdan = open_gongdan(place.settings(tmp_path))
    place.assert_goes_on(gongdan)
    assert gongdan.outbox.counts().get("unknown", 0) >= 1
    gongdan.close()
