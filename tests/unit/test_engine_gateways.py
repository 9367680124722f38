"""Gateways against real servers on this machine: which of the four outcomes each behaviour of the outside becomes.

The rule behind it all: what may have happened is *unknown* and never tried again by itself; only what certainly did not
happen is *retried* or *failed*.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry
from engine.delivery.gateways.sms import HttpSmsGateway
from engine.delivery.gateways.webhook import WebhookGateway
from tests.serving import serving

ENTRY = Entry(
    "260302-00001-8/attempt-1",
    "260302-00001-8",
    "sms",
    "attempt-1",
    "sms_1",
    "13812345678",
    "您好:\n请回电",
    1,
)
KEY = b"k" * 32


def test_an_answer_without_words_says_nothing_of_the_server_nor_of_more_to_do() -> None:
    assert Answer(SENT) == Answer(SENT, "", away=False, more=False)


@contextmanager
def provider(
    status: int = 200, body: bytes = b"{}", *, hang: bool = False, cut: bool = False, **headers: str
) -> Iterator[Any]:
    """An HTTP provider with one way of behaving; what it was asked is in ``asked``."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"]))
            server.asked.append((self.path, dict(self.headers), text))
            if hang:
                released.wait(10)
                return
            if cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        asked: list[tuple[str, dict[str, str], bytes]]

        def handle_error(self, *_: object) -> None:
            """A client that went away is part of the test."""

    server = Server(("127.0.0.1", 0), Handler)
    server.asked = []
    with serving(server):
        yield server
        released.set()


def _sms(server: Any, timeout: float = 5) -> HttpSmsGateway:
    return HttpSmsGateway(f"http://127.0.0.1:{server.server_address[1]}/send", "token-1", timeout)


# ---------------------------------------------------------------- HTTP
def test_a_message_goes_out_with_its_id_as_idempotency_key() -> None:
    with provider(200, b'{"ok": true}') as server:
        answer = _sms(server).send(ENTRY)
        ((path, headers, body),) = server.asked
    assert (answer.state, answer.detail) == (SENT, '{"ok": true}')
    assert path == "/send"
    assert (headers["Idempotency-Key"], headers["Authorization"]) == (ENTRY.id, "Bearer token-1")
    assert json.loads(body) == {
        "id": ENTRY.id,
        "to": "13812345678",
        "text": "您好:\n请回电",
        "template": "sms_1",
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, SENT), (202, SENT), (204, SENT), (400, FAILED), (401, FAILED), (404, FAILED), (422, FAILED),
     (429, RETRY), (503, RETRY), (500, UNKNOWN), (502, UNKNOWN), (504, UNKNOWN)],
)  # fmt: skip
def test_what_an_http_status_means(status: int, state: str) -> None:
    with provider(status, b"") as server:
        assert _sms(server).send(ENTRY).state == state


def test_a_redirect_is_not_followed() -> None:
    """An address comes from the operator's settings only; a provider cannot send us elsewhere."""
    with provider(200) as elsewhere:
        target = f"http://127.0.0.1:{elsewhere.server_address[1]}/inner"
        for status in (301, 302, 307, 308):
            with provider(status, b"", Location=target) as server:
                assert _sms(server).send(ENTRY).state in (FAILED, UNKNOWN)
        assert elsewhere.asked == []


def test_nobody_listening_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert HttpSmsGateway(f"http://127.0.0.1:{port}/", "", 2).send(ENTRY).state == RETRY


def test_no_answer_in_time_is_unknown() -> None:
    with provider(hang=True) as server:
        assert _sms(server, timeout=0.2).send(ENTRY).state == UNKNOWN
        assert len(server.asked) == 1, "and not asked twice"


def test_a_connection_that_breaks_before_the_answer_is_unknown() -> None:
    with provider(cut=True) as server:
        assert _sms(server).send(ENTRY).state == UNKNOWN
        assert len(server.asked) == 1


def test_an_answer_that_is_no_http_is_unknown() -> None:
    class Garbage(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(10_000)
            self.wfile.write(b"\x00\x01 garbage\r\n\r\n")

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Garbage)) as port:
        assert HttpSmsGateway(f"http://127.0.0.1:{port}/", "", 2).send(ENTRY).state == UNKNOWN


def test_an_id_in_any_script_can_be_sent() -> None:
    entry = Entry(
        "260302-00001-8/粤语 第1次", "260302-00001-8", "sms", "粤语 第1次", "sms_1", "13812345678", "您好", 1
    )
    with provider(200) as server:
        assert _sms(server).send(entry).state == SENT
        ((_, headers, body),) = server.asked
    assert headers["Idempotency-Key"].isascii()
    assert json.loads(body)["id"] == entry.id


def test_a_long_answer_is_not_kept_whole() -> None:
    with provider(200, b"x" * 100_000) as server:
        assert len(_sms(server).send(ENTRY).detail) == 500


def test_a_webhook_is_signed_over_its_body() -> None:
    with provider(200) as server:
        gateway = WebhookGateway(f"http://127.0.0.1:{server.server_address[1]}/hook", KEY, 5)
        assert gateway.send(ENTRY).state == SENT
        ((_, headers, body),) = server.asked
    assert headers["Gongdan-Signature"] == "sha256=" + hmac.new(KEY, body, hashlib.sha256).hexdigest()
    assert json.loads(body)["case"] == ENTRY.case_id


def test_an_answer_says_no_more_than_it_is_given() -> None:
    assert Answer(SENT) == Answer(state=SENT, detail="", away=False, more=False)
