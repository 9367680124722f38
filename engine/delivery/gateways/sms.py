"""SMS over a provider that takes JSON over HTTP."""

from __future__ import annotations

import orjson

from engine.base.errors import ConfigurationError
from engine.base.sending import Answer, Entry, Gateway
from engine.base.settings import Settings

from .http import header, post


def gateway(settings: Settings) -> Gateway | None:
    """The provider of the settings, if they name one. Raises :class:`ConfigurationError` without its address."""
    if settings.sms_gateway != "http":
        return None
    if not settings.sms_url:
        raise ConfigurationError("GONGDAN_SMS_GATEWAY is http, but GONGDAN_SMS_URL is not set")
    return HttpSmsGateway(settings.sms_url, settings.sms_token, settings.sms_timeout_seconds)


class HttpSmsGateway:
    """Sends an SMS as ``{"id", "to", "text", "template"}`` with a bearer token."""

    def __init__(self, url: str, token: str, timeout: float) -> None:
        self._url, self._token, self._timeout = url, token, timeout

    def send(self, entry: Entry) -> Answer:
        """Hand the message to the provider; ``Idempotency-Key`` is the entry's id (percent-encoded)."""
        body = orjson.dumps(
            {"id": entry.id, "to": entry.recipient, "text": entry.body, "template": entry.template}
        )
        headers = {"Content-Type": "application/json", "Idempotency-Key": header(entry.id)}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return post(self._url, body, headers, self._timeout)
