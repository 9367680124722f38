"""Mail by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from engine.base.sending import FAILED, RETRY, SENT, UNKNOWN, Answer, Entry, Gateway
from engine.base.settings import Settings
from engine.base.texts import is_mail_address

_POLICY = SMTP.clone(cte_type="7bit")


def gateway(settings: Settings) -> Gateway | None:
    """The mail server of the settings, if they name one."""
    if not settings.smtp_host:
        return None
    return SmtpGateway(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_from,
        starttls=settings.smtp_starttls,
        user=settings.smtp_user,
        password=settings.smtp_password,
    )


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
        if not is_mail_address(entry.recipient):
            return Answer(FAILED, "the recipient is not one mail address")
        mail = EmailMessage(policy=_POLICY)
        subject, _, text = entry.body.partition("\n")
        mail["Subject"] = "".join(c for c in subject if c.isprintable())[:200]
        mail["From"], mail["To"] = self._sender, entry.recipient
        mail["Message-ID"] = f"<{quote(entry.id.replace('/', '.'), safe='.-')}@gongdan>"
        mail.set_content(text.strip() or subject)
        try:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        except smtplib.SMTPResponseException as error:
            return replace(_refused(error.smtp_code, error.smtp_error), away=True)
        except (OSError, smtplib.SMTPException) as error:
            return Answer(RETRY, _shown(error), away=True)
        try:
            return self._hand_over(server, entry.recipient, mail.as_bytes())
        finally:
            server.close()  # without QUIT: its answer must not change what happened to the mail

    def _hand_over(self, server: smtplib.SMTP, recipient: str, mail: bytes) -> Answer:
        """The dialogue. Until the text is on its way nothing has happened; from then on only the answer says what."""
        under_way = False
        try:
            if self._starttls:
                server.starttls(context=ssl.create_default_context())
            server.ehlo_or_helo_if_needed()
            if self._user:
                server.login(self._user, self._password)
            for code, said in (server.mail(self._sender), server.rcpt(recipient)):
                if code >= 300:
                    return _refused(code, said)
            under_way = True
            code, said = server.data(mail)
            return Answer(SENT, "accepted by the mail server") if code < 300 else _refused(code, said)
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            return Answer(UNKNOWN if under_way else RETRY, _shown(error), away=True)


def _refused(code: int, said: bytes | str) -> Answer:
    """4xx: not now; 5xx: not at all."""
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return Answer(RETRY if code < 500 else FAILED, f"{code} {words}"[:300])


def _shown(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
