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

from engine.gateways import FAILED, RETRY, SENT, UNKNOWN, Entry
from engine.gateways.http import HttpSmsGateway, WebhookGateway
from engine.gateways.mail import SmtpGateway

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


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """The port of a server that answers until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])  # type: ignore[index]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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


# ---------------------------------------------------------------- SMTP
@contextmanager
def mail_server(**answers: str) -> Iterator[Any]:
    """A mail server that answers as told: ``greeting``, ``mail``, ``rcpt``, ``data``, ``end`` (of the message).

    The answer ``cut`` closes the connection instead.
    """

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if not self.answer("greeting", "220 tests"):
                return
            while line := self.rfile.readline().decode().strip():
                verb = line.partition(" ")[0].upper()
                if verb in ("EHLO", "HELO"):
                    self.answer("helo", "250 tests")
                elif verb == "QUIT":
                    self.answer("quit", "221 bye")
                    return
                elif verb == "DATA":
                    if not self.answer("data", "354 go on"):
                        return
                    lines = []
                    while (text := self.rfile.readline()) != b".\r\n":
                        lines.append(text)
                    server.mails.append(b"".join(lines).decode())
                    if not self.answer("end", "250 queued"):
                        return
                elif not self.answer(verb.lower(), "250 ok"):
                    return

        def answer(self, step: str, usual: str) -> bool:
            text = answers.get(step, usual)
            if text == "cut":
                return False
            self.wfile.write(text.encode() + b"\r\n")
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True
        mails: list[str]

    server = Server(("127.0.0.1", 0), Handler)
    server.mails = []
    with serving(server):
        yield server


def _mail(server: Any) -> SmtpGateway:
    port = server.server_address[1]
    return SmtpGateway("127.0.0.1", port, "desk@example.org", starttls=False, user="", password="", timeout=2)


MAIL = Entry(
    "260302-00001-8/reply",
    "260302-00001-8",
    "mail",
    "reply",
    "mail_1",
    "wei@example.org",
    "回复\n已为您退费。",
    1,
)


def test_a_mail_goes_out_with_an_id_a_receiver_can_compare() -> None:
    with mail_server() as server:
        assert _mail(server).send(MAIL).state == SENT
        (text,) = server.mails
    assert "Message-ID: <260302-00001-8.reply@gongdan>" in text
    assert "To: wei@example.org" in text
    assert "Subject: =?utf-8?" in text


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"rcpt": "550 no such user"}, FAILED),
        ({"mail": "553 not you"}, FAILED),
        ({"end": "554 refused as spam"}, FAILED),
        ({"data": "451 come back later"}, RETRY),
        ({"end": "452 full"}, RETRY),
        ({"greeting": "421 busy"}, RETRY),
        ({"greeting": "cut"}, RETRY),
        ({"end": "cut"}, UNKNOWN),
    ],
    ids=str,
)
def test_what_a_mail_server_s_behaviour_means(answers: dict[str, str], state: str) -> None:
    with mail_server(**answers) as server:
        assert _mail(server).send(MAIL).state == state


def test_a_temporary_refusal_of_the_recipient_is_tried_again() -> None:
    """Greylisting: 450 to RCPT is the everyday answer of careful servers to somebody new."""
    with mail_server(rcpt="450 greylisted, try again") as server:
        assert _mail(server).send(MAIL).state == RETRY


def test_a_connection_lost_before_the_message_was_handed_over_is_tried_again() -> None:
    with mail_server(mail="cut") as server:
        assert _mail(server).send(MAIL).state == RETRY
        assert server.mails == []


def test_no_mail_server_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    gateway = SmtpGateway(
        "127.0.0.1", port, "desk@example.org", starttls=False, user="", password="", timeout=2
    )
    assert gateway.send(MAIL).state == RETRY


@pytest.mark.parametrize("subject", ["a\r\nBcc: everybody@example.org", "x" * 500, "", "换行\n正文"])
def test_no_text_can_add_headers(subject: str) -> None:
    entry = Entry(MAIL.id, MAIL.case_id, "mail", "reply", "mail_1", MAIL.recipient, f"{subject}\n正文", 1)
    with mail_server() as server:
        assert _mail(server).send(entry).state == SENT
        head = server.mails[0].partition("\r\n\r\n")[0]
    assert "everybody" not in head


@pytest.mark.parametrize(
    "recipient", ["a@example.org\r\nBcc: b@example.org", "", "not an address", "a@example.org, b@example.org"]
)
def test_a_recipient_that_is_none_fails_and_reaches_nobody_else(recipient: str) -> None:
    entry = Entry(MAIL.id, MAIL.case_id, "mail", "reply", "mail_1", recipient, "回复\n正文", 1)
    with mail_server() as server:
        assert _mail(server).send(entry).state == FAILED
        assert server.mails == []
