"""Serving those who are slow without keeping the others waiting.

gunicorn watches over the process; within it waitress reads each request whole, on one thread for all connections,
before one of the threads that answer takes it up, and hands answers out the same way. So half a header, half a form
and somebody who does not take their answer cost a connection and no thread. What waitress lacks is here: who is
slower than anybody is by nature gives the place back, and what is under way together has a bound.
"""

from __future__ import annotations

import logging
import os
import resource
import time
from typing import Any

from gunicorn.workers.base import Worker
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.utilities import Error

from .errors import MOST_DROPPED

CONNECTIONS = 1000  #: at once, where the system gives as many handles
SPARE = 200  #: handles for database, files and sandbox
KEPT = 75.0  #: seconds that a connection without a request stays open: longer than nginx keeps its own (60)
GRACE = 20.0  #: seconds that anybody may take for a request or an answer, however little moves
HURRY = 3.0  #: both, while half of the places are taken
RATE = 4000.0  #: bytes for which there is a second more: less than any telephone line of today
MOST_BODY = (
    64 * 1024 * 1024
)  #: bytes of one request that are read, so that one of half as many is answered by a page
MOST_HELD = 512 * 1024 * 1024  #: bytes of all requests that are on their way together
IN_MEMORY = 64 * 1024  #: bytes of a request, and of an answer, before it goes to a file
_LOOK = 1 << 20  #: bytes of a request between two looks at how much all hold


class Busy(Error):  # type: ignore[misc]  # waitress has no types
    """Too many large forms are on their way; which language the sender reads is not known yet."""

    code = 503
    reason = "Service Unavailable"

    def __init__(self) -> None:
        super().__init__(
            "现在正在接收的文件太多，请稍等一分钟后返回再试。\n"
            "Too many files are being sent just now. Wait a minute, go back, and send yours again."
        )


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that knows since when it reads, writes or rests, and how much has moved."""

    request: Any  #: that is being read, None between two

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.done = 0  #: requests that were read to their end
        self.moved = 0  #: bytes, either way, since the phase began
        self.taken = 0  #: bytes of the request that is being read
        self._phase: tuple[str, int] = ("", 0)
        self._since = time.monotonic()
        super().__init__(*arguments, **named)

    @property
    def phase(self) -> str:
        """What the connection is about: writing, working, reading or resting."""
        if self.total_outbufs_len:
            return "writing"
        if self.requests:
            return "working"
        return "reading" if self.request is not None else "resting"

    def received(self, data: bytes) -> bool:
        """Take what came; a request that would hold more than there is room for is answered at once."""
        before = self.taken
        self.taken += len(data)
        self.moved += len(data)
        if self.taken // _LOOK > before // _LOOK and self._held() > MOST_HELD:
            return self._turn_away()
        took = super().received(data)
        if self.request is None:
            self.done += 1
            self.taken = 0
        return bool(took)

    def _held(self) -> int:
        return sum(channel.taken for channel in self.server.active_channels.values())

    def _turn_away(self) -> bool:
        with self.requests_lock:
            refused, self.request = self.request, None
            self.taken = 0
            refused.error = Busy()
            refused.completed = True
            self.requests.append(refused)
            if len(self.requests) == 1:
                self.server.add_task(self)
        return False

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Hand out what the other side takes."""
        sent = int(super().send(data, do_close=do_close))
        self.moved += sent
        return sent

    def handle_close(self) -> None:
        """End, and give back the file of a request that was half read."""
        super().handle_close()
        if self.request is not None:
            self.request.close()

    def hurry(self, now: float, grace: float) -> None:
        """Give the place back when nothing or too little moved for too long; ``now``: monotonic seconds."""
        phase = (self.phase, self.done)
        if phase != self._phase:
            self._phase, self._since, self.moved = phase, now, 0
        resting = KEPT if grace == GRACE else grace
        longest = resting if phase[0] == "resting" else grace + self.moved / RATE
        if phase[0] != "working" and now - self._since > longest:
            self.will_close = True


class PatientWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """What gunicorn starts and watches over: waitress on the sockets that it bound."""

    _server: BaseWSGIServer | None = None

    def run(self) -> None:
        """Serve until told to stop, then answer what was begun."""
        places = _places()
        # Each of many requests at once waits its turn; that is no fault to be logged.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server = server = create_server(
            self.wsgi,
            sockets=[one.sock for one in self.sockets],
            threads=self.cfg.threads,
            connection_limit=places,
            channel_timeout=24 * 3600,  # Channel.hurry decides
            max_request_header_size=64 * 1024,
            max_request_body_size=MOST_DROPPED,
            inbuf_overflow=IN_MEMORY,
            outbuf_overflow=IN_MEMORY,
            recv_bytes=64 * 1024,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=False,  # whom to believe is decided once, by GONGDAN_PROXIES
            ident="",
        )
        server.channel_class = Channel
        looked = time.monotonic()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            self._turn(server)
            if (now := time.monotonic()) - looked >= 1.0:
                looked = now
                grace = GRACE if len(server.active_channels) < places // 2 else HURRY
                for channel in list(server.active_channels.values()):
                    channel.hurry(now, grace)
        self._end(server)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop, at once if nothing is under way."""
        super().handle_exit(sig, frame)
        if self._server is not None:
            self._server.pull_trigger()

    @staticmethod
    def _turn(server: BaseWSGIServer) -> None:
        """Read and write what is ready, or wait a second for it."""
        server.asyncore.loop(timeout=1.0, use_poll=True, map=server._map, count=1)

    def _end(self, server: BaseWSGIServer) -> None:
        server.accepting = False
        last = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < last and any(
            channel.phase in ("working", "writing") for channel in server.active_channels.values()
        ):
            self.notify()
            self._turn(server)
        server.task_dispatcher.shutdown(timeout=1)
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()


def _places() -> int:
    """How many connections there may be; each may need a handle for its request and its answer, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * CONNECTIONS + SPARE
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft < 0 else max(20, min(CONNECTIONS, (soft - SPARE) // 3))
