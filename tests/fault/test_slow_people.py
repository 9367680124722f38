"""Slow, idle and greedy connections, without a proxy in front: others are served meanwhile, nothing is left behind."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from tests.fault import installation as place
from tests.fault.pages import Site
from web import patient

SLOW = 300
CLIENTS, ASKED = 10, 20
LARGE = "/static/vendor/designer.js"
HALVES = (
    b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Half: ",
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nname=",
    f"GET {LARGE} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),  # and never reads
    b"",  # says nothing at all
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("slow")
    place.install(folder)
    with Site(folder) as running:
        yield running


def _connect(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
    )  # the system takes little in the reader's stead
    made.connect(("127.0.0.1", port))
    return made


def _ask(port: int, answers: list[int], times: int = ASKED) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for _ in range(times):
        connection.request("GET", "/sign-in")
        answer = connection.getresponse()
        answer.read()
        answers.append(answer.status)
    connection.close()


def _clients(port: int) -> list[int]:
    answers: list[int] = []
    threads = [threading.Thread(target=_ask, args=(port, answers)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _held(site: Site) -> tuple[int, int]:
    """Megabytes and handles of the process that serves."""
    assert site.master is not None
    found = subprocess.run(["pgrep", "-P", str(site.master.pid)], capture_output=True, text=True, check=True)
    process = Path(f"/proc/{found.stdout.split()[0]}")
    pages = int((process / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20, len(list((process / "fd").iterdir()))


def test_three_hundred_slow_connections_keep_nobody_waiting(site: Site, record_property: Any) -> None:
    assert _clients(site.port).count(200) == CLIENTS * ASKED
    _, handles = _held(site)
    with ExitStack() as open_sockets:
        for number in range(SLOW):
            slow = open_sockets.enter_context(_connect(site.port))
            slow.sendall(HALVES[number % len(HALVES)])
        began = time.monotonic()
        assert _clients(site.port).count(200) == CLIENTS * ASKED, "each of the others was served, within 10 s"
        spent = time.monotonic() - began
        assert _held(site)[1] > handles + SLOW // 2, "they were all connected meanwhile"
    record_property("fault", f"{SLOW} slow connections: {CLIENTS * ASKED} pages for others in {spent:.1f} s")
    for _ in range(100):
        if _held(site)[1] <= handles + 5:
            break
        time.sleep(0.1)
    assert _held(site)[1] <= handles + 5, "and their handles are given back"


GREEDY = {
    "20 MB of one field": (b"a=" + b"x" * (20 << 20), "application/x-www-form-urlencoded"),
    "60,000 fields": (b"&".join(b"f%d=1" % n for n in range(60_000)), "application/x-www-form-urlencoded"),
    "20 MB of JSON": (b'{"a": "' + b"x" * (20 << 20) + b'"}', "application/json"),
    "20 MB of parts": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * (20 << 20) + b"\r\n--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
}


def test_bodies_of_strangers_that_are_too_large_leave_nothing_behind(
    site: Site, full: bool, record_property: Any
) -> None:
    def send(times: int) -> None:
        for body, kind in [*GREEDY.values()] * times:
            connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
            connection.request("POST", "/sign-in", body, {"Content-Type": kind})
            assert connection.getresponse().status == 413
            connection.close()

    send(2)
    megabytes, handles = _held(site)
    send(50 if full else 3)
    after = _held(site)
    assert after[0] <= megabytes + 30
    assert after[1] <= handles + 5
    record_property(
        "fault", f"bodies of 20 MB: {megabytes} to {after[0]} MB, {handles} to {after[1]} handles"
    )


def test_many_requests_leave_nothing_behind(site: Site, full: bool, record_property: Any) -> None:
    _clients(site.port)
    megabytes, handles = _held(site)
    for _ in range(50 if full else 2):  # of 200 requests each
        assert _clients(site.port).count(200) == CLIENTS * ASKED
    after = _held(site)
    assert after[0] <= megabytes + 20
    assert after[1] <= handles + CLIENTS
    record_property("fault", f"many requests: {megabytes} to {after[0]} MB, {handles} to {after[1]} handles")


# ---------------------------------------------------------------- who is too slow
class _Server:
    """As much of a server as a connection asks for."""

    def __init__(self) -> None:
        self.active_channels: dict[int, patient.Channel] = {}
        self.tasks: list[object] = []

    def add_task(self, task: object) -> None:
        self.tasks.append(task)


@pytest.fixture
def channel() -> Iterator[patient.Channel]:
    ours, theirs = socket.socketpair()
    made = patient.Channel(_Server(), ours, ("203.0.113.7", 1), Adjustments(), map={})
    yield made
    for request in made.requests:
        request.close()
    made.handle_close()
    theirs.close()


def _open_after(channel: patient.Channel, seconds: float, grace: float = patient.GRACE) -> bool:
    channel.hurry(1000.0, grace)
    channel.hurry(1000.0 + seconds, grace)
    return not channel.will_close


def test_a_connection_that_asks_for_nothing_is_kept_for_a_while(channel: patient.Channel) -> None:
    assert _open_after(channel, patient.KEPT)
    assert not _open_after(channel, patient.KEPT + 1)


def test_a_connection_that_asks_for_nothing_makes_room_while_many_wait(channel: patient.Channel) -> None:
    assert not _open_after(channel, patient.HURRY + 1, patient.HURRY)


@pytest.mark.parametrize("begun", HALVES[:2], ids=["header", "body"])
def test_half_a_request_has_its_time_and_no_more(channel: patient.Channel, begun: bytes) -> None:
    channel.received(begun)
    assert channel.phase == "reading"
    assert _open_after(channel, patient.GRACE - 1)
    assert not _open_after(channel, patient.GRACE + 1)


def test_while_many_wait_there_is_less_time(channel: patient.Channel) -> None:
    channel.received(HALVES[0])
    assert not _open_after(channel, patient.HURRY + 1, patient.HURRY)


def test_a_long_form_on_a_slow_line_gets_its_time(channel: patient.Channel) -> None:
    channel.received(HALVES[1])
    channel.hurry(1000.0, patient.GRACE)
    channel.received(b"x" * int(patient.RATE * 10))
    channel.hurry(1000.0 + patient.GRACE + 9, patient.GRACE)
    assert not channel.will_close
    channel.hurry(1000.0 + patient.GRACE + 11, patient.GRACE)
    assert channel.will_close


def test_who_does_not_take_the_answer_loses_it_and_who_waits_for_it_does_not(
    channel: patient.Channel,
) -> None:
    channel.received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert channel.phase == "working"
    assert _open_after(channel, 3600.0), "a page may take long to be made"
    channel.requests.clear()
    channel.total_outbufs_len = 1
    assert channel.phase == "writing"
    assert not _open_after(channel, patient.GRACE + 1)


def test_more_on_its_way_than_there_is_room_for_is_turned_away(
    channel: patient.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient, "MOST_HELD", 2 << 20)
    channel.received(HALVES[1].replace(b"60000", b"9000000"))
    channel.received(b"x" * (1 << 20))
    assert not channel.requests
    channel.received(b"x" * (2 << 20))
    (refused,) = channel.requests
    assert (refused.error.code, "请稍等" in refused.error.body) == (503, True)
    assert channel.server.tasks == [channel]
