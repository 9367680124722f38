"""Mail by SMTP."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from . import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry


class SmtpGateway:
    """One connection a mail. The ``Message-ID`` repeats the entry's id, so that a receiver can drop a double."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        starttls: bool,
        user: str,
        password: str,
        timeout: float = 20,
    ) -> None:
        self._host, self._port, self._sender = host, port, sender
        self._starttls, self._user, self._password, self._timeout = starttls, user, password, timeout

    def send(self, entry: Entry) -> Answer:
        """Send ``entry`` as plain text; its first line is the subject."""
        mail = EmailMessage()
        subject, _, text = entry.body.partition("\n")
        mail["Subject"], mail["From"], mail["To"] = subject[:200], self._sender, entry.recipient
        mail["Message-ID"] = f"<{entry.id.replace('/', '.')}@gongdan>"
        mail.set_content(text.strip() or subject)
        handed_over = False
        try:
            with smtplib.SMTP(self._host, self._port, timeout=self._timeout) as server:
                if self._starttls:
                    server.starttls()
                if self._user:
                    server.login(self._user, self._password)
                handed_over = True
                server.send_message(mail)
            return Answer(SENT, "accepted by the mail server")
        except (
            smtplib.SMTPRecipientsRefused,
            smtplib.SMTPSenderRefused,
            smtplib.SMTPAuthenticationError,
        ) as error:
            return Answer(FAILED, str(error)[:300])
        except smtplib.SMTPResponseException as error:
            return Answer(
                RETRY if error.smtp_code < 500 else FAILED, f"{error.smtp_code} {error.smtp_error!r}"[:300]
            )
        except (OSError, smtplib.SMTPException) as error:
            return Answer(UNKNOWN if handed_over else RETRY, f"{type(error).__name__}: {error}"[:300])
