"""Mail against a real server on this machine: which outcome each behaviour of a mail server becomes."""

from __future__ import annotations

import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Entry
from engine.delivery.gateways.mail import SmtpGateway
from tests.serving import serving


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
    answer = gateway.send(MAIL)
    assert (answer.state, answer.away) == (RETRY, True)


@pytest.mark.parametrize(
    ("answers", "away"),
    [
        ({"greeting": "421 busy"}, True),
        ({"mail": "cut"}, True),
        ({"end": "cut"}, True),
        ({"rcpt": "450 greylisted"}, False),
        ({"rcpt": "550 no such user"}, False),
        ({}, False),
    ],
    ids=str,
)
def test_a_server_that_is_away_is_told_from_one_that_refuses_a_mail(
    answers: dict[str, str], away: bool
) -> None:
    with mail_server(**answers) as server:
        assert _mail(server).send(MAIL).away is away


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
